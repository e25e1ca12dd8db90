// The work-order page: the checklist, what becomes of refused changes, the causes, and where a new order leads.
import { newKey, send } from "./api.js";
import { regions } from "./app.js";
import "./dialogs.js";
import { keep, outbox } from "./offline.js";
import "./orders_board.js";
import { settle } from "./orders_conflict.js";
import { deedOf, drawer, isKept, word } from "./orders_deeds.js";
import "./orders_new.js";
import { based } from "./outbox.js";
import { notice } from "./shell.js";

const causeIn = (source) => source.querySelector?.("[data-cause-choice] input:checked + span")?.textContent;

function leave(source) {
  source.reset?.();
  source.closest("dialog")?.close();
}

// Sends a deed; where somebody else was faster, the person decides. True when it was done.
export async function carryOut(deed, failure = null) {
  for (;;) {
    try {
      if (!failure) return Boolean(await send(deed.method, deed.url, deed.body, deed.key));
    } catch (error) {
      failure = error;
    }
    if (failure.status === 0 && isKept(deed)) return keep({ ...deed, isTried: true });
    if (!failure.version) throw failure;
    const verdict = await settle(deed, failure);
    if (typeof verdict === "string") return false;
    [deed, failure] = [based(deed, verdict, newKey()), null];
  }
}

// Buttons go through the outbox; a form does so without a connection or behind what waits, so that the order of things
// stays, and else is sent at once, so that a refusal is said under its field.
document.addEventListener("optria:posting", (event) => {
  const deed = deedOf(event.detail, { text: causeIn(event.target) });
  const isForm = event.target.localName === "form";
  if (!deed || !isKept(deed) || (isForm && navigator.onLine && !outbox.deeds.length)) return;
  event.preventDefault();
  if (keep(deed)) leave(event.target);
});

document.addEventListener("optria:refused", async (event) => {
  const { failure } = event.detail;
  const deed = deedOf(event.detail, { text: causeIn(event.target) });
  if (!deed || !(failure.version || (failure.status === 0 && isKept(deed)))) return;
  event.preventDefault();
  try {
    if (await carryOut(deed, failure)) leave(event.target);
  } catch (error) {
    notice(error.message);
  }
  regions.wantAll();
});

document.addEventListener("optria:posted", (event) => {
  const form = event.target;
  if ("clear" in form.dataset || form.closest("dialog")) form.reset?.();
  if ("openOrder" in form.dataset) location.assign(`/work-orders?id=${event.detail.work_order.id}`);
});

document.addEventListener("change", (event) => {
  const box = event.target.closest?.("[data-tick]");
  if (!box) return;
  const version = Number(drawer().dataset.version);
  const body = { index: Number(box.dataset.index), done: box.checked, version };
  const text = box.closest("label").textContent.trim();
  if (!keep(deedOf({ method: "POST", url: box.dataset.tick, body }, { text }))) box.checked = !box.checked;
});

document.addEventListener("click", (event) => {
  const wanted = event.target.closest?.("[data-focus]");
  if (wanted) document.getElementById(wanted.dataset.focus)?.focus();
});

// The words of another cause are asked for where none of the suggestions is it.
function askForWords(choice) {
  choice.querySelector("[data-cause-text]").disabled = !choice.querySelector("[data-cause-other]").checked;
}

document.addEventListener("change", (event) => {
  const choice = event.target.closest?.("[data-cause-choice]");
  if (choice && event.target.type === "radio") askForWords(choice);
});

document.addEventListener("reset", (event) => {
  const choice = event.target.querySelector("[data-cause-choice]");
  if (choice) setTimeout(() => askForWords(choice));
});

// A card that was dropped on "Completed" has led here: what was found is asked at once.
if (location.hash === "#complete") {
  history.replaceState(null, "", location.pathname + location.search);
  drawer()?.querySelector('[data-dialog="complete-order"]')?.click();
}

document.addEventListener("optria:deed", async (event) => {
  const { deed, card } = event.detail;
  card.dataset.busy = "";
  card.dataset.state = "saving";
  try {
    await carryOut(deed);
  } catch (error) {
    notice(error.status === 0 ? word("needs-connection") : error.message);
  }
  delete card.dataset.busy;
  delete card.dataset.state;
  regions.wantAll();
});
