// A rule on one incident: whether it holds, what is missing, and every cause before and after.
import { send } from "./api.js";
import { whileBusy } from "./post.js";
import { ruleOf } from "./rule_form.js";
import { say } from "./words.js";

const SHOWN = 6;
const SVG = "http://www.w3.org/2000/svg";

function rect(className, width, y) {
  const node = document.createElementNS(SVG, "rect");
  for (const [key, value] of Object.entries({ class: className, width: `${(100 * width).toFixed(1)}%`, height: 5, y, rx: 1 })) node.setAttribute(key, value);
  return node;
}

function bars({ before, after }) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ width: "100%", height: 14, class: "trial-bars rtl:-scale-x-100", "aria-hidden": "true" })) svg.setAttribute(key, value);
  svg.append(rect("bar-track", 1, 1), rect("bar-fill", before, 1), rect("bar-track", 1, 8), rect("bar-fill-top", after, 8));
  return svg;
}

function cell(content, className = "") {
  const node = document.createElement("td");
  node.className = className;
  node.append(content);
  return node;
}

function figure(value, className = "") {
  const node = document.createElement("bdi");
  node.dir = "ltr";
  node.className = className;
  node.textContent = value.toFixed(2);
  return node;
}

function named(label) {
  const text = say(`cause.${label}`);
  return text === `cause.${label}` ? label : text;
}

function causeRow(cause) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = named(cause.cause);
  row.append(head, cell(figure(cause.before), "num"), cell(figure(cause.after, "font-semibold"), "num"), cell(bars(cause), "trial-cell"));
  return row;
}

const metrics = (conditions) => conditions.map(({ metric }) => metric.replaceAll("_", " ").replaceAll("|", " / ")).join(", ");

function notes(answer, words) {
  const said = [];
  if (!answer.holds_for_asset_type) said.push(words.typeWords);
  if (answer.missing.length) said.push(`${words.missing} ${metrics(answer.missing)}.`);
  if (answer.against.length) said.push(`${words.against} ${metrics(answer.against)}.`);
  if (answer.unknown_metrics.length) said.push(`${words.unknown} ${answer.unknown_metrics.join(", ").replaceAll("_", " ")}.`);
  return said.join(" ");
}

function show(box, answer) {
  const verdict = answer.would_match ? `${box.dataset.matches} ${answer.likelihood.toFixed(2)}.` : box.dataset.not;
  box.querySelector('[data-part="verdict"]').textContent = verdict;
  box.querySelector('[data-part="notes"]').textContent = notes(answer, box.dataset);
  const moved = [...(answer.causes ?? [])].filter(({ before, after }) => Math.max(before, after) >= 0.005).slice(0, SHOWN);
  box.querySelector('[data-part="causes"]').replaceChildren(...moved.map(causeRow));
  box.hidden = false;
}

function bodyOf(form, incident) {
  const { pattern, confidence, root_cause_category } = ruleOf(form);
  const body = { pattern, confidence, root_cause_category, incident_id: incident };
  return form.dataset.rule ? { ...body, replaces_id: Number(form.dataset.rule) } : body;
}

async function tryOne(section, form, button) {
  const error = section.querySelector("[data-error]");
  error.hidden = true;
  try {
    const incident = section.querySelector('[data-part="incident"]').value;
    const answer = await whileBusy(button, () => send("POST", section.dataset.trial, bodyOf(form, incident)));
    show(section.querySelector('[data-part="answer"]'), answer);
  } catch (failure) {
    error.textContent = failure.message;
    error.hidden = false;
  }
}

export function startTrial(form) {
  const section = document.querySelector("[data-trial]");
  const button = section?.querySelector("[data-try]");
  button?.addEventListener("click", () => {
    if (button.dataset.busy === undefined) tryOne(section, form, button);
  });
}
