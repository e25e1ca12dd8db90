// Buttons and forms that post to the API and show what came of it.
// <button data-post="/api/..." data-body='{"a":1}' data-busy-text="Starting" data-then="reload|regions|/path">
// A page may take a request over: optria:posting comes before it is sent, optria:refused after it failed; both can be
// prevented and carry {method, url, body, key}.
import { newKey, send } from "./api.js";
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

const keys = new WeakMap();

// The same request, made again because no answer came, has the key of the first.
function keyOf(source, request) {
  const text = JSON.stringify(request);
  const last = keys.get(source);
  if (last?.text === text) return last.key;
  const key = newKey();
  keys.set(source, { text, key });
  return key;
}

const isUnanswered = ({ status, retryAfter }) => status === 0 || status >= 500 || Boolean(retryAfter);
const tell = (source, type, detail) => source.dispatchEvent(new CustomEvent(type, { bubbles: true, cancelable: true, detail }));

async function submit(source, button, body, regions) {
  const error = source.querySelector?.("[data-error]") ?? (source.dataset.errorIn && document.querySelector(source.dataset.errorIn));
  if (error) error.hidden = true;
  clearFieldErrors(source);
  const request = { method: source.dataset.method || "POST", url: source.dataset.post, body };
  const asked = { ...request, key: keyOf(source, request) };
  if (!tell(source, "optria:posting", asked)) return;
  try {
    const answer = await whileBusy(button, () => send(asked.method, asked.url, body, asked.key));
    keys.delete(source);
    source.dispatchEvent(new CustomEvent("optria:posted", { bubbles: true, detail: answer }));
    if (source.localName === "form" && !("keepFields" in source.dataset)) source.reset();
    if (source.dataset.done) notice(source.dataset.done);
    follow(source.dataset.then, regions);
  } catch (failure) {
    if (!isUnanswered(failure)) keys.delete(source);
    if (!tell(source, "optria:refused", { ...asked, failure })) return;
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
