// The work-order page: dialogs, ticking the checklist, and where a new order leads.
import { regions } from "./app.js";
import { send } from "./api.js";
import { notice } from "./shell.js";

function openDialog(name) {
  const dialog = document.getElementById(name);
  if (!dialog) return;
  const version = document.querySelector("[data-version]")?.dataset.version;
  const field = dialog.querySelector("[data-current-version]");
  if (field && version) field.value = version;
  dialog.querySelector("[data-error]").hidden = true;
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  if (opener) openDialog(opener.dataset.dialog);
  if (event.target.closest?.("[data-close-dialog]")) event.target.closest("dialog").close();
});

document.addEventListener("optria:posted", (event) => {
  const form = event.target;
  form.closest("dialog")?.close();
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
