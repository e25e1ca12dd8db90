// Signal mappings of a connection: read a tag now, the name in the question before one is deleted.
import { send } from "./api.js";
import { formatAge, formatValue } from "./format.js";
import { whileBusy } from "./post.js";
import "./dialogs.js";
import "./mapping_import.js";
import "./tag_tree.js";

// Values stay left to right inside a sentence of either direction.
const worded = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? `\u2066${values[name]}\u2069` : all));

function answerWords(button, { values, missing }) {
  const [found] = values;
  if (missing.length || !found) return button.dataset.none;
  const age = formatAge((Date.now() - Date.parse(found.time)) / 1000);
  return worded(button.dataset.said, {
    value: formatValue(found.value) || "–", quality: button.dataset[found.quality] ?? found.quality, age,
  });
}

async function read(button) {
  const place = button.closest("tr").querySelector("[data-read-answer]");
  await whileBusy(button, async () => {
    try {
      place.textContent = answerWords(button, await send("POST", button.dataset.readAt, { tags: [button.dataset.readTag] }));
    } catch (error) {
      place.textContent = error.message;
    }
  });
  place.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-read-tag]");
  if (button && !("busy" in button.dataset)) read(button);
});

document.addEventListener("optria:dialog", (event) => {
  const name = event.target.querySelector("[data-mapping-name]");
  if (name) name.textContent = event.detail.dataset.mappingTag ?? "";
});
