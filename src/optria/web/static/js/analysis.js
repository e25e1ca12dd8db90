// The answer of an analysis as nodes: story, root causes, actions. Text only, never HTML.
import { say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const arabic = document.documentElement.lang === "ar";

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function rect(className, width) {
  const node = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["class", className], ["width", `${width}%`], ["height", "7"]]) node.setAttribute(name, value);
  return node;
}

function bar(label, probability, isTop) {
  const row = element("div", `flex justify-between gap-3 text-sm ${isTop ? "font-semibold" : "text-ink2"}`);
  row.append(element("span", "", say(`cause.${label}`)), element("bdi", "font-semibold text-ink", probability.toFixed(2)));
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: "block mt-1 mb-2 rtl:-scale-x-100", width: "100%", height: "7", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  svg.append(rect("bar-track", 100), rect(isTop ? "bar-fill-top" : "bar-fill", probability * 100));
  const box = element("div");
  box.append(row, svg);
  return box;
}

const wordsOf = (action) => (arabic && action.action_ar) || action.action;

export function showAnalysis(box, answer) {
  const scores = Object.entries(answer.root_cause_scores ?? {}).sort((a, b) => b[1] - a[1]);
  const actions = element("ol", "list-decimal ps-5 text-sm text-ink2");
  actions.append(...(answer.recommended_actions ?? []).map((action) => element("li", "mt-1", wordsOf(action))));
  const link = element("a", "link inline-block mt-3", say("analysis.open"));
  link.href = `/blackbox/incidents/${answer.incident_id}`;
  box.replaceChildren(
    element("h2", "", say("analysis.story")),
    element("p", "mt-2 text-sm text-ink2 whitespace-pre-line", (arabic && answer.event_story_ar) || answer.event_story),
    element("h3", "mt-4 mb-1", say("analysis.causes")),
    ...scores.slice(0, 4).map(([label, probability], index) => bar(label, probability, index === 0)),
    element("h3", "mt-3", say("analysis.actions")),
    actions,
    link,
  );
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}
