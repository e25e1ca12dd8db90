// The sign-in form works without this. With it, a server that is away is said here, and nothing typed is lost.
import { whileBusy } from "./post.js";

const ASK_MS = 8000;
const form = document.querySelector('form[action="/login"]');
const away = document.querySelector("[data-away]");

async function isThere() {
  try {
    return (await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) })).ok;
  } catch {
    return false;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector('button[type="submit"]');
  if (button.dataset.busy !== undefined) return;
  away.hidden = true;
  const there = await whileBusy(button, isThere);
  if (there) form.submit();
  else away.hidden = false;
});
