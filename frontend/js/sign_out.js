// Signing out leaves nothing behind: changes that were not sent are asked about, then forgotten, and so is what
// this window remembered of the work of whoever is leaving.
import { say } from "./words.js";

const user = () => document.querySelector('form[action="/logout"]')?.dataset.user ?? "";

// Where the browser keeps something of whoever is signed in.
export const mine = (what) => `optria.${what}.${user()}`;

// Where their changes wait.
export const outboxName = () => mine("outbox");

function waiting() {
  try {
    return JSON.parse(localStorage.getItem(outboxName()) ?? "[]").length;
  } catch {
    return 0;
  }
}

function forget() {
  try {
    localStorage.removeItem(outboxName());
    sessionStorage.clear();
  } catch {
    // Where storage is closed, nothing was kept.
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.getAttribute?.("action") !== "/logout") return;
  const count = waiting();
  if (count && !confirm(say("sign-out.waiting", { count }))) return void event.preventDefault();
  forget();
});
