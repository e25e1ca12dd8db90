// The picture of the drawing as the server makes it, and over it the shapes that are pointed at, chosen and dragged.
import { send } from "./api.js";
import { GRID, isLevel, snap } from "./drawing_geometry.js";
import { parsePage } from "./region.js";

const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [0.5, 0.67, 0.8, 0.9, 1, 1.25, 1.5, 2];

function svg(name, attributes = {}) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

export class Canvas {
  constructor(root, model, { words, onProblems, onFailure, onPoint }) {
    Object.assign(this, { model, words, onProblems, onFailure, onPoint });
    this.root = root;
    this.stage = root.querySelector("[data-stage]");
    this.picture = root.querySelector("[data-picture]");
    this.overlay = root.querySelector("[data-overlay]");
    this.zoom = 1;
    this.asked = 0;
    this.drag = null;
    this.here = null;
    this.overlay.addEventListener("pointerdown", (event) => this.pressed(event));
    this.overlay.addEventListener("pointermove", (event) => this.dragged(event));
    this.overlay.addEventListener("pointerup", (event) => this.released(event));
    this.overlay.addEventListener("focusin", (event) => this.focused(event.target.dataset?.id));
  }

  // The last one that was asked for wins.
  async render() {
    const number = ++this.asked;
    this.draw();
    try {
      const body = { site_id: Number(this.root.dataset.site), config: this.model.config };
      const answer = await send("POST", `/api/twins/layouts/preview${this.root.dataset.suffix}`, body);
      if (number !== this.asked) return;
      const made = parsePage(answer.svg).querySelector("svg");
      this.picture.replaceChildren(document.importNode(made, true));
      this.onProblems(answer.problems);
      this.draw();
    } catch (failure) {
      if (number === this.asked) this.onFailure(failure.message);
    }
  }

  draw() {
    const [width, height] = this.model.config.size ?? [950, 727];
    const drawn = this.picture.querySelector("svg");
    for (const node of [this.overlay, drawn].filter(Boolean)) {
      node.setAttribute("viewBox", `0 0 ${width} ${height}`);
      node.setAttribute("width", width * this.zoom);
      node.setAttribute("height", height * this.zoom);
    }
    const here = document.activeElement?.dataset?.id;
    this.overlay.replaceChildren(...this.model.ids().map((id) => this.hit(id)), ...this.handles());
    if (here) this.overlay.querySelector(`[data-id="${here}"]`)?.focus({ preventScroll: true });
    const empty = this.root.querySelector("[data-editor-empty]");
    empty.hidden = this.model.ids().length > 0;
    empty.textContent = this.words.nothing;
  }

  hit(id) {
    const row = this.model.get(id);
    const isLine = this.model.listOf(id) === "pipes";
    const box = this.drawnBox(id) ?? this.model.box(id);
    const shape = isLine
      ? svg("polyline", { points: (row.points ?? []).map((point) => point.join(",")).join(" "), class: "hit-line" })
      : svg("rect", { x: box.x - 2, y: box.y - 2, width: box.w + 4, height: box.h + 4, rx: 4, class: "hit-box" });
    shape.dataset.id = id;
    shape.setAttribute("tabindex", id === this.stop() ? "0" : "-1");
    shape.setAttribute("role", "button");
    shape.setAttribute("aria-label", this.name(id));
    shape.setAttribute("aria-pressed", String(this.model.selection.has(id)));
    return shape;
  }

  name(id) {
    const row = this.model.get(id);
    const word = this.words[this.model.listOf(id)];
    return [word, row.asset ?? row.tag ?? row.text ?? row.label?.text ?? row.symbol?.replaceAll("_", " ") ?? ""].join(" ").trim();
  }

  // The box of what is drawn, words included, where it is a text; symbols have theirs from the model.
  drawnBox(id) {
    if (this.model.listOf(id) !== "texts") return null;
    const group = this.picture.querySelector(`[data-item="${id}"]`);
    const box = group?.getBBox?.();
    return box && box.width ? { x: box.x, y: box.y, w: box.width, h: box.height } : null;
  }

  handles() {
    if (this.model.selection.size !== 1) return [];
    const [id] = this.model.selection;
    const row = this.model.get(id);
    if (row?.size) return [this.sizeHandle(id)];
    return row?.points ? row.points.slice(1).map((_, i) => this.segmentHandle(id, i)) : [];
  }

  sizeHandle(id) {
    const box = this.model.box(id);
    const node = svg("rect", { x: box.x + box.w - 1, y: box.y + box.h - 1, width: 11, height: 11, class: "handle handle-size" });
    node.dataset.size = id;
    return node;
  }

  segmentHandle(id, i) {
    const [a, b] = this.model.get(id).points.slice(i, i + 2);
    const across = isLevel(this.model.get(id).points, i);
    const node = svg("circle", { cx: (a[0] + b[0]) / 2, cy: (a[1] + b[1]) / 2, r: 6, class: `handle ${across ? "handle-rows" : "handle-columns"}` });
    Object.assign(node.dataset, { segment: String(i), of: id });
    return node;
  }

  at(event) {
    const box = this.overlay.getBoundingClientRect();
    return [(event.clientX - box.left) / this.zoom, (event.clientY - box.top) / this.zoom];
  }

  covers(event) {
    const box = this.stage.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  }

  pressed(event) {
    if (event.button !== 0) return;
    const { id, size, segment, of } = event.target.dataset;
    const start = this.at(event);
    if (id && this.onPoint(id)) return;
    if (id && !this.model.selection.has(id)) this.model.select([id], { add: event.shiftKey });
    else if (id && event.shiftKey) this.model.select([id], { add: true });
    const kind = size ? "size" : segment ? "segment" : id ? "move" : "area";
    if (kind === "area" && !event.shiftKey) this.model.select([]);
    this.drag = { kind, start, id: size ?? of ?? id, segment: Number(segment), now: start };
    this.overlay.setPointerCapture(event.pointerId);
    if (id) this.overlay.querySelector(`[data-id="${id}"]`)?.focus({ preventScroll: true });
    event.preventDefault();
  }

  dragged(event) {
    if (!this.drag) return;
    this.drag.now = this.at(event);
    const [dx, dy] = this.distance();
    if (this.drag.kind === "move") this.shiftPicture(dx, dy);
    if (this.drag.kind === "area") this.drawArea();
  }

  distance() {
    const { start, now } = this.drag;
    return [snap(now[0] - start[0]), snap(now[1] - start[1])];
  }

  shiftPicture(dx, dy) {
    for (const id of this.model.selection) {
      const move = `translate(${dx} ${dy})`;
      this.overlay.querySelector(`[data-id="${id}"]`)?.setAttribute("transform", move);
      this.picture.querySelector(`[data-item="${id}"]`)?.setAttribute("transform", move);
    }
  }

  area() {
    const { start, now } = this.drag;
    return { x: Math.min(start[0], now[0]), y: Math.min(start[1], now[1]), w: Math.abs(now[0] - start[0]), h: Math.abs(now[1] - start[1]) };
  }

  drawArea() {
    const { x, y, w, h } = this.area();
    this.overlay.querySelector(".marquee")?.remove();
    this.overlay.append(svg("rect", { x, y, width: w, height: h, class: "marquee" }));
  }

  released() {
    if (!this.drag) return;
    const { kind, id, segment } = this.drag;
    const [dx, dy] = this.distance();
    if (kind === "move") this.model.move(dx, dy);
    if (kind === "area" && this.area().w > GRID) this.model.select(this.model.within(this.area()), { add: true });
    if (kind === "size") this.resized(id, dx, dy);
    if (kind === "segment") this.segmentDragged(id, segment, dx, dy);
    this.drag = null;
    this.draw();
  }

  resized(id, dx, dy) {
    const [w, h] = this.model.get(id).size;
    if (dx || dy) this.model.resize(id, w + 2 * dx, h + 2 * dy);
  }

  segmentDragged(id, i, dx, dy) {
    const distance = isLevel(this.model.get(id).points, i) ? dy : dx;
    if (distance) this.model.moveSegment(id, i, distance);
  }

  // All items are one stop of Tab: where the focus was last, else what is chosen, else the first.
  stop() {
    const { selection } = this.model;
    if (this.here && this.model.get(this.here) && (!selection.size || selection.has(this.here))) return this.here;
    return [...selection][0] ?? this.model.ids()[0];
  }

  // Coming by chooses nothing; the keys choose what they act on.
  focused(id) {
    if (!id) return;
    this.here = id;
    for (const node of this.overlay.querySelectorAll("[data-id]")) node.setAttribute("tabindex", node.dataset.id === id ? "0" : "-1");
  }

  walk(from, step) {
    const ids = this.model.ids();
    this.choose(ids[(ids.indexOf(from) + step + ids.length) % ids.length]);
  }

  choose(id) {
    this.model.select([id]);
    this.overlay.querySelector(`[data-id="${id}"]`)?.focus();
  }

  zoomBy(step) {
    const i = ZOOMS.findIndex((zoom) => zoom >= this.zoom - 0.001);
    this.zoom = ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, (i < 0 ? ZOOMS.length - 1 : i) + step))];
    this.draw();
  }

  fit() {
    const [width, height] = this.model.config.size ?? [950, 727];
    this.zoom = Math.min(2, (this.stage.clientWidth - 2) / width, (this.stage.clientHeight - 2) / height);
    this.draw();
  }
}
