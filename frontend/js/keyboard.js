// Keys of every page: / search, g o|t|i|w|a go to, j k next and previous row, a acknowledge, n note, ? the list.
// Never while somebody types or a dialog is open, never with Ctrl, Alt or Meta. An Arabic layout has the same keys in
// the same places: where a key gives no Latin letter, its place counts. They can be switched off (WCAG 2.1.4).
const OFF = "optria.keys.off";
const GO = { o: "/dashboard", t: "/digital-twin", i: "/blackbox/incidents", w: "/work-orders", a: "/assets" };
const GO_MS = 1500;
const ROWS = "a[href], button:not([disabled])";

const shown = (node) => node.getClientRects().length > 0;
const isTyping = (node) => Boolean(node?.closest?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable], [role="textbox"]'));

function keyOf(event) {
  if (/^[a-z/?]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.key.length !== 1 || event.key.charCodeAt(0) < 128) return "";
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : "";
}

const rows = () => [...document.querySelectorAll("[data-row]")].filter(shown)
  .map((row) => (row.matches(ROWS) || row.tabIndex >= 0 ? row : row.querySelector(ROWS))).filter(Boolean);

function step(by) {
  const all = rows();
  const at = all.findIndex((target) => target === document.activeElement || target.closest("[data-row]").contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function shortcut(letter) {
  const target = [...document.querySelectorAll(`[data-shortcut="${letter}"]`)].find((node) => shown(node) && !node.disabled);
  if (!target) return false;
  target.focus();
  if (target.matches("button, a")) target.click();
  return true;
}

function showShortcuts() {
  document.getElementById("shortcuts")?.showModal();
}

let goingUntil = 0;

function act(key, search) {
  const going = performance.now() < goingUntil;
  goingUntil = 0;
  if (going && GO[key]) location.assign(GO[key]);
  else if (key === "g") goingUntil = performance.now() + GO_MS;
  else if (key === "/") search();
  else if (key === "?") showShortcuts();
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else return shortcut(key);
  return true;
}

const isOff = () => localStorage.getItem(OFF) === "yes";

function startSwitch() {
  const tick = document.querySelector("[data-keys-on]");
  if (!tick) return;
  tick.checked = !isOff();
  tick.addEventListener("change", () => localStorage.setItem(OFF, tick.checked ? "no" : "yes"));
}

export function startKeyboard(search) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat && !"jk".includes(event.key)) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || isOff()) return;
    const key = keyOf(event);
    if (key && act(key, search)) event.preventDefault();
  });
  document.addEventListener("click", (event) => event.target.closest?.("[data-show-shortcuts]") && showShortcuts());
  startSwitch();
}
