// Long work that this person began goes on while they look elsewhere: the header names it until it is over.
// Buttons: data-work="Analysing INC-7" [data-work-poll="/api/…"], beside data-post. Scripts: dispatch
// optria:work on document with {key, label, poll, href}. What is polled answers {state} or {running}.
import { send } from "./api.js";
import { notice } from "./shell.js";
import { mine } from "./sign_out.js";

const KEPT = mine("work");
const EVERY_MS = 2000;
const LONGEST_MS = 3600000;
const GOING = ["waiting", "running", "queued"];

const chip = document.querySelector("[data-work-chip]");

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}

function keep(all) {
  sessionStorage.setItem(KEPT, JSON.stringify(all));
  show();
}

function show() {
  const all = kept();
  chip.hidden = all.length === 0;
  if (!all.length) return;
  const last = all[all.length - 1];
  chip.href = last.href;
  chip.title = all.map((one) => one.label).join("\n");
  const more = all.length > 1 ? ` +${all.length - 1}` : "";
  chip.querySelector('[data-part="label"]').textContent = last.label + more;
  chip.querySelector('[data-part="progress"]').textContent = last.progress ? `${Math.round(last.progress * 100)}\u00a0%` : "";
}

const begin = (work) => keep([...kept().filter((one) => one.key !== work.key), { since: Date.now(), ...work }]);
const forget = (key) => keep(kept().filter((one) => one.key !== key));
const isGoing = (answer) => ("running" in answer ? Boolean(answer.running) : GOING.includes(answer.state));

async function look(work) {
  if (Date.now() - work.since > LONGEST_MS) return forget(work.key);
  try {
    const answer = await send("GET", work.poll);
    if (isGoing(answer)) {
      const same = kept().map((one) => (one.key === work.key ? { ...one, progress: answer.progress } : one));
      return keep(same);
    }
    forget(work.key);
    notice(chip.dataset.over.replace("%(what)s", work.label), work.href);
  } catch (failure) {
    if (failure.status >= 400 && failure.status < 500) forget(work.key);
  }
}

// While the page waits for the answer itself, nobody needs to ask.
const awaited = new Set();

function posting(event) {
  const { work, workPoll, post } = event.target.dataset ?? {};
  if (!work) return;
  awaited.add(post);
  begin({ key: post, label: work, poll: workPoll || post, href: location.pathname + location.search });
}

function answered(event) {
  const key = event.target.dataset?.post;
  if (key && awaited.delete(key)) forget(key);
}

export function startWork() {
  if (!chip) return;
  document.addEventListener("optria:work", (event) => begin({ href: location.pathname + location.search, ...event.detail }));
  document.addEventListener("optria:posting", posting);
  document.addEventListener("optria:posted", answered);
  document.addEventListener("optria:refused", answered);
  setInterval(() => {
    for (const work of kept()) if (!awaited.has(work.key)) look(work);
  }, EVERY_MS);
  show();
}
