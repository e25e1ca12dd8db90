// The live twin: choosing an asset, the panel as a drawer, running an analysis, starting a fault.
import { send } from "./api.js";
import { regions } from "./app.js";
import { whileBusy } from "./post.js";
import { notice } from "./shell.js";
import { say } from "./words.js";

const panel = document.querySelector("[data-panel]");
const shade = document.querySelector("[data-panel-shade]");
const result = document.querySelector("[data-analysis]");
let opener = null;

function openPanel(open) {
  panel.toggleAttribute("data-open", open);
  shade.hidden = !open;
  if (!open) opener?.focus?.();
}

function mark(code) {
  for (const node of document.querySelectorAll("a[data-asset]")) {
    const chosen = node.dataset.asset === code;
    if (node.classList.contains("eq")) node.dataset.selected = String(chosen);
    node.toggleAttribute("aria-current", chosen);
    if (chosen) node.setAttribute("aria-current", "true");
  }
}

async function choose(code, push) {
  mark(code);
  if (push) {
    const url = new URL(location.href);
    url.searchParams.set("asset", code);
    history.pushState({}, "", url);
  }
  result.hidden = true;
  await regions.refresh(["panel"]);
  openPanel(true);
  if (matchMedia("(width < 768px)").matches) panel.scrollIntoView({ block: "start" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-asset]");
  if (link && !event.ctrlKey && !event.metaKey && event.button === 0) {
    event.preventDefault();
    opener = link;
    choose(link.dataset.asset, true);
  } else if (event.target.closest?.("[data-panel-close], [data-panel-shade]")) openPanel(false);
});
document.addEventListener("keydown", (event) => event.key === "Escape" && panel.hasAttribute("data-open") && openPanel(false));
window.addEventListener("popstate", () => {
  const code = new URL(location.href).searchParams.get("asset");
  if (code) choose(code, false);
});

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function bar(label, p, top) {
  const row = element("div", `flex justify-between gap-3 text-sm ${top ? "font-semibold" : "text-ink2"}`);
  row.append(element("span", "", label), element("bdi", "font-semibold text-ink", p.toFixed(2)));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "block mt-1 mb-2 rtl:-scale-x-100");
  for (const [name, value] of [["width", "100%"], ["height", "7"], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  for (const [className, width] of [["bar-track", 100], [top ? "bar-fill-top" : "bar-fill", p * 100]]) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("class", className);
    rect.setAttribute("width", `${width}%`);
    rect.setAttribute("height", "7");
    svg.append(rect);
  }
  const box = element("div");
  box.append(row, svg);
  return box;
}

function wordsOf(action) {
  return typeof action === "string" ? action : (action.text ?? action.action ?? action.description ?? action.title ?? "");
}

// Story, scores and actions of an answer of the analysis.
export function showAnalysis(answer) {
  const scores = Object.entries(answer.root_cause_scores ?? {}).sort((a, b) => b[1] - a[1]);
  const parts = [element("h2", "", say("analysis.story")), element("p", "mt-2 text-sm text-ink2 whitespace-pre-line", answer.event_story)];
  parts.push(element("h3", "mt-4 mb-1", say("analysis.causes")), ...scores.slice(0, 4).map(([label, p], i) => bar(label, p, i === 0)));
  const list = element("ol", "list-decimal ps-5 text-sm text-ink2");
  list.append(...(answer.recommended_actions ?? []).map((action) => element("li", "mt-1", wordsOf(action))));
  parts.push(element("h3", "mt-3", say("analysis.actions")), list);
  if (answer.incident_id) {
    const link = element("a", "link inline-block mt-3", say("analysis.open"));
    link.href = `/blackbox/incidents/${answer.incident_id}`;
    parts.push(link);
  }
  result.replaceChildren(...parts);
  result.hidden = false;
  result.scrollIntoView({ block: "nearest" });
}

async function run(button) {
  try {
    const answer = await whileBusy(button, () => send("POST", `/api/blackbox/assets/${button.dataset.runAnalysis}/run`));
    await regions.refresh(["panel", "drawing"]);
    if (answer.event_story) showAnalysis(answer);
    else notice(answer.message || say("analysis.none"));
  } catch (failure) {
    notice(failure.message);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-run-analysis]");
  if (button && !button.disabled && button.dataset.busy === undefined) run(button);
});

// A small screen shows a part of the drawing: begin where the chosen asset is.
function centre(code) {
  const canvas = document.querySelector(".twin-canvas");
  const chosen = canvas?.querySelector(`a.eq[data-asset="${CSS.escape(code)}"]`);
  if (!chosen) return;
  const [part, whole] = [chosen.getBoundingClientRect(), canvas.getBoundingClientRect()];
  canvas.scrollBy(part.left + part.width / 2 - whole.left - whole.width / 2, part.top + part.height / 2 - whole.top - whole.height / 2);
}

const asked = new URL(location.href).searchParams.get("asset");
if (asked) {
  centre(asked);
  openPanel(true);
}

// The fault menu asks for the kinds when it is first opened, and for what is active every time.
const faults = document.querySelector("[data-faults]");

function option(kind) {
  const name = typeof kind === "string" ? kind : (kind.kind ?? kind.name);
  const node = element("option", "", name.replaceAll("-", " "));
  node.value = name;
  return node;
}

async function readFaults() {
  const select = faults.querySelector("[data-fault-kinds]");
  const active = faults.querySelector("[data-fault-active]");
  try {
    const answer = await send("GET", "/api/demo/faults");
    if (!select.options.length) select.replaceChildren(...(answer.kinds ?? []).map(option));
    const running = answer.active ?? [];
    active.textContent = running.length ? running.map((f) => `${f.kind.replaceAll("-", " ")} · ${f.asset}`).join(", ") : "";
  } catch (failure) {
    active.textContent = failure.message;
  }
}

if (faults) {
  faults.querySelector("button").addEventListener("click", readFaults);
  faults.addEventListener("optria:posted", readFaults);
}

setInterval(() => document.visibilityState === "visible" && regions.want(["panel"]), 60000);
setInterval(() => document.visibilityState === "visible" && regions.want(["connectors"]), 15000);
