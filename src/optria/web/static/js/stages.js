// What a test of a connection found, stage by stage, in the words of its template (macros/integrations.html).
import { formatAge } from "./format.js";

// Values stay left to right inside a sentence of either direction.
const worded = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? `\u2066${values[name]}\u2069` : all));

function clockWords(words, stage) {
  const newest = "newest_age_s" in stage ? worded(words.newest, { age: formatAge(stage.newest_age_s) }) : "";
  const size = Math.abs(stage.difference_s ?? 0);
  const sign = stage.difference_s < 0 ? "\u2212" : "+";
  const first = stage.state === "done" ? worded(words.clock, { difference: `${sign}${formatAge(size)}` }) : words[`clock.${stage.state}`];
  return [first, newest].filter(Boolean).join(" · ");
}

function wordsOf(words, stage) {
  if (stage.stage === "clock") return clockWords(words, stage);
  const text = words[`${stage.stage}.${stage.state}`] ?? words[stage.stage];
  const where = stage.where ? ` · ${stage.where}` : "";
  return worded(text, stage) + where;
}

function row(box, words, stage) {
  const item = document.createElement("li");
  item.dataset.state = stage.state;
  const icon = box.querySelector(`template[data-icon-of="${stage.state}"]`) ?? box.querySelector('template[data-icon-of="other"]');
  const text = document.createElement("span");
  text.textContent = wordsOf(words, stage);
  item.append(document.importNode(icon.content, true), text);
  return item;
}

function certificate(words, details) {
  return details?.server_certificate_sha256 && details.security !== "None" ? `${words.certificate}: ${details.server_certificate_sha256}` : "";
}

// answer: {success, message, details, stages}; a refusal before the test has no stages.
export function showStages(box, answer) {
  const words = JSON.parse(box.dataset.words);
  const part = (name) => box.querySelector(`[data-part="${name}"]`);
  const verdict = part("verdict");
  verdict.textContent = answer.success ? verdict.dataset.good : verdict.dataset.bad;
  part("list").replaceChildren(...(answer.stages ?? []).map((stage) => row(box, words, stage)));
  const failed = (answer.stages ?? []).find((stage) => stage.said);
  const said = [...new Set([answer.message, failed?.said])].filter(Boolean);
  part("said").textContent = [...said, certificate(words, answer.details)].filter(Boolean).join(" ");
  box.hidden = false;
  box.parentElement.querySelector("[data-stages-empty]")?.setAttribute("hidden", "");
  box.scrollIntoView({ block: "nearest" });
}
