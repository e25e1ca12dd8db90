// The trends of an asset: fetched for a period, live while their right edge is now, read off along a cursor.
import { send } from "./api.js";
import { serverNow, values } from "./app.js";
import { formatAge, formatValue } from "./format.js";
import { isInGap } from "./gaps.js";
import { TrendChart } from "./trend_chart.js";
import { append, servicesOf, valueAt } from "./trend_data.js";
import { Clock, drawLane, drawScale, listMarks } from "./trend_marks.js";

const AT_ONCE = 6;
const fill = (text, given) => text.replace(/%\((\w+)\)s/g, (_, name) => given[name] ?? "");

export class Trends {
  constructor(node) {
    this.node = node;
    this.words = JSON.parse(node.dataset.words);
    this.clock = new Clock(node.dataset.timeZone);
    this.rows = [...node.querySelectorAll("[data-trend]")].map((row) => this.row(row));
    this.period = 3600000;
    this.end = null;
    this.marks = [];
    this.asked = 0;
    node.addEventListener("click", (event) => this.pressed(event.target.closest("button")));
    this.part("slider").addEventListener("input", () => this.slid());
    new MutationObserver(() => this.rows.forEach(({ chart }) => chart.redraw())).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    setInterval(() => this.tick(), 1000);
    this.load();
  }

  part(name) {
    return this.node.querySelector(`[data-part="${name}"]`);
  }

  row(node) {
    const box = node.querySelector('[data-part="plot"]');
    const chart = new TrendChart(box, this.words);
    chart.onCursor = (ms) => this.pointAt(ms, chart);
    return { node, box, chart, tag: node.dataset.signal, metric: node.dataset.trend, read: node.querySelector('[data-part="read"]') };
  }

  range() {
    const end = this.end ?? serverNow();
    return [end - this.period, end];
  }

  pressed(button) {
    if (!button || button.disabled) return;
    if (button.dataset.period) this.period = Number(button.dataset.period) * 1000;
    else if (button.dataset.shift) this.shift(Number(button.dataset.shift));
    else if ("hold" in button.dataset) this.end = this.end === null ? serverNow() : null;
    else if (!("again" in button.dataset)) return;
    this.load();
  }

  shift(direction) {
    const end = (this.end ?? serverNow()) + (direction * this.period) / 2;
    this.end = end >= serverNow() - 1000 ? null : end;
  }

  // What is asked for last counts; an answer that comes after another question is dropped.
  async load() {
    const asked = (this.asked += 1);
    const range = this.range();
    this.showControls();
    this.node.setAttribute("aria-busy", "true");
    this.part("error").hidden = true;
    try {
      for (let first = 0; first < this.rows.length; first += AT_ONCE) {
        const rows = this.rows.slice(first, first + AT_ONCE);
        const answer = await send("GET", this.address(range, rows));
        if (asked !== this.asked) return;
        this.take(answer, rows, range);
      }
    } catch (failure) {
      if (asked === this.asked) this.failed(failure);
    } finally {
      if (asked === this.asked) this.node.removeAttribute("aria-busy");
    }
  }

  address([from, to], rows) {
    const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
    for (const { metric } of rows) query.append("metric", metric);
    return `${this.node.dataset.trends}?${query}`;
  }

  failed(failure) {
    this.part("reason").textContent = failure.message;
    this.part("error").hidden = false;
    for (const { box, chart } of this.rows) if (!chart.plot) box.replaceChildren();
  }

  take(answer, rows, range) {
    this.loadedAt = range[1];
    this.marks = answer.marks.map((mark) => ({ ...mark, from: Date.parse(mark.time), until: mark.end ? Date.parse(mark.end) : null }));
    for (const row of rows) {
      row.signal = answer.signals.find((signal) => String(signal.tag) === row.tag);
      if (!row.signal) continue;
      row.chart.show(row.signal, range, this.marks);
      this.describe(row);
    }
    this.showFrame(range);
    this.note();
    listMarks(this.part("events"), this.marks, this.words, this.clock);
    this.part("count").textContent = this.marks.length;
    this.part("service").hidden = !servicesOf(this.marks).length;
  }

  describe({ node, box, signal }) {
    const known = signal.values.filter((value) => value !== null);
    const shown = (value) => formatValue(value, signal.decimals);
    const [low, high] = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
    const given = { name: node.dataset.name, low: shown(low), high: shown(high), unit: node.dataset.unit };
    box.setAttribute("aria-label", fill(known.length ? this.words.summary : this.words.outside, given));
    box.toggleAttribute("data-empty", !known.length);
    box.dataset.emptyText = this.words.none;
  }

  note() {
    const signals = this.rows.map(({ signal }) => signal).filter(Boolean);
    const count = formatValue(signals.reduce((sum, signal) => sum + signal.samples, 0), 0);
    const thinned = signals.some((signal) => signal.thinned);
    const width = `\u2066${formatAge(this.period / 300000)}\u2069`;
    this.part("note").textContent = fill(thinned ? this.words.minmax : this.words.samples, { width, count: `\u2066${count}\u2069` });
  }

  showControls() {
    const live = this.end === null;
    const hold = this.node.querySelector("[data-hold]");
    for (const button of this.node.querySelectorAll("[data-period]")) button.setAttribute("aria-pressed", String(Number(button.dataset.period) * 1000 === this.period));
    this.node.querySelector('[data-shift="1"]').disabled = live;
    hold.setAttribute("aria-label", live ? this.words.pause : this.words.play);
    const use = hold.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#\w+$/, live ? "#pause" : "#play"));
    this.node.toggleAttribute("data-still", !live);
    const [from, to] = this.range();
    this.part("state").textContent = live ? this.words.live : `${this.words.paused}: \u2066${this.clock.exact(from)} \u2013 ${this.clock.exact(to)}\u2069`;
  }

  showFrame(range) {
    drawScale(this.part("scale"), range, this.clock);
    const lane = this.part("lane");
    if (!lane.contains(document.activeElement)) drawLane(lane, this.marks, range, this.words, this.clock);
  }

  tick() {
    if (this.end !== null || document.visibilityState !== "visible" || !this.loadedAt) return;
    const range = this.range();
    if (range[1] - this.loadedAt > Math.max(60000, this.period / 60)) return void this.load();
    for (const { chart, signal, tag } of this.rows) {
      if (!signal) continue;
      append(signal, values.samples.get(tag));
      chart.setRange(range);
      chart.redraw();
    }
    this.showFrame(range);
  }

  slid() {
    const [from, to] = this.range();
    const ms = from + (Number(this.part("slider").value) / 1000) * (to - from);
    this.pointAt(ms, null);
    this.part("slider").setAttribute("aria-valuetext", [this.clock.exact(ms), ...this.rows.map(({ node, read }) => `${node.dataset.name} ${read.textContent}`)].join(", "));
  }

  pointAt(ms, from) {
    if (this.pointing) return;
    this.pointing = true;
    this.part("cursor").textContent = ms === null ? "" : this.clock.exact(ms);
    for (const { chart, read, signal } of this.rows) {
      if (chart !== from) chart.point(ms);
      const value = ms === null || !signal ? null : valueAt(signal, ms);
      const nothing = signal && ms !== null && isInGap(signal, ms) ? this.words.gap : "\u2013";
      read.textContent = ms === null ? "" : value === null ? nothing : formatValue(value, signal.decimals);
    }
    this.pointing = false;
  }
}
