// The work-order page: ticking the checklist, and where a new order leads.
import { regions } from "./app.js";
import { send } from "./api.js";
import "./dialogs.js";
import { notice } from "./shell.js";

document.addEventListener("optria:posted", (event) => {
  const form = event.target;
  if ("clear" in form.dataset || form.closest("dialog")) form.reset?.();
  if ("openOrder" in form.dataset) location.assign(`/work-orders?id=${event.detail.work_order.id}`);
});

document.addEventListener("change", async (event) => {
  const box = event.target.closest?.("[data-tick]");
  if (!box) return;
  try {
    await send("POST", box.dataset.tick, { index: Number(box.dataset.index), done: box.checked });
  } catch (error) {
    box.checked = !box.checked;
    notice(error.message);
  }
  regions.want(["order"]);
});

// The words of another cause are asked for where none of the suggestions is it.
function askForWords(choice) {
  choice.querySelector("[data-cause-text]").disabled = !choice.querySelector("[data-cause-other]").checked;
}

document.addEventListener("change", (event) => {
  const choice = event.target.closest?.("[data-cause-choice]");
  if (choice && event.target.type === "radio") askForWords(choice);
});

document.addEventListener("reset", (event) => {
  const choice = event.target.querySelector("[data-cause-choice]");
  if (choice) setTimeout(() => askForWords(choice));
});
