// The page of an asset: its trends, an analysis on somebody's word, a test read of a signal.
import { send } from "./api.js";
import { regions } from "./app.js";
import { Trends } from "./asset_trends.js";
import "./dialogs.js";
import { formatValue } from "./format.js";
import { whileBusy } from "./post.js";
import { notice } from "./shell.js";
import { say } from "./words.js";

const trends = document.querySelector("[data-trends]");
if (trends) new Trends(trends);

async function analyse(button) {
  try {
    const answer = await whileBusy(button, () => send("POST", `/api/blackbox/assets/${button.dataset.runAnalysis}/run${button.dataset.query}`));
    regions.wantAll();
    if (answer.incident_id) notice(answer.event_story ?? say("analysis.open"), `/blackbox/incidents/${answer.incident_id}`);
    else notice(answer.message || say("analysis.none"));
  } catch (failure) {
    notice(failure.message);
  }
}

function showReading(tag, answer) {
  const dialog = document.getElementById("reading");
  const words = dialog.querySelector("[data-missing]").dataset;
  const found = answer.values.find((value) => value.tag === tag);
  const put = (name, text) => { dialog.querySelector(`[data-part="${name}"]`).textContent = text; };
  put("tag", tag);
  put("value", found ? formatValue(found.value, null) || "\u2013" : words.missing);
  put("quality", found ? JSON.parse(words.qualities)[found.quality] ?? found.quality : "\u2013");
  put("time", found?.time ? new Date(found.time).toISOString().replace("T", " ").slice(0, 23).concat(" UTC") : "\u2013");
  dialog.showModal();
}

async function read(button) {
  const { read: source, readTag: tag, query } = button.dataset;
  try {
    showReading(tag, await whileBusy(button, () => send("POST", `/api/integrations/${source}/read${query}`, { tags: [tag] })));
  } catch (failure) {
    notice(failure.message);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-run-analysis], [data-read]");
  if (!button || button.disabled || button.dataset.busy !== undefined) return;
  if ("read" in button.dataset) read(button);
  else analyse(button);
});

for (const node of document.querySelectorAll("[data-refresh-s]")) {
  const again = () => document.visibilityState === "visible" && !document.querySelector("dialog[open]") && regions.want([node.dataset.region]);
  setInterval(again, Number(node.dataset.refreshS) * 1000);
}
