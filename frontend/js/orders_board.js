// The board: a card is dragged to another column, or moved by its menu. Only legal moves are taken; others say why not.
import { cardOf, deedOf, moves, offers, shown, word } from "./orders_deeds.js";
import { newKey } from "./api.js";
import { startDragging } from "./orders_drag.js";
import { notice } from "./shell.js";

const menu = () => document.querySelector("[data-move-menu]");
let opener = null;

const addressOf = (card, verb) => `/api/work-orders/${card.dataset.card}/${verb}?tenant_id=${card.dataset.tenant}`;

const moveOf = (card, there) => moves[card.dataset.status]?.[there] ?? null;

function move(card, { verb }) {
  if (verb === "complete") return location.assign(`${card.querySelector("a").getAttribute("href")}#complete`);
  if (verb === "cancel") return askToCancel(card);
  const { version } = shown(Number(card.dataset.card));
  const deed = deedOf({ method: "POST", url: addressOf(card, verb), body: { version }, key: newKey() });
  card.dispatchEvent(new CustomEvent("optria:deed", { bubbles: true, detail: { deed, card } }));
}

// An order that is cancelled stays so: the dialog of the page asks.
function askToCancel(card) {
  const asks = document.createElement("button");
  Object.assign(asks.dataset, {
    dialog: "cancel-order", postTo: addressOf(card, "cancel"), fill: JSON.stringify({ version: card.dataset.cardVersion }),
  });
  asks.hidden = true;
  card.append(asks);
  asks.click();
  asks.remove();
}

function itemFor(card, offer) {
  const item = document.createElement("button");
  item.type = "button";
  item.className = "menu-item";
  item.setAttribute("role", "menuitem");
  const there = document.createElement("span");
  there.className = "menu-there";
  there.textContent = word(`status.${offer.there}`);
  item.append(offer.word, there);
  item.addEventListener("click", () => {
    closeMenu();
    move(cardOf(card.dataset.card), offer);
  });
  return item;
}

function openMenu(button) {
  const card = button.closest("[data-card]");
  const found = offers[card.dataset.status] ?? [];
  menu().replaceChildren(...found.map((offer) => itemFor(card, offer)));
  menu().hidden = false;
  const box = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu();
  const start = document.dir === "rtl" ? box.left : box.right - width;
  menu().style.left = `${Math.max(8, Math.min(start, innerWidth - width - 8))}px`;
  menu().style.top = `${box.bottom + 4 + height > innerHeight ? box.top - height - 4 : box.bottom + 4}px`;
  button.setAttribute("aria-expanded", "true");
  opener = button.dataset.key;
  menu().querySelector("button")?.focus();
}

function closeMenu() {
  if (!opener) return;
  const button = document.querySelector(`[data-key="${opener}"]`);
  opener = null;
  menu().hidden = true;
  button?.setAttribute("aria-expanded", "false");
  button?.focus();
}

function step(by) {
  const items = [...menu().querySelectorAll("button")];
  items[(items.indexOf(document.activeElement) + by + items.length) % items.length]?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-move-to]");
  const isOpen = Boolean(opener);
  const wasMine = button?.dataset.key === opener;
  if (isOpen && !menu().contains(event.target)) closeMenu();
  if (button && !(isOpen && wasMine)) openMenu(button);
});

document.addEventListener("keydown", (event) => {
  if (!opener) return;
  if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
  else return;
  if (event.key !== "Tab") event.preventDefault();
});

addEventListener("scroll", () => opener && closeMenu(), { capture: true, passive: true });

startDragging({
  moveOf,
  drop: (card, there) => {
    const found = moveOf(card, there);
    if (found?.verb) move(card, found);
    else if (found) notice(found.why);
  },
});
