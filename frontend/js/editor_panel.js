// The properties of what is chosen, as forms whose names are those of the stored JSON.
import { fill } from "./forms.js";

const points = (text) => text.split("\n").map((line) => line.split(/[,\s]+/).filter(Boolean).map(Number)).filter((pair) => pair.length === 2 && pair.every(Number.isFinite));

export class Panel {
  constructor(root, model, words) {
    Object.assign(this, { root, model, words });
    for (const form of root.querySelectorAll("[data-panel]")) {
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("change", (event) => this.changed(form, event.target));
    }
  }

  get chosen() { return this.model.selection.size === 1 ? [...this.model.selection][0] : null; }

  show() {
    const count = this.model.selection.size;
    const kind = count === 0 ? "drawing" : count > 1 ? "many" : this.model.listOf(this.chosen);
    for (const form of this.root.querySelectorAll("[data-panel]")) form.hidden = form.dataset.panel !== kind;
    const form = this.root.querySelector(`[data-panel="${kind}"]`);
    if (kind === "many") form.querySelector("[data-many-count]").textContent = this.words.many.replace("{count}", count);
    else this.fillIn(form, kind);
  }

  fillIn(form, kind) {
    if (form.contains(document.activeElement) && form.dataset.of === (this.chosen ?? "drawing")) return;
    form.dataset.of = this.chosen ?? "drawing";
    const row = this.chosen ? this.model.get(this.chosen) : this.model.config;
    form.reset();
    fill(form, row);
    if (kind === "pipes") form.elements.points.value = (row.points ?? []).map((point) => point.join(", ")).join("\n");
    if (kind === "symbols") this.fillSymbol(form, row);
  }

  fillSymbol(form, row) {
    form.elements["label-name"].checked = Array.isArray(row.label?.name);
    form.elements["size.0"].closest(".form-pair").hidden = !row.size;
    const drawn = new Set((this.model.config.symbols ?? []).map((symbol) => symbol.asset).filter((code) => code && code !== row.asset));
    const options = [...form.elements.asset.options];
    options.sort((a, b) => Number(drawn.has(a.value)) - Number(drawn.has(b.value)));
    form.elements.asset.append(...options);
    form.elements.asset.value = row.asset ?? "";
  }

  changed(form, input) {
    const id = this.chosen;
    if (input.name === "label-place" || input.name === "label-name") this.placeLabel(form, id);
    else if (input.dataset.points !== undefined) this.setPoints(id, input.value);
    else if (input.name.startsWith("size.")) this.setSize(form, id);
    else this.model.set(id, input.name, this.valueOf(input));
  }

  valueOf(input) {
    if (input.type === "checkbox") return input.checked;
    const isNumber = input.type === "number" || input.dataset.type === "number";
    return input.value !== "" && isNumber ? Number(input.value) : input.value;
  }

  placeLabel(form, id) {
    const row = this.model.get(id);
    const place = form.elements["label-place"].value || (row.label ? "below" : "none");
    this.model.placeLabel(id, place, form.elements["label-name"].checked);
  }

  setPoints(id, text) {
    const made = points(text);
    if (made.length > 1) this.model.set(id, "points", made);
  }

  setSize(form, id) {
    const [w, h] = ["size.0", "size.1"].map((name) => Number(form.elements[name].value));
    if (!(w > 0 && h > 0)) return;
    if (id) this.model.resize(id, w, h);
    else this.model.set(null, "size", [w, h]);
  }
}
