// Buttons and forms that post to the API and show what came of it.
// <button data-post="/api/..." data-body='{"a":1}' data-busy-text="Starting" data-then="reload|regions|/path">
import { send } from "./api.js";
import { clearFieldErrors, fields, showFieldErrors } from "./forms.js";
import { notice } from "./shell.js";

export async function whileBusy(button, work) {
  const label = button.querySelector('[data-part="label"]') ?? button;
  const before = label.textContent;
  button.dataset.busy = "";
  button.setAttribute("aria-busy", "true");
  if (button.dataset.busyText) label.textContent = button.dataset.busyText;
  try {
    return await work();
  } finally {
    delete button.dataset.busy;
    button.removeAttribute("aria-busy");
    label.textContent = before;
  }
}

async function submit(source, button, body, regions) {
  const error = source.querySelector?.("[data-error]") ?? (source.dataset.errorIn && document.querySelector(source.dataset.errorIn));
  if (error) error.hidden = true;
  clearFieldErrors(source);
  try {
    const answer = await whileBusy(button, () => send(source.dataset.method || "POST", source.dataset.post, body));
    source.dispatchEvent(new CustomEvent("optria:posted", { bubbles: true, detail: answer }));
    if (source.localName === "form" && !("keepFields" in source.dataset)) source.reset();
    if (source.dataset.done) notice(source.dataset.done);
    follow(source.dataset.then, regions);
  } catch (failure) {
    if (showFieldErrors(source, failure.fields)) return;
    if (error) {
      error.textContent = failure.message;
      error.hidden = false;
    } else notice(failure.message);
  }
}

function follow(then, regions) {
  if (then === "reload") location.reload();
  else if (then?.startsWith("/")) location.assign(then);
  else if (then === "regions") regions.wantAll();
}

export function startPosting(regions) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-post]");
    if (!button || button.disabled || button.dataset.busy !== undefined) return;
    event.preventDefault();
    submit(button, button, button.dataset.body ? JSON.parse(button.dataset.body) : undefined, regions);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-post]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.dataset.busy === undefined) submit(form, button, fields(form), regions);
  });
}
