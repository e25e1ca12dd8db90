// The live twin: choosing an asset, the panel as a drawer, running an analysis.
import { showAnalysis } from "./analysis.js";
import { send } from "./api.js";
import { regions, values } from "./app.js";
import { startFaultMenu } from "./faults.js";
import { startLayers } from "./layers.js";
import { startListing } from "./listing.js";
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

async function run(button) {
  try {
    const answer = await whileBusy(button, () => send("POST", `/api/blackbox/assets/${button.dataset.runAnalysis}/run`));
    await regions.refresh(["panel", "drawing"]);
    if (answer.event_story) showAnalysis(result, answer);
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
  openPanel(values.at === null); // the slider of the past stays in sight
}

// The drawing at its own size, to be scrolled, or the whole of it in the room there is.
const fitToggle = document.querySelector("[data-fit-toggle]");

function fit(whole) {
  document.querySelector(".twin-canvas").toggleAttribute("data-fit", whole);
  fitToggle.setAttribute("aria-pressed", String(whole));
  localStorage.setItem("optria-fit", whole ? "1" : "");
}
if (fitToggle) {
  if (localStorage.getItem("optria-fit")) fit(true);
  fitToggle.addEventListener("click", () => fit(fitToggle.getAttribute("aria-pressed") !== "true"));
}

startFaultMenu(document.querySelector("[data-faults]"));
startLayers(document.querySelector("[data-layers]"), document.querySelector(".twin-canvas"));
startListing(document.querySelector("[data-listing]"), values);

// What ages without an event: the last hour of each signal, and the connections. The past stays as it was.
function every(ms, names) {
  setInterval(() => document.visibilityState === "visible" && values.at === null && regions.want(names), ms);
}
every(60000, ["panel"]);
every(15000, ["connectors"]);
