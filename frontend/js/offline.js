// Work orders without a connection: what was done waits in the outbox, is shown as waiting, and is sent in order when
// the connection is back. An open page goes on working; links wait, as there is nobody to answer them.
import { newKey, send } from "./api.js";
import { regions } from "./app.js";
import { drawer, said, word } from "./orders_deeds.js";
import { settle } from "./orders_conflict.js";
import { Full, isForLater, Outbox, Store } from "./outbox.js";
import { notice } from "./shell.js";
import { outboxName } from "./sign_out.js";

const TRY_AGAIN_MS = 15000;
const alone = navigator.locks ? (work) => navigator.locks.request("optria.outbox", work) : (work) => work();

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export const outbox = new Outbox(new Store(storage(), outboxName()), send, { newKey, refused: settle, changed: show, done, alone });
const isWaiting = () => Boolean(outbox.held) || !navigator.onLine;
let sentCount = 0;

// Takes a deed that shall not get lost; false when too many wait already.
export function keep(deed) {
  try {
    outbox.add(deed);
  } catch (error) {
    if (!(error instanceof Full)) throw error;
    notice(word("full"));
    return false;
  }
  outbox.flush();
  return true;
}

function done(deed) {
  const box = deed.what === "tick" && tickOf(deed);
  if (box) box.defaultChecked = deed.body.done;
  sentCount += 1;
}

function stateWord() {
  if (outbox.held?.status === 401) return word("signed-out");
  return outbox.held && !isForLater(outbox.held) ? word("answer") : word("by-itself");
}

function show(deeds = outbox.deeds) {
  const strip = document.querySelector("[data-outbox]");
  if (!strip) return;
  strip.hidden = !deeds.length || !isWaiting();
  strip.querySelector('[data-part="count"]').textContent = word("waiting", { count: deeds.length });
  strip.querySelector('[data-part="state"]').textContent = stateWord();
  strip.querySelector('[data-part="deeds"]').replaceChildren(...deeds.map(line));
  decorate(deeds);
  if (deeds.length) return;
  if (sentCount > 0) regions.wantAll();
  sentCount = 0;
}

// Another order is named; the one beside the board needs no name.
function line(deed) {
  const item = document.createElement("li");
  const number = document.createElement("bdi");
  number.dir = "ltr";
  number.textContent = `${deed.number} · `;
  if (drawer()?.dataset.order !== String(deed.order)) item.append(number);
  item.append(said(deed));
  return item;
}

const tickOf = (deed) => (drawer()?.dataset.order === String(deed.order) ? drawer().querySelector(`[data-tick][data-index="${Number(deed.body.index)}"]`) : null);

function mark() {
  const node = document.getElementById("waiting-mark").content.cloneNode(true).firstElementChild;
  node.dataset.pending = "";
  return node;
}

// The drawer as it will be once everything is sent, with a mark on what is not.
function decorate(deeds = outbox.deeds) {
  const order = drawer();
  if (!order) return;
  const own = deeds.filter((deed) => String(deed.order) === order.dataset.order);
  order.querySelectorAll("[data-pending]").forEach((node) => node.remove());
  for (const button of order.querySelectorAll("[data-verb]")) delete button.dataset.busy;
  for (const box of order.querySelectorAll("[data-tick]")) {
    box.checked = box.defaultChecked;
    delete box.closest("label").dataset.busy;
  }
  own.forEach((deed) => (deed.what === "tick" ? showTick(deed) : deed.what === "note" ? showNote(deed, order) : showMove(deed, order)));
  showNext(own, order);
}

function showTick(deed) {
  const box = tickOf(deed);
  if (!box) return;
  box.checked = deed.body.done;
  if (isWaiting()) box.closest("label").append(mark());
  else box.closest("label").dataset.busy = "";
}

function pendingLine(text) {
  const item = document.createElement("li");
  item.dataset.pending = "";
  item.className = "pending-line";
  const words = document.createElement("bdi");
  words.textContent = text;
  item.append(mark(), words);
  return item;
}

function showNote(deed, order) {
  order.querySelector("[data-history]")?.prepend(pendingLine(deed.body.body));
}

function showMove(deed, order) {
  const button = order.querySelector(`[data-verb="${CSS.escape(deed.what)}"]`);
  if (isWaiting()) order.querySelector("[data-pending-moves]")?.append(pendingLine(said(deed)));
  else if (button) button.dataset.busy = "";
}

// Work whose start waits can be completed; an order whose completion waits offers neither.
function showNext(own, order) {
  const waits = (what) => isWaiting() && own.some((deed) => deed.what === what);
  const start = order.querySelector('[data-verb="start"]');
  const complete = order.querySelector('[data-verb="complete"]');
  if (start) start.hidden = waits("start") || waits("complete");
  if (complete) complete.hidden = waits("complete") || Boolean(start && !waits("start"));
}

function tryAgain() {
  const isAnswerWanted = outbox.held && !isForLater(outbox.held);
  if (outbox.deeds.length && !isAnswerWanted) outbox.flush();
}

function linkClicked(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || navigator.onLine || link.target || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  event.stopPropagation();
  notice(word("opens-later"));
}

document.addEventListener("click", linkClicked, { capture: true });
document.addEventListener("click", (event) => event.target.closest?.("[data-send-now]") && outbox.flush());
document.addEventListener("optria:region", () => decorate());
addEventListener("online", () => outbox.flush());
addEventListener("offline", () => show());
document.addEventListener("visibilitychange", () => document.hidden || tryAgain());
setInterval(tryAgain, TRY_AGAIN_MS);
show();
tryAgain();
