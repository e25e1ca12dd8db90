// The editor of a causal rule: its conditions as rows, the graph of them, a draft, a trial, a back-test.
import { send } from "./api.js";
import { regions } from "./app.js";
import { draw } from "./causal_graph.js";
import { clearFieldErrors, showFieldErrors } from "./forms.js";
import { whileBusy } from "./post.js";
import { graphOf, ruleOf } from "./rule_form.js";
import { startTrial } from "./rule_trial.js";
import { notice } from "./shell.js";

const DRAWN_AFTER_MS = 120;
const EVERY_MS = 1000;
const form = document.querySelector("[data-rule-form]");
const graph = document.querySelector("[data-causal-graph]");
const saved = form.querySelector('[data-part="saved"]');
let isDirty = false;
let timer;

const redraw = () => draw(graph, graphOf(form));
const inRegions = () => regions.want(["rule-state", "rule-proof", "rule-history"]);

function changed() {
  isDirty = true;
  saved.textContent = form.dataset.unsaved;
  clearTimeout(timer);
  timer = setTimeout(redraw, DRAWN_AFTER_MS);
}

function complain(box, failure) {
  if (showFieldErrors(form, failure.fields)) return;
  box.textContent = failure.message;
  box.hidden = false;
}

// A new rule is added as a draft and opened; another one gets a new draft, if nobody was faster.
async function save() {
  const { address, rule, version, suffix, page } = form.dataset;
  clearFieldErrors(form);
  if (!rule) {
    const made = await send("POST", `${address}${suffix}`, { ...ruleOf(form), is_active: false });
    isDirty = false;
    location.assign(`${page}${made.id}${suffix}`);
    return;
  }
  const answer = await send("PUT", `${address}/${rule}/draft${suffix}`, { ...ruleOf(form), version: Number(version) });
  form.dataset.version = answer.version;
  isDirty = false;
  saved.textContent = form.dataset.saved;
  notice(form.dataset.saved);
  inRegions();
}

async function submitted(event) {
  event.preventDefault();
  const error = form.querySelector("[data-error]");
  error.hidden = true;
  const button = event.submitter ?? form.querySelector('button[type="submit"]');
  if (!button || button.dataset.busy !== undefined) return;
  try {
    await whileBusy(button, save);
  } catch (failure) {
    complain(error, failure);
  }
}

function addCondition(group) {
  const row = form.querySelector("[data-condition-template]").content.firstElementChild.cloneNode(true);
  group.querySelector("[data-conditions]").append(row);
  row.querySelector("select").focus();
  changed();
}

function removeCondition(row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  const group = row.closest("[data-group]");
  row.remove();
  (next?.querySelector("[data-remove-condition]") ?? group.querySelector("[data-add-condition]"))?.focus();
  changed();
}

function clicked(event) {
  const add = event.target.closest("[data-add-condition]");
  if (add) addCondition(add.closest("[data-group]"));
  const remove = event.target.closest("[data-remove-condition]");
  if (remove) removeCondition(remove.closest("[data-condition]"));
}

// The draft as it is stored; what is not saved yet is saved first.
async function startProof(button) {
  const box = button.closest("[data-proof]");
  const error = box.parentElement.querySelector("[data-error]");
  const end = new Date();
  const start = new Date(end.getTime() - Number(box.querySelector('[data-part="hours"]').value) * 3600000);
  error.hidden = true;
  try {
    await whileBusy(button, async () => {
      if (isDirty) await save();
      const rule = { ...ruleOf(form), replaces_id: Number(form.dataset.rule) };
      await send("POST", box.dataset.proof, { start: start.toISOString(), end: end.toISOString(), draft: { rules: [rule] } });
    });
    inRegions();
  } catch (failure) {
    complain(error, failure);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-start-proof]");
  if (button && button.dataset.busy === undefined) startProof(button);
});
// A draft whose back-test has ended may be published with it: its state is shown again.
let wasRunning = false;
setInterval(() => {
  const isRunning = Boolean(document.querySelector("[data-backtest-running]"));
  if (isRunning || wasRunning) regions.want(["rule-proof", "rule-state"]);
  wasRunning = isRunning;
}, EVERY_MS);
form.addEventListener("input", changed);
form.addEventListener("click", clicked);
form.addEventListener("submit", submitted);
window.addEventListener("beforeunload", (event) => {
  if (isDirty) event.preventDefault();
});
startTrial(form);
redraw();
