// Demo only: breaks a machine and ticks what follows, with the seconds since, from the times that the server stored.
import { send } from "./api.js";
import { formatAge } from "./format.js";
import { whileBusy } from "./post.js";
import { notice } from "./shell.js";

const panel = document.querySelector("[data-minutes]");
const KEY = "optria.first-minutes";
const AWAY = "optria.first-minutes.away";
const FAULT = { kind: "bearing-wear", severity: 0.8, ramp_s: 60 };
const LOOK_EVERY_MS = 2000;

const part = (node, name) => node.querySelector(`[data-part="${name}"]`);
const step = (name) => panel.querySelector(`[data-step="${name}"]`);
const remembered = () => JSON.parse(sessionStorage.getItem(KEY) ?? "null");
const remember = (state) => (state ? sessionStorage.setItem(KEY, JSON.stringify(state)) : sessionStorage.removeItem(KEY));

function tick(name, at, since, href) {
  const node = step(name);
  node.dataset.done = "";
  const seconds = (Date.parse(at) - Date.parse(since)) / 1000;
  part(node, "after").textContent = seconds > 0 ? `+${formatAge(seconds)}` : "";
  if (href) part(node, "link").href = href;
}

function clear() {
  for (const node of panel.querySelectorAll("[data-step]")) {
    delete node.dataset.done;
    part(node, "after").textContent = "";
    part(node, "link").removeAttribute("href");
  }
}

// The newest one of the machine; one that was open before takes a repeat of its fault to itself.
async function incidentOf(state) {
  const { incidents } = await send("GET", "/api/blackbox/incidents?limit=20");
  const isOurs = (one) => one.created_at >= state.since || ["OPEN", "INVESTIGATING"].includes(one.status);
  return incidents.find((one) => one.root_asset_code === state.asset && isOurs(one));
}

async function toldOf(orderId) {
  const { notifications } = await send("GET", "/api/notifications?limit=20");
  return notifications.find((one) => one.entity_type === "work_order" && one.entity_id === String(orderId));
}

// Says how far it has come; true when nothing more is to come.
async function look(state) {
  tick("fault", state.since, state.since, `?asset=${encodeURIComponent(state.asset)}`);
  const incident = await incidentOf(state);
  if (!incident) return false;
  const address = `/blackbox/incidents/${incident.id}`;
  tick("incident", incident.created_at, state.since, address);
  if (incident.analysed_at) tick("causes", incident.analysed_at, state.since, address);
  if (!incident.ordered_at) return false;
  tick("order", incident.ordered_at, state.since, `/work-orders/${incident.auto_work_order_id}`);
  const told = await toldOf(incident.auto_work_order_id);
  if (told) tick("told", told.created_at, state.since, "/notifications");
  return Boolean(told);
}

async function follow() {
  const state = remembered();
  panel.querySelector("[data-mend]").hidden = !state;
  panel.querySelector("[data-break]").hidden = Boolean(state);
  if (!state) return;
  try {
    if (await look(state)) return;
  } catch (failure) {
    part(panel, "said").textContent = failure.message;
  }
  setTimeout(follow, LOOK_EVERY_MS);
}

async function breakIt(button) {
  try {
    const fault = await whileBusy(button, () => send("POST", "/api/demo/faults", { ...FAULT, asset: panel.dataset.asset }));
    clear();
    remember({ id: fault.id, asset: fault.asset, since: fault.started_at });
    await follow();
  } catch (failure) {
    notice(failure.message);
  }
}

// A fault that has ended already is mended too.
async function mend(button, id) {
  try {
    await whileBusy(button, () => send("DELETE", `/api/demo/faults/${encodeURIComponent(id)}`));
  } catch (failure) {
    if (failure.status !== 404) return notice(failure.message);
  }
  remember(null);
  await follow();
}

function start() {
  panel.hidden = localStorage.getItem(AWAY) !== null;
  part(panel, "dismiss").addEventListener("click", () => {
    panel.hidden = true;
    localStorage.setItem(AWAY, "1");
  });
  const button = panel.querySelector("[data-break]");
  if (!button) return;
  button.addEventListener("click", () => breakIt(button));
  panel.querySelector("[data-mend]").addEventListener("click", ({ currentTarget }) => mend(currentTarget, remembered()?.id));
  follow();
}

if (panel) start();
