// The administration: passwords that are shown once, accounts whose role is fixed, and pages that ask again by themselves.
import "./dialogs.js";
import { notice } from "./shell.js";

const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

// An answer with a password that was made up: it is in this answer alone.
function secretOf(answer) {
  if (answer?.new_password) return { account: answer.email ?? "", secret: answer.new_password };
  const made = answer?.admin_credentials;
  return made ? { account: made.email, secret: made.password } : null;
}

function showOnce(answer) {
  const dialog = document.getElementById("shown-once");
  const found = secretOf(answer);
  if (!dialog || !found) return;
  part(dialog, "account").textContent = found.account;
  part(dialog, "secret").textContent = found.secret;
  dialog.addEventListener("close", () => { part(dialog, "secret").textContent = ""; }, { once: true });
  dialog.showModal();
}

async function copySecret(button) {
  const node = part(button.closest("dialog"), "secret");
  try {
    await navigator.clipboard.writeText(node.textContent);
    part(button, "label").textContent = button.dataset.said;
  } catch {
    getSelection().selectAllChildren(node);
  }
}

// Who may not be given another role is shown why; their names can still be changed.
function fixRole(dialog, opener) {
  const note = part(dialog, "fixed");
  const role = dialog.querySelector("form")?.elements.namedItem("role");
  if (!note || !role) return;
  note.hidden = !opener.dataset.fixed;
  note.textContent = opener.dataset.fixed ?? "";
  role.disabled = Boolean(opener.dataset.fixed);
}

// The result of a check, said in the words that stand at its button.
function sayResult(source, answer) {
  const place = document.querySelector(source.dataset.resultIn);
  if (!place) return;
  const words = answer.intact ? source.dataset.saidIntact : source.dataset.saidBroken;
  const values = { ...answer, ...answer.first_bad };
  values.reason = JSON.parse(source.dataset.reasons)[values.reason] ?? values.reason;
  place.textContent = words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  place.dataset.state = answer.intact ? "intact" : "broken";
  place.hidden = false;
}

document.addEventListener("optria:posted", (event) => {
  showOnce(event.detail);
  if (event.target.dataset.resultIn) sayResult(event.target, event.detail);
});
document.addEventListener("optria:dialog", (event) => fixRole(event.target, event.detail));
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy-secret]");
  if (button) copySecret(button);
});

// A choice in a filter is carried out at once.
document.addEventListener("change", (event) => {
  if (event.target.closest?.("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// Names on their own page are also those in the frame: read anew.
document.addEventListener("optria:posted", (event) => {
  if (event.target.dataset?.said) notice(event.target.dataset.said);
});
