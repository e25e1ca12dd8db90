// What if: sliders and ticks of the incident page post what differs and show the distribution before and after.
import { send } from "./api.js";
import { formatValue } from "./format.js";
import { say } from "./words.js";

const WAIT_MS = 250;
const MOST_ROWS = 8;
const arabic = document.documentElement.lang === "ar";

const part = (node, name) => node.querySelector(`[data-part="${name}"]`);
const causeName = (label) => {
  const said = say(`cause.${label}`);
  return arabic && !said.startsWith("cause.") ? said : label;
};
const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(2)}`;

// Only what differs from the page's own values is asked for.
function changesOf(knobs) {
  const body = {};
  const add = (name, value) => (body[name] ??= []).push(value);
  for (const { input, changed } of knobs) {
    if (!changed) continue;
    const value = Number(input.value);
    const data = input.dataset;
    if (data.knob === "rule") add("rules", { rule_id: Number(data.rule), confidence: value });
    else if (data.knob === "limit") add("limits", { metric: data.metric, direction: data.direction, severity: data.severity, limit: value });
    else if (data.knob === "tag") add("without_tags", value);
    else if (data.knob === "incident") add("without_incidents", input.value);
    else if (data.knob === "shift") body.anchor_shift_s = value;
    else if (data.knob === "temperature") body.temperature = value;
  }
  return body;
}

class WhatIf {
  constructor(form) {
    this.form = form;
    this.asked = 0;
    this.timer = null;
    this.inputs = [...form.querySelectorAll("[data-knob]")];
    this.first = new Map(this.inputs.map((input) => [input, this.valueOf(input)]));
    form.addEventListener("input", (event) => this.turned(event.target));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("[data-what-if-reset]").addEventListener("click", () => this.reset());
  }

  valueOf(input) {
    return input.type === "checkbox" ? input.checked : input.value;
  }

  turned(input) {
    if (input.type === "range") this.write(input);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  write(input) {
    const decimals = input.dataset.decimals === "" ? null : Number(input.dataset.decimals);
    part(input.closest("label"), "value").textContent = formatValue(Number(input.value), decimals);
  }

  reset() {
    for (const [input, value] of this.first) {
      if (input.type === "checkbox") input.checked = value;
      else {
        input.value = value;
        this.write(input);
      }
    }
    this.ask();
  }

  async ask() {
    const knobs = this.inputs.map((input) => ({ input, changed: this.valueOf(input) !== this.first.get(input) }));
    const body = changesOf(knobs);
    const asked = (this.asked += 1);
    this.form.setAttribute("aria-busy", "true");
    try {
      const answer = await send("POST", this.form.dataset.whatIf, body);
      if (asked === this.asked) this.show(answer, Object.keys(body).length > 0);
    } catch (failure) {
      if (asked === this.asked) this.fail(failure.message);
    } finally {
      if (asked === this.asked) this.form.removeAttribute("aria-busy");
    }
  }

  fail(message) {
    const box = this.form.querySelector("[data-error]");
    box.textContent = message;
    box.hidden = false;
  }

  show(answer, changed) {
    this.form.querySelector("[data-error]").hidden = true;
    this.form.querySelector("[data-what-if-reset]").hidden = !changed;
    part(this.form, "hint").hidden = changed;
    part(this.form, "answer").hidden = !changed;
    part(this.form, "causes").replaceChildren(...answer.causes.map((row) => this.causeRow(row)));
    part(this.form, "moved").replaceChildren(...answer.evidence.slice(0, MOST_ROWS).map((row) => this.movedRow(row)));
    part(this.form, "nothing-moved").hidden = answer.evidence.length > 0;
    part(this.form, "cost").textContent = costText(answer);
  }

  made(name) {
    return this.form.querySelector(`template[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
  }

  causeRow(row) {
    const node = this.made("cause");
    part(node, "name").textContent = causeName(row.label);
    part(node, "before").textContent = row.before.toFixed(2);
    part(node, "after").textContent = row.after.toFixed(2);
    part(node, "bar-before").setAttribute("width", `${row.before * 100}%`);
    part(node, "bar-after").setAttribute("width", `${row.after * 100}%`);
    return node;
  }

  movedRow(row) {
    const node = this.made("moved");
    part(node, "cause").textContent = causeName(row.cause);
    part(node, "text").textContent = (arabic && row.text_ar) || row.text;
    part(node, "change").textContent = signed(row.change);
    return node;
  }
}

function costText({ before, after }) {
  const amount = (value) => (value === null ? "\u2013" : formatValue(value, 0));
  const currency = after.currency ?? before.currency ?? "";
  if (before.total_estimated_cost === after.total_estimated_cost) return `${amount(after.total_estimated_cost)} ${currency}`;
  return `${amount(before.total_estimated_cost)} / ${amount(after.total_estimated_cost)} ${currency}`;
}

for (const form of document.querySelectorAll("form[data-what-if]")) new WhatIf(form);
