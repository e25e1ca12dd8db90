// Dialogs: <button data-dialog="id"> opens one; posting its form or [data-close-dialog] closes it.
// One dialog serves every row of a table: data-fill='{"name": …}' writes values into its form, data-post-to says where
// it is sent (data-method-as how), data-heading what its heading says.
import { clearFieldErrors, fill } from "./forms.js";

function prepare(dialog, opener) {
  const form = dialog.querySelector("form");
  if (!form || !("fill" in opener.dataset || "postTo" in opener.dataset)) return;
  form.reset();
  clearFieldErrors(form);
  if (opener.dataset.postTo) form.dataset.post = opener.dataset.postTo;
  if (opener.dataset.methodAs) form.dataset.method = opener.dataset.methodAs;
  if (opener.dataset.fill) fill(form, JSON.parse(opener.dataset.fill));
  const heading = dialog.querySelector("h2");
  if (heading && opener.dataset.heading) heading.textContent = opener.dataset.heading;
}

function openDialog(name, opener) {
  const dialog = document.getElementById(name);
  if (!dialog) return;
  prepare(dialog, opener);
  const version = document.querySelector("[data-version]")?.dataset.version;
  const field = dialog.querySelector("[data-current-version]");
  if (field && version) field.value = version;
  const error = dialog.querySelector("[data-error]");
  if (error) error.hidden = true;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("optria:dialog", { bubbles: true, detail: opener }));
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  if (opener) openDialog(opener.dataset.dialog, opener);
  if (event.target.closest?.("[data-close-dialog]")) event.target.closest("dialog").close();
});

document.addEventListener("optria:posted", (event) => event.target.closest("dialog")?.close());
