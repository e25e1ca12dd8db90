// The drawing as the editor changes it: the stored JSON, what is chosen, and the way back. Knows nothing of the page.
// An item is named by its list and place in it: "symbols.3", "pipes.0", "values.2", "texts.1".
import { boxOf, copyOf, endMoved, GRID, isNear, route, segmentMoved, SIZES, snap } from "./drawing_geometry.js";

const MOST_STEPS = 100;
const LISTS = ["symbols", "pipes", "values", "texts"];

export class DrawingModel {
  constructor(config, kinds = null, onChange = () => {}) {
    this.onChange = onChange;
    this.kinds = kinds && new Set(kinds);
    this.past = [];
    this.future = [];
    this.selection = new Set();
    this.clipboard = [];
    this.load(config);
    this.markSaved();
  }

  // Symbols of kinds that cannot be drawn are kept apart and stored again unchanged.
  load(config) {
    this.config = copyOf(config ?? {});
    const rows = Array.isArray(this.config.symbols) ? this.config.symbols : [];
    const isKnown = (row) => !this.kinds || this.kinds.has(row?.symbol);
    this.parked = rows.filter((row) => !isKnown(row));
    if (rows.length || this.config.symbols) this.config.symbols = rows.filter(isKnown);
  }

  stored() {
    const config = copyOf(this.config);
    if (this.parked.length) config.symbols = [...(config.symbols ?? []), ...this.parked];
    return config;
  }

  get isDirty() { return JSON.stringify(this.stored()) !== this.savedText; }

  markSaved() { this.savedText = JSON.stringify(this.stored()); }

  get(id) {
    const [list, index] = id.split(".");
    return this.config[list]?.[Number(index)];
  }

  listOf(id) { return id.split(".")[0]; }

  ids() { return LISTS.flatMap((list) => (this.config[list] ?? []).map((_, i) => `${list}.${i}`)); }

  box(id) { return boxOf(this.listOf(id), this.get(id)); }

  select(ids, { add = false } = {}) {
    if (!add) this.selection.clear();
    for (const id of ids) if (add && this.selection.has(id)) this.selection.delete(id); else if (this.get(id)) this.selection.add(id);
    this.onChange("selection");
  }

  within(area) {
    const inside = (b) => b.x >= area.x && b.y >= area.y && b.x + b.w <= area.x + area.w && b.y + b.h <= area.y + area.h;
    return this.ids().filter((id) => inside(this.box(id)));
  }

  change(work) {
    const before = JSON.stringify(this.config);
    const result = work();
    if (JSON.stringify(this.config) === before) return result;
    this.past.push(before);
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
    this.onChange("config");
    return result;
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(JSON.stringify(this.config));
    this.config = JSON.parse(from.pop());
    this.selection = new Set([...this.selection].filter((id) => this.get(id)));
    this.onChange("config");
    return true;
  }

  undo() { return this.step(this.past, this.future); }

  redo() { return this.step(this.future, this.past); }

  replace(config) { this.change(() => { this.selection.clear(); this.load(config); }); }

  add(list, row) {
    const id = this.change(() => {
      const rows = this.config[list] ??= [];
      rows.push(row);
      return `${list}.${rows.length - 1}`;
    });
    this.select([id]);
    return id;
  }

  placeSymbol(symbol, x, y, more = {}) {
    const row = { symbol, x: snap(x), y: snap(y), ...(SIZES[symbol] ? { size: [...SIZES[symbol]] } : {}), ...more };
    if (symbol === "boundary") row.label = { x: row.x - row.size[0] / 2 + 10, y: row.y + 4, anchor: "start", text: "", style: "flow" };
    if (symbol === "motor" || symbol === "flow_meter") row.letters ??= symbol === "motor" ? "M" : "FT";
    return this.add("symbols", row);
  }

  // The first place on the drawing, row by row, that no symbol takes.
  freePlace(w = 100, h = 90) {
    const [width, height] = this.config.size ?? [950, 727];
    const taken = [...(this.config.symbols ?? []).map((row) => boxOf("symbols", row)), ...(this.config.values ?? []).map((row) => boxOf("values", row))];
    const isFree = (x, y) => taken.every((b) => x + w / 2 < b.x || x - w / 2 > b.x + b.w || y + h / 2 < b.y || y - h / 2 > b.y + b.h);
    for (let y = 80; y < height - h / 2; y += 40) {
      for (let x = 80; x < width - w / 2; x += 40) if (isFree(x, y)) return [x, y];
    }
    return [snap(width / 2), snap(height / 2)];
  }

  move(dx, dy, ids = [...this.selection]) {
    if (!dx && !dy) return;
    this.change(() => {
      const followers = this.followers(ids);
      for (const id of ids) this.shift(id, dx, dy);
      for (const { pipe, isLast } of followers) pipe.points = endMoved(pipe.points, isLast, dx, dy);
    });
  }

  // Ends of lines that lie at a symbol that moves, where the line itself does not move.
  followers(ids) {
    const boxes = ids.filter((id) => this.listOf(id) === "symbols").map((id) => this.box(id));
    const chosen = new Set(ids);
    return (this.config.pipes ?? []).flatMap((pipe, i) => {
      if (chosen.has(`pipes.${i}`) || !Array.isArray(pipe.points) || pipe.points.length < 2) return [];
      const at = [pipe.points[0], pipe.points[pipe.points.length - 1]].map((point) => boxes.some((box) => isNear(point, box)));
      return [false, true].filter((isLast) => at[isLast ? 1 : 0]).map((isLast) => ({ pipe, isLast }));
    });
  }

  shift(id, dx, dy) {
    const row = this.get(id);
    if (row.points) {
      row.points = row.points.map(([x, y]) => [x + dx, y + dy]);
      return;
    }
    [row.x, row.y] = [row.x + dx, row.y + dy];
    if (row.badges) row.badges = [row.badges[0] + dx, row.badges[1] + dy];
    if (row.label && typeof row.label === "object") this.shiftLabel(row.label, dx, dy);
  }

  shiftLabel(label, dx, dy) {
    [label.x, label.y] = [label.x + dx, label.y + dy];
    if (Array.isArray(label.name)) label.name = [label.name[0] + dx, label.name[1] + dy];
  }

  moveLabel(dx, dy) {
    this.change(() => {
      for (const id of this.selection) if (this.get(id).label?.x !== undefined) this.shiftLabel(this.get(id).label, dx, dy);
    });
  }

  moveSegment(id, segment, distance) {
    this.change(() => { const pipe = this.get(id); pipe.points = segmentMoved(pipe.points, segment, distance); });
  }

  connect(fromId, toId, kind = "main") {
    if (fromId === toId || this.listOf(fromId) !== "symbols" || this.listOf(toId) !== "symbols") return null;
    return this.add("pipes", { points: route(this.box(fromId), this.box(toId)), kind, arrow: true });
  }

  rotate() {
    this.change(() => {
      for (const id of this.selection) if (this.listOf(id) === "symbols") this.get(id).rotation = ((this.get(id).rotation ?? 0) + 90) % 360;
    });
  }

  resize(id, w, h) {
    this.change(() => { this.get(id).size = [Math.max(2 * GRID, snap(w)), Math.max(2 * GRID, snap(h))]; });
  }

  // "label.text" is a path; nothing to say takes the value away.
  set(id, path, value) {
    this.change(() => {
      const parts = path.split(".");
      const last = parts.pop();
      let place = id ? this.get(id) : this.config;
      for (const part of parts) place = place[part] ??= {};
      if (value === "" || value === null || value === undefined || value === false) delete place[last];
      else place[last] = value;
    });
  }

  // where: above, below, left, right or none; the asset's name goes under its code.
  placeLabel(id, where, withName) {
    this.change(() => {
      const row = this.get(id);
      const box = this.box(id);
      const middle = box.y + box.h / 2;
      const places = {
        above: [row.x, box.y - (withName ? 22 : 8), "middle"], below: [row.x, box.y + box.h + 20, "middle"],
        left: [box.x - 10, middle, "end"], right: [box.x + box.w + 10, middle, "start"],
      };
      if (!places[where]) { delete row.label; return; }
      const [x, y, anchor] = places[where];
      const { name: _old, ...words } = row.label ?? {};
      row.label = { ...words, x: snap(x), y: snap(y), anchor, ...(withName ? { name: [snap(x), snap(y) + 14] } : {}) };
      row.badges ??= [snap(box.x), snap(box.y + box.h + 36)];
    });
  }

  remove() {
    this.change(() => {
      for (const list of LISTS) {
        if (this.config[list]) this.config[list] = this.config[list].filter((_, i) => !this.selection.has(`${list}.${i}`));
      }
      this.selection.clear();
    });
  }

  copy() { this.clipboard = [...this.selection].map((id) => [this.listOf(id), copyOf(this.get(id))]); }

  paste() {
    if (!this.clipboard.length) return;
    const ids = this.change(() => this.clipboard.map(([list, row]) => {
      const rows = this.config[list] ??= [];
      rows.push(copyOf(row));
      const id = `${list}.${rows.length - 1}`;
      if (list === "symbols") delete this.get(id).asset;
      this.shift(id, 6 * GRID, 6 * GRID);
      return id;
    }));
    this.select(ids);
    this.copy();
  }
}
