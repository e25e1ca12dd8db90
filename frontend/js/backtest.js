// The back-test: one change from the form becomes the body of the API; the result is fetched while it runs.
import { send } from "./api.js";
import { regions } from "./app.js";
import { whileBusy } from "./post.js";
import { instantOf } from "./site_time.js";
import { say } from "./words.js";

const EVERY_MS = 1000;
const form = document.querySelector("[data-backtest]");
const chosen = (name) => form.elements.namedItem(name)?.selectedOptions?.[0];
const value = (name) => form.elements.namedItem(name)?.value ?? "";

function json(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    throw new Error(say("backtest.json"));
  }
}

function limit() {
  const old = chosen("limit");
  const facts = old?.dataset.facts ? JSON.parse(old.dataset.facts) : {
    asset_type: value("asset_type") || null, metric: value("metric"), direction: value("direction"),
  };
  if (value("limit_value") === "") throw new Error(say("backtest.value"));
  const change = { ...facts, limit_value: Number(value("limit_value")), severity: value("limit_severity") };
  return { thresholds: [old?.value ? { ...change, replaces_id: Number(old.value) } : change] };
}

function rule() {
  const option = chosen("rule");
  if (!option) return {};
  return "active" in option.dataset ? { without_rules: [Number(option.value)] } : { rules: [JSON.parse(option.dataset.rule)] };
}

const DRAFTS = {
  nothing: () => ({}),
  limit,
  rule,
  draft: () => ({ rules: [json(value("draft"))] }),
  policy: () => ({ policy: { min_severity: value("min_severity"), min_probability: Number(value("min_probability")) } }),
  detector: () => ({
    detectors: [{ detector: value("detector"), asset_type: value("detector_type") || null, metric: value("detector_metric") || null, parameters: json(value("parameters")) }],
  }),
};

function body() {
  const now = new Date();
  const asked = value("end") ? instantOf(value("end"), form.dataset.timeZone) : now;
  const end = asked > now ? now : asked;
  const start = new Date(end.getTime() - Number(value("hours")) * 3600000);
  return {
    start: start.toISOString(),
    end: end.toISOString(),
    asset_ids: value("asset") ? [Number(value("asset"))] : [],
    draft: DRAFTS[value("kind")](),
  };
}

function complain(sentence) {
  const error = form.querySelector("[data-error]");
  error.textContent = sentence;
  error.hidden = !sentence;
}

async function start(button) {
  complain("");
  try {
    const job = await whileBusy(button, () => send("POST", form.dataset.backtest, body()));
    const label = document.querySelector("h1")?.textContent.trim() ?? "";
    document.dispatchEvent(new CustomEvent("optria:work", { detail: { key: job.id, label, poll: `/api/config/backtests/${job.id}` } }));
    regions.want(["backtest"]);
  } catch (failure) {
    complain(failure.message);
  }
}

function showKind() {
  for (const fields of form.querySelectorAll("[data-kind]")) fields.hidden = fields.dataset.kind !== value("kind");
}

function showLimit() {
  const facts = chosen("limit")?.dataset.facts;
  for (const field of form.querySelectorAll("[data-new-limit]")) field.hidden = Boolean(facts);
  if (!facts) return;
  const { limit_value: old, severity } = JSON.parse(facts);
  form.elements.namedItem("limit_value").value = old;
  form.elements.namedItem("limit_severity").value = severity;
}

// The chosen rule on incidents whose cause people have confirmed, one after the other.
async function tryPast(button) {
  complain("");
  try {
    const pattern = (value("kind") === "draft" ? json(value("draft")) : json(chosen("rule")?.dataset.rule)).pattern;
    await whileBusy(button, async () => {
      for (const row of form.querySelectorAll("[data-incident]")) {
        const answer = await send("POST", form.dataset.trial, { pattern, incident_id: row.dataset.incident });
        const cell = row.querySelector('[data-part="answer"]');
        cell.textContent = answer.would_match ? `${cell.dataset.holds} (${answer.likelihood.toFixed(2)})` : cell.dataset.holdsNot;
      }
    });
  } catch (failure) {
    complain(failure.message);
  }
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector('button[type="submit"]');
    if (button.dataset.busy === undefined) start(button);
  });
  form.elements.namedItem("kind").addEventListener("change", showKind);
  form.elements.namedItem("limit").addEventListener("change", showLimit);
  form.querySelector("[data-try-past]")?.addEventListener("click", (event) => tryPast(event.currentTarget));
  showKind();
  showLimit();
  setInterval(() => {
    if (document.querySelector("[data-backtest-running]")) regions.want(["backtest"]);
  }, EVERY_MS);
}
