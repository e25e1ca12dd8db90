// Dragging a card with mouse or pen. A finger scrolls; it has the menu of the card.
const START_PX = 6;
let drag = null;
let isDropped = false;

const columns = () => [...document.querySelectorAll("[data-column]")];
const columnAt = (x, y) => document.elementFromPoint(x, y)?.closest("[data-column]") ?? null;

function light(card, moveOf) {
  for (const column of columns()) {
    const move = moveOf(card, column.dataset.column);
    column.dataset.drop = move === null ? "here" : move.verb ? "yes" : "no";
    column.querySelector("[data-why]").textContent = move?.why ?? "";
  }
}

function begin(moveOf) {
  const { card } = drag;
  const box = card.getBoundingClientRect();
  drag.ghost = card.cloneNode(true);
  for (const name of ["data-card", "data-key", "id"]) drag.ghost.removeAttribute(name);
  drag.ghost.classList.add("order-ghost");
  drag.ghost.inert = true;
  drag.ghost.style.width = `${box.width}px`;
  drag.from = { x: drag.x - box.left, y: drag.y - box.top };
  drag.why = document.createElement("span");
  drag.why.className = "ghost-why";
  drag.ghost.append(drag.why);
  document.body.append(drag.ghost);
  card.dataset.busy = "";
  card.dataset.state = "dragging";
  light(card, moveOf);
}

function follow(event) {
  drag.ghost.style.left = `${event.clientX - drag.from.x}px`;
  drag.ghost.style.top = `${event.clientY - drag.from.y}px`;
  const over = columnAt(event.clientX, event.clientY);
  for (const column of columns()) column.toggleAttribute("data-over", column === over);
  drag.why.textContent = over?.querySelector("[data-why]").textContent ?? "";
}

function end() {
  const { card, ghost } = drag;
  drag = null;
  if (!ghost) return;
  ghost.remove();
  delete card.dataset.busy;
  delete card.dataset.state;
  for (const column of columns()) {
    delete column.dataset.drop;
    column.removeAttribute("data-over");
    column.querySelector("[data-why]").textContent = "";
  }
}

export function startDragging({ moveOf, drop }) {
  document.addEventListener("pointerdown", (event) => {
    const card = event.target.closest?.("[data-card][data-movable]");
    isDropped = false;
    if (!card || event.button !== 0 || event.pointerType === "touch" || event.target.closest("button")) return;
    drag = { card, x: event.clientX, y: event.clientY };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < START_PX) return;
    if (!drag.ghost) begin(moveOf);
    event.preventDefault();
    follow(event);
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { card, ghost } = drag;
    const column = ghost && columnAt(event.clientX, event.clientY);
    end();
    isDropped = Boolean(ghost);
    if (column) drop(card, column.dataset.column);
  });
  document.addEventListener("pointercancel", () => drag && end());
  document.addEventListener("keydown", (event) => event.key === "Escape" && drag && end());
  document.addEventListener("dragstart", (event) => event.target.closest?.("[data-card]") && event.preventDefault());
  document.addEventListener("click", (event) => {
    if (!isDropped) return;
    isDropped = false;
    if (!event.target.closest?.("[data-card]")) return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });
}
