// The tab of trends: one plot for each chosen signal of an asset, their right edge now, or a moment of the past.
import { send } from "./api.js";
import { serverNow, values } from "./app.js";
import { formatAge, formatValue } from "./format.js";
import { isInGap } from "./gaps.js";
import { Plot } from "./plot.js";
import { append, forgetBefore, servicesOf } from "./trend_data.js";

const REDRAW_MS = 1000;
const AGAIN_MS = 300000;
const LOADING_MS = 200;

const root = document.querySelector("[data-trends]");
const part = (name) => root.querySelector(`[data-trends-${name}]`);
const figures = () => [...root.querySelectorAll("[data-trend]")];
const chosenKey = `optria-trends-${root?.dataset.asset}`;
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: root?.dataset.timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const plots = new Map();
const visible = new Set();
let isPaused = false;
let asked = 0;
let changed = false;

const period = () => Number(root.querySelector('[data-period][aria-pressed="true"]').dataset.period) * 1000;
const end = () => values.at ?? serverNow();

// Later samples at the right edge; old ones leave on the left.
function take() {
  for (const [tag, { signal }] of plots) {
    if (append(signal, values.samples.get(tag))) changed = true;
    forgetBefore(signal, end() - period());
  }
}

function state(name) {
  for (const node of root.querySelectorAll("[data-trends-state]")) node.hidden = node.dataset.trendsState !== name;
}

function shownMetrics() {
  return figures().filter((figure) => !figure.hidden).map((figure) => figure.dataset.metric);
}

async function load() {
  const number = (asked += 1);
  const metrics = shownMetrics();
  state(metrics.length ? "" : "none");
  if (!metrics.length) return;
  const waiting = setTimeout(() => state("loading"), LOADING_MS);
  const to = end();
  const query = new URLSearchParams([["from", new Date(to - period()).toISOString()], ["to", new Date(to).toISOString()], ...metrics.map((m) => ["metric", m])]);
  try {
    const answer = await send("GET", `/api/assets/${root.dataset.asset}/trends?${query}`);
    if (number === asked) draw(answer);
  } catch (failure) {
    if (number === asked) failed(failure);
  } finally {
    clearTimeout(waiting);
  }
}

function failed(failure) {
  state("error");
  part("why").textContent = failure.message;
}

function draw(answer) {
  state("");
  const marks = answer.marks.map((mark) => ({ ...mark, time_ms: Date.parse(mark.time), from: Date.parse(mark.time), until: mark.end ? Date.parse(mark.end) : null }));
  const services = servicesOf(marks);
  for (const node of root.querySelectorAll("[data-service]")) node.hidden = !services.length;
  for (const signal of answer.signals) drawOne(signal, answer, marks.filter(({ kind }) => kind === "anchor"), services);
  redraw(true);
}

function drawOne(signal, answer, marks, services) {
  const figure = root.querySelector(`[data-trend="${signal.tag}"]`);
  if (!figure) return;
  const known = plots.get(String(signal.tag));
  const plot = known ?? new Plot(figure.querySelector("[data-plot]"), signal, { zone: root.dataset.timeZone, onCursor: (point) => read(figure, signal, point) });
  plot.signal = signal;
  plot.services = services;
  plots.set(String(signal.tag), plot);
  if (!known) seen.observe(figure);
  figure.querySelector("[data-empty]").hidden = signal.values.some((value) => value !== null);
  const note = figure.querySelector("[data-thinned]");
  note.hidden = !signal.thinned;
  note.textContent = root.dataset.thinned.replace("%s", formatAge((answer.to_ms - answer.from_ms) / 300000));
  plot.show(answer.from_ms, answer.to_ms, marks);
}

function read(figure, signal, point) {
  const said = (value) => (value === null || value === undefined ? root.dataset.wordGap : formatValue(value, signal.decimals));
  const text = point && ((point.value ?? null) !== null || isInGap(signal, point.time_ms)) ? `${clock.format(point.time_ms)}  ${said(point.value)}` : "";
  figure.querySelector("[data-at-cursor]").textContent = text;
}

function redraw(all = false) {
  const to = end();
  for (const [tag, plot] of plots) if (all || visible.has(tag)) plot.show(to - period(), to);
  changed = false;
}

const seen = root && new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target.dataset.trend);
});

function press(buttons, pressed) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
}

function pause(button) {
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  part("mode").textContent = isPaused ? root.dataset.wordPaused : root.dataset.wordLive;
  if (!isPaused) load();
}

function choose() {
  const away = [...root.querySelectorAll("[data-choose]:not(:checked)")].map((box) => box.dataset.choose);
  localStorage.setItem(chosenKey, JSON.stringify(away));
  showChosen(away);
  load();
}

function showChosen(away) {
  for (const figure of figures()) figure.hidden = away.includes(figure.dataset.metric);
}

function startTrends() {
  const away = JSON.parse(localStorage.getItem(chosenKey) || "[]");
  for (const box of root.querySelectorAll("[data-choose]")) box.checked = !away.includes(box.dataset.choose);
  showChosen(away);
  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose]")) choose();
    if (event.target.matches("[data-trends-asset]")) location.assign(event.target.value);
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-period], [data-trends-pause], [data-trends-again]");
    if (!button) return;
    if (button.dataset.period) press(root.querySelectorAll("[data-period]"), button);
    if ("trendsPause" in button.dataset) pause(button);
    else load();
  });
  values.watch(take);
  setInterval(() => changed && !isPaused && document.visibilityState === "visible" && redraw(), REDRAW_MS);
  setInterval(() => !isPaused && values.at === null && document.visibilityState === "visible" && load(), AGAIN_MS);
  document.addEventListener("optria:region", (event) => event.detail.region === "past" && load());
  load();
}

if (root) startTrends();
