// Entry of every signed-in page: menus, live connection, live values, regions.
import Alpine from "./alpine.js";
import { startKeyboard } from "./keyboard.js";
import { LiveConnection } from "./live.js";
import { startPosting } from "./post.js";
import "./sign_out.js";
import { Regions } from "./region.js";
import { alertCritical, notice, setBanner, setChip, setTheme, setUnread, showAges, startClock } from "./shell.js";
import { LiveValues } from "./values.js";
import { startWork } from "./work.js";
import { say } from "./words.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content;

// The page says when it was made; its first byte arrived at about that moment.
const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
const clockOffset = Number(meta("optria-now") || arrived) - arrived;
export const serverNow = () => performance.timeOrigin + performance.now() + clockOffset;

export const values = new LiveValues(serverNow);
export const regions = new Regions();

Alpine.data("menu", () => ({
  open: false,
  toggle() { this.open = !this.open; },
  close() { this.open = false; },
  leave() {
    if (!this.open) return;
    this.open = false;
    this.$root.querySelector("button")?.focus();
  },
}));
Alpine.data("theme", () => ({
  flip() { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); },
}));
Alpine.data("quietHours", () => ({
  quiet: false,
  init() { this.quiet = this.$root.dataset.quiet === "true"; },
}));

// The search is loaded when somebody turns to it.
const searchBox = document.querySelector("[data-search]");
function search() {
  searchBox?.setAttribute("data-open", "");
  const input = searchBox?.querySelector("input");
  input?.focus();
  input?.select();
}
searchBox?.addEventListener("focusin", () => import("./search.js"), { once: true });
searchBox?.querySelector("[data-search-open]").addEventListener("click", search);

let offlineSince = "";
let state = "connecting";

function connectionChanged(next) {
  if (next !== "live" && state === "live") offlineSince = document.querySelector('[data-clock] [data-part="time"]')?.textContent ?? "";
  state = next;
  setBanner(state, offlineSince);
  everySecond();
}

function everySecond() {
  const { worst, stale, seen } = values.tick();
  setChip(state, worst, seen > 0 && stale === seen);
  showAges(serverNow());
}

function happened(topic, items) {
  regions.happened(topic);
  document.dispatchEvent(new CustomEvent("optria:events", { detail: { topic, items } }));
  if (topic === "e:notify") notified(items);
  const critical = items.find((item) => item.kind === "incident_opened" && item.severity === "CRITICAL");
  if (critical) alertCritical(critical.title || say("alert.critical"));
}

function notified(items) {
  const last = items[items.length - 1];
  if (Number.isInteger(last?.unread_count)) setUnread(last.unread_count);
  const fresh = items.map((item) => item.notification).filter(Boolean).pop();
  if (fresh?.title) notice(fresh.title, fresh.action_url || "/notifications");
}

function startLive() {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  const live = new LiveConnection(url, {
    onState: connectionChanged,
    onPoll: () => regions.wantAll(),
    onReconnected: (count) => notice(say("reconnected", { count })),
  });
  const topics = new Set(["e:notify", ...regions.topics()]);
  for (const topic of topics) {
    live.subscribe(topic, { snap: () => regions.happened(topic), events: (items) => happened(topic, items) });
  }
  for (const node of document.querySelectorAll("[data-live]")) {
    live.subscribe(node.dataset.live, { snap: (data) => values.update(data), values: (data) => values.update(data) });
  }
  live.start();
  return live;
}

regions.onSignedOut = () => connectionChanged("signed-out");
document.addEventListener("optria:region", () => values.bind());
values.bind();
startClock(serverNow);
startPosting(regions);
startKeyboard(search);
startWork();
setInterval(everySecond, 1000);
if (meta("optria-live") === "on") startLive();
Alpine.start();
