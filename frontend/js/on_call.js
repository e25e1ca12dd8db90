// The rota's forms: times are of the plant, people stand in the order of their turns.
import "./admin.js";
import { instantOf, wallOf } from "./site_time.js";

const MINUTE_MS = 60000;

const zoneOf = (form) => form.dataset.timeZone;
const hiddenOf = (input) => input.form.elements.namedItem(input.dataset.local);

function showTimes(form) {
  for (const input of form.querySelectorAll("[data-local]")) {
    const instant = new Date(hiddenOf(input).value);
    input.value = Number.isNaN(instant.getTime()) ? "" : wallOf(instant, zoneOf(form));
  }
}

function keepTime(input) {
  hiddenOf(input).value = input.value ? instantOf(input.value, zoneOf(input.form)).toISOString() : "";
}

// A fresh shift is proposed for a day from the next full hour on.
function proposeDay(form) {
  const hour = 60 * MINUTE_MS;
  const start = Math.ceil(Date.now() / hour) * hour;
  form.elements.namedItem("starts_at").value = new Date(start).toISOString();
  form.elements.namedItem("ends_at").value = new Date(start + 24 * hour).toISOString();
}

const peopleOf = (place) => [...place.querySelectorAll("[data-user]")];
const tickOf = (row) => row.querySelector('input[type="checkbox"]');
const membersOf = (place) => place.querySelector('input[name="members"]');

function keepMembers(place) {
  const chosen = peopleOf(place).filter((row) => tickOf(row).checked).map((row) => Number(row.dataset.user));
  membersOf(place).value = JSON.stringify(chosen);
}

function showMembers(place) {
  const order = JSON.parse(membersOf(place).value || "[]").map(String);
  const rank = (row) => (order.includes(row.dataset.user) ? order.indexOf(row.dataset.user) : order.length);
  const list = place.querySelector("ol");
  const rows = peopleOf(place).sort((a, b) => rank(a) - rank(b));
  rows.forEach((row) => {
    tickOf(row).checked = order.includes(row.dataset.user);
    list.append(row);
  });
  keepMembers(place);
}

function move(button) {
  const row = button.closest("[data-user]");
  const other = button.dataset.move < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (button.dataset.move < 0) other.before(row);
  else other.after(row);
  button.focus();
  keepMembers(row.closest("[data-members]"));
}

document.addEventListener("optria:dialog", (event) => {
  const form = event.target.querySelector("form[data-time-zone]");
  if (form && "forADay" in (event.detail?.dataset ?? {})) proposeDay(form);
  if (form) showTimes(form);
  const place = event.target.querySelector("[data-members]");
  if (place) showMembers(place);
});
document.addEventListener("input", (event) => {
  if (event.target.dataset?.local) keepTime(event.target);
  const place = event.target.closest?.("[data-members]");
  if (place) keepMembers(place);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-move]");
  if (button) move(button);
});
