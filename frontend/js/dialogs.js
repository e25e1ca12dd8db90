// Dialogs: <button data-dialog="id"> opens one; posting its form or [data-close-dialog] closes it.
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

document.addEventListener("optria:posted", (event) => event.target.closest("dialog")?.close());
