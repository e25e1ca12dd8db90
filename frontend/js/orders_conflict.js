// Somebody else has changed the order: what they did, what we wanted, and which of the two it shall be.
import { me, said } from "./orders_deeds.js";
import { parsePage } from "./region.js";

const dialog = () => document.getElementById("order-conflict");
const part = (name) => dialog().querySelector(`[data-part="${name}"]`);

async function orderNow(deed) {
  try {
    const response = await fetch(`/work-orders?id=${deed.order}`, { headers: { Accept: "text/html", "X-Region": "1" } });
    const found = response.ok && parsePage(await response.text()).querySelector('[data-region="order"][data-order]');
    return found || null;
  } catch {
    return null;
  }
}

const lineText = (node, index) => node.querySelector(`[data-tick][data-index="${index}"]`)?.closest("label").textContent.trim();

// A tick belongs to its line: what else has changed does not matter to it.
function isApart(deed, now) {
  return deed.what === "tick" && lineText(now, deed.body.index) === deed.text && mayStill(deed, now);
}

function mayStill(deed, now) {
  return (now.dataset.may ?? "").split(" ").includes(deed.what);
}

// What others have done since; what we did ourselves, from another place, only where nobody else did anything.
function newLines(deed, now) {
  const lines = [...now.querySelectorAll("[data-line]")].filter((line) => Number(line.dataset.line) > deed.seen);
  const others = lines.filter((line) => Number(line.dataset.by) !== me);
  return others.length ? others : lines;
}

// Another version is somebody's change; any other refusal is the server's own.
function fill(deed, error, now) {
  part("changed").hidden = !error.version;
  part("refused").hidden = Boolean(error.version);
  part("number").textContent = deed.number;
  part("mine").textContent = said(deed);
  const lines = now ? newLines(deed, now).map((line) => document.importNode(line, true)) : [];
  part("lines").replaceChildren(...lines);
  part("no-lines").hidden = lines.length > 0;
  part("no-lines").textContent = error.message;
  const pill = now?.querySelector("[data-status-pill]");
  part("theirs").replaceChildren(...(pill ? [document.importNode(pill, true)] : []));
  const isPossible = Boolean(now && error.version) && mayStill(deed, now);
  part("again").disabled = !isPossible;
  part("impossible").hidden = isPossible;
}

// "theirs", "mine", or "later" when the dialog was left.
function answer() {
  return new Promise((resolve) => {
    let said = "later";
    const choose = (event) => {
      const choice = event.target.closest?.("[data-choice]");
      if (!choice || choice.disabled) return;
      said = choice.dataset.choice;
      dialog().close();
    };
    dialog().addEventListener("click", choose);
    dialog().addEventListener("close", () => {
      dialog().removeEventListener("click", choose);
      resolve(said);
    }, { once: true });
  });
}

// What shall become of a refused deed, as the outbox asks it: "drop", "wait", or a version to try again on.
export async function settle(deed, error) {
  const now = await orderNow(deed);
  const version = now ? Number(now.dataset.version) : error.version;
  if (now && error.version && isApart(deed, now)) return { version };
  fill(deed, error, now);
  const asked = answer();
  dialog().showModal();
  const choice = await asked;
  if (choice === "mine") return { version, isAsked: true };
  return choice === "theirs" ? "drop" : "wait";
}
