// The drawing editor: palette, keys, save. The drawing itself is in drawing_model.js, what is seen in editor_canvas.js.
import { send } from "./api.js";
import { SIZES } from "./drawing_geometry.js";
import { DrawingModel } from "./drawing_model.js";
import { Canvas } from "./editor_canvas.js";
import { Panel } from "./editor_panel.js";
import { whileBusy } from "./post.js";
import { notice } from "./shell.js";

const root = document.querySelector("[data-editor]");
const words = JSON.parse(root.dataset.words);
const state = document.querySelector("[data-editor-state]");
const button = (name) => document.querySelector(`[data-do="${name}"]`);
let connectFrom = null;

const model = new DrawingModel(JSON.parse(root.dataset.config), root.dataset.kinds.split(" "), (what) => changed(what));
const canvas = new Canvas(root, model, {
  words,
  onProblems: showProblems,
  onFailure: (why) => notice(words.failed.replace("{why}", why)),
  onPoint: (id) => (connectFrom ? finishConnecting(id) : false),
});
const panel = new Panel(root, model, words);

function changed(what) {
  if (what === "config") canvas.render();
  else canvas.draw();
  panel.show();
  button("undo").disabled = !model.past.length;
  button("redo").disabled = !model.future.length;
  button("delete").disabled = !model.selection.size;
  if (!connectFrom) state.textContent = model.isDirty || !root.dataset.layout ? words.unsaved : words.saved;
}

function showProblems(problems) {
  const section = root.querySelector("[data-problems]");
  section.hidden = !problems.length;
  section.querySelector("ul").replaceChildren(...problems.slice(0, 50).map(({ item, text }) => {
    const line = document.createElement("li");
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "link";
    opener.textContent = model.get(item) ? `${canvas.name(item)}: ${text}` : text;
    opener.addEventListener("click", () => { canvas.choose(item); });
    line.append(opener);
    return line;
  }));
}

function place(kind, point) {
  const [w, h] = SIZES[kind] ?? [100, 90];
  const [x, y] = point ?? model.freePlace(w + 40, h + 50);
  const id = kind === "value" ? model.add("values", { tag: "", x, y })
    : kind === "text" ? model.add("texts", { x, y, text: words.texts, style: "name" })
    : model.placeSymbol(kind, x, y);
  canvas.overlay.querySelector(`[data-id="${id}"]`)?.focus({ preventScroll: false });
}

function startConnecting() {
  const [id] = model.selection;
  if (!id || model.listOf(id) !== "symbols") return;
  connectFrom = id;
  state.textContent = words.connect;
  canvas.overlay.querySelector(`[data-id="${id}"]`)?.focus();
}

function finishConnecting(id) {
  const made = model.connect(connectFrom, id);
  connectFrom = null;
  changed("selection");
  return Boolean(made);
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(model.stored(), null, 1)], { type: "application/json" }));
  link.download = `drawing-${root.dataset.site}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function readFile(input) {
  try {
    const config = JSON.parse(await input.files[0].text());
    if (!Array.isArray(config?.symbols)) throw new TypeError();
    model.replace(config);
  } catch {
    notice(words.unreadable);
  }
  input.value = "";
}

function body() {
  const config = model.stored();
  const [width, height] = (config.size ?? [950, 727]).map(Math.round);
  return { config, width, height };
}

async function store(unchangedSince) {
  const { layout, suffix, site, name } = root.dataset;
  const answer = layout
    ? await send("PUT", `/api/twins/layouts/${layout}${suffix}`, { ...body(), ...(unchangedSince ? { unchanged_since: unchangedSince } : {}) })
    : await send("POST", `/api/twins/layouts${suffix}`, { ...body(), name, site_id: Number(site), is_default: true });
  root.dataset.layout = answer.layout.id;
  root.dataset.savedAt = answer.layout.updated_at ?? answer.layout.created_at;
  model.markSaved();
  changed("selection");
}

async function save({ overwrite = false } = {}) {
  try {
    await whileBusy(button("save"), () => store(overwrite ? "" : root.dataset.savedAt));
    document.getElementById("editor-conflict").close();
  } catch (failure) {
    if (failure.status === 409) document.getElementById("editor-conflict").showModal();
    else notice(failure.message);
  }
}

const DEEDS = {
  undo: () => model.undo(), redo: () => model.redo(), delete: () => model.remove(), connect: startConnecting,
  smaller: () => canvas.zoomBy(-1), larger: () => canvas.zoomBy(1), fit: () => canvas.fit(),
  export: download, import: () => root.querySelector("[data-import]").click(),
  save: () => save(), overwrite: () => save({ overwrite: true }), reload: () => { model.markSaved(); location.reload(); },
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CONTROLLED = {
  KeyZ: (event) => (event.shiftKey ? model.redo() : model.undo()), KeyY: () => model.redo(), KeyC: () => model.copy(), KeyV: () => model.paste(),
  KeyA: () => model.select(model.ids()), KeyS: () => save(),
};
const WALKS = { "[": -1, PageUp: -1, "]": 1, PageDown: 1 };
const PLAIN = { Delete: removeHere, Backspace: removeHere, KeyR: () => model.rotate(), KeyC: startConnecting };

function keyed(event) {
  const isTyping = event.target.closest?.("input, select, textarea, dialog");
  const controlled = (event.ctrlKey || event.metaKey) && CONTROLLED[event.code];
  const id = event.target.closest?.("[data-overlay]") && event.target.dataset.id;
  if (controlled && (!isTyping || event.code === "KeyS")) return done(event, () => { if (event.code === "KeyC") chosen(id); controlled(event); });
  if (isTyping || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") return done(event, () => { connectFrom = null; model.select([]); });
  if (id) keyedAt(id, event);
}

function keyedAt(id, event) {
  const act = (work) => done(event, () => { chosen(id); work(); });
  if (event.key === "Enter" || event.key === " ") done(event, () => pick(id, event.shiftKey));
  else if (WALKS[event.key]) done(event, () => canvas.walk(id, WALKS[event.key]));
  else if (ARROWS[event.key]) act(() => nudge(ARROWS[event.key], event));
  else if (PLAIN[event.code]) act(PLAIN[event.code]);
}

function pick(id, isMore) {
  if (connectFrom) finishConnecting(id);
  else model.select([id], { add: isMore });
}

function removeHere() {
  model.remove();
  canvas.overlay.querySelector('[tabindex="0"]')?.focus();
}

// A key acts on the item that has the focus, with the others when it is one of several chosen ones.
function chosen(id) {
  if (id && !model.selection.has(id)) model.select([id]);
}

function done(event, work) {
  event.preventDefault();
  event.stopPropagation();
  work();
}

function nudge([x, y], { shiftKey, altKey }) {
  const step = shiftKey ? 40 : 4;
  if (altKey) model.moveLabel(x * step, y * step);
  else model.move(x * step, y * step);
}

document.addEventListener("click", (event) => {
  const doing = event.target.closest?.("[data-do]");
  if (doing && !doing.disabled) DEEDS[doing.dataset.do]?.();
});
document.addEventListener("keydown", keyed, true);
root.querySelector("[data-import]").addEventListener("change", (event) => readFile(event.target));
window.addEventListener("beforeunload", (event) => { if (model.isDirty) event.preventDefault(); });
for (const item of root.querySelectorAll("[data-place]")) {
  let isCarried = false;
  item.addEventListener("click", () => { if (!isCarried) place(item.dataset.place); isCarried = false; });
  item.addEventListener("pointerdown", (event) => item.setPointerCapture(event.pointerId));
  item.addEventListener("pointerup", (event) => {
    isCarried = canvas.covers(event);
    if (isCarried) place(item.dataset.place, canvas.at(event));
  });
}
changed("config");
canvas.fit();
