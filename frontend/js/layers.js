// Which parts of the drawing are shown: ticks in the menu, remembered by this browser for its person.
const KEY = "optria-layers";

function hidden() {
  try {
    return JSON.parse(localStorage.getItem(KEY) || "[]");
  } catch {
    return [];
  }
}

export function startLayers(menu, canvas) {
  if (!menu || !canvas) return;
  const boxes = [...menu.querySelectorAll("[data-layer]")];
  const show = () => { canvas.dataset.hide = boxes.filter((box) => !box.checked).map((box) => box.dataset.layer).join(" "); };
  const away = hidden();
  for (const box of boxes) box.checked = !away.includes(box.dataset.layer);
  show();
  menu.addEventListener("change", () => {
    show();
    localStorage.setItem(KEY, JSON.stringify(canvas.dataset.hide.split(" ").filter(Boolean)));
  });
}
