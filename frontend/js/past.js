// The twin at a moment of the past: a slider over a day, marks of incidents, the way back to live.
// Keys on the slider: arrows 10 s, with shift the next incident, page up and down 10 min; Escape goes live.
import { regions } from "./app.js";
import { notice } from "./shell.js";
import { offsetOf } from "./site_time.js";

const SETTLED_MS = 220;
const STEP_S = 10;
const LEAP_S = 600;
const SHOWN = ["past", "drawing", "signals", "assets", "panel"];

const bar = document.querySelector("[data-past-bar]");
const slider = bar.querySelector("[data-past-slider]");
const start = Number(bar.dataset.start);
const span = Number(bar.dataset.span);
const marks = bar.dataset.marks.trim().split(/\s+/).filter(Boolean).map((ms) => (Number(ms) - start) / 1000);
const zone = bar.dataset.timeZone;
const words = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const fields = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
let timer = null;

const moment = () => new Date(start + Number(slider.value) * 1000);

// The place of the mark before or after a place on the slider, else where it is.
function markFrom(places, place, direction) {
  const beyond = places.filter((at) => (direction > 0 ? at > place + 1 : at < place - 1));
  return beyond.length ? (direction > 0 ? Math.min(...beyond) : Math.max(...beyond)) : place;
}

function say() {
  const at = moment();
  const text = `${words.format(at).replace(",", "")} ${offsetOf(zone, at)}`;
  bar.querySelector("[data-past-clock]").textContent = text;
  bar.querySelector("[data-past-field]").value = fields.format(at).replace(" ", "T");
  slider.setAttribute("aria-valuetext", text);
}

async function show() {
  const url = new URL(location.href);
  url.searchParams.set("at", `${moment().toISOString().slice(0, 19)}Z`);
  history.replaceState({}, "", url);
  bar.toggleAttribute("data-loading", true);
  const done = await regions.refresh(SHOWN);
  bar.toggleAttribute("data-loading", false);
  if (done === false && url.href === location.href) notice(bar.dataset.failed);
}

function go(place) {
  slider.value = String(Math.min(span, Math.max(0, Math.round(place))));
  say();
  clearTimeout(timer);
  timer = setTimeout(show, SETTLED_MS);
}

function keyed(event) {
  const direction = { ArrowRight: 1, ArrowUp: 1, PageUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: -1 }[event.key];
  const here = Number(slider.value);
  if (event.key === "Home") go(0);
  else if (event.key === "End") go(span);
  else if (!direction) return;
  else if (event.shiftKey) go(markFrom(marks, here, direction));
  else go(here + direction * (event.key.startsWith("Page") ? LEAP_S : STEP_S));
  event.preventDefault();
}

slider.addEventListener("input", () => go(Number(slider.value)));
slider.addEventListener("keydown", keyed);
bar.addEventListener("click", (event) => {
  const step = event.target.closest?.("[data-past-step]")?.dataset.pastStep;
  if (!step) return;
  const here = Number(slider.value);
  go(step.startsWith("mark") ? markFrom(marks, here, step === "mark+" ? 1 : -1) : here + Number(step));
});

// Back to live keeps what was chosen while looking at the past.
function liveAddress() {
  const url = new URL(location.href);
  url.searchParams.delete("at");
  return url.href;
}
bar.querySelector("[data-back-to-live]").addEventListener("click", (event) => {
  event.preventDefault();
  location.assign(liveAddress());
});
document.addEventListener("keydown", (event) => {
  const isOpen = document.querySelector('[data-panel][data-open], dialog[open], [aria-expanded="true"]');
  if (event.key === "Escape" && !event.defaultPrevented && !isOpen) location.assign(liveAddress());
});
