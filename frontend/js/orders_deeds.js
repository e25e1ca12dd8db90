// What somebody does to a work order, as the deeds of the outbox, and the page's own words.

const page = document.querySelector("[data-orders]");
const given = JSON.parse(page?.dataset.orders ?? "{}");
export const { moves = {}, offers = {}, me = 0 } = given;

// Kept without a connection. The rest needs somebody who answers.
const KEPT = ["tick", "note", "start", "complete", "pause"];
const NAMES = { notes: "note", checklist: "tick" };
const ADDRESS = /^\/api\/work-orders\/(\d+)\/(\w+)/;

export const isKept = (deed) => KEPT.includes(deed.what);

export function word(key, values = {}) {
  return (given.words?.[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

export const drawer = () => document.querySelector('[data-region="order"][data-order]');
export const cardOf = (order) => document.querySelector(`[data-card="${Number(order)}"]`);

// What the page shows of an order: beside the board, else on its card.
export function shown(order) {
  const node = drawer()?.dataset.order === String(order) ? drawer() : cardOf(order);
  const { number = "", status = "", seen = "0", cardVersion, version = cardVersion } = node?.dataset ?? {};
  return { number, status, seen: Number(seen), version: Number(version) };
}

// A request to the API of work orders as a deed; null for any other.
export function deedOf({ method, url, body, key }, values = {}) {
  const found = ADDRESS.exec(url);
  if (!found) return null;
  const order = Number(found[1]);
  const what = NAMES[found[2]] ?? found[2];
  const { number, status, seen, version } = shown(order);
  return { key, method, url, body, order, number, what, at: Date.now(), seen, version: Number(body?.version ?? version), status, ...values };
}

// "Start work", "Tick: Replace the bearing", "Note: …"
export function said(deed) {
  const text = deed.text ?? deed.body?.body ?? deed.body?.actual_cause ?? "";
  const verb = word(deed.what === "tick" && !deed.body.done ? "untick" : deed.what);
  return text ? `${verb}: \u2068${text}\u2069` : verb;
}
