// One trend: line, expected range, limits in force and marks, drawn by uPlot in the colours of the page.
import { formatValue } from "./format.js";
import { drawGaps, drawService } from "./gaps.js";
import { colour, FONT, INKS } from "./ink.js";
import { columns, scaleOf, servicesOf, STATES } from "./trend_data.js";
import uPlot from "./uplot.js";

const HEIGHT = 76;
const AXIS = 52;
const RIGHT = 8;
const WIDTHS = { outside: 2, minor: 2.5, major: 2.5, critical: 2.5 };

export class TrendChart {
  constructor(box, words) {
    this.box = box;
    this.words = words;
    this.visible = true;
    this.marks = [];
    this.range = [0, 1];
    this.onCursor = () => {};
  }

  show(signal, range, marks) {
    this.signal = signal;
    this.marks = marks;
    this.setRange(range);
    if (!this.plot) this.create();
    this.redraw();
  }

  create() {
    this.box.replaceChildren();
    this.plot = new uPlot(this.options(), columns(this.signal), this.box);
    this.plot.root.querySelectorAll("canvas").forEach((node) => node.setAttribute("aria-hidden", "true"));
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: HEIGHT })).observe(this.box);
    new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible) this.redraw();
    }).observe(this.box);
  }

  width() {
    return Math.max(120, this.box.clientWidth);
  }

  options() {
    const line = (name, width) => ({ stroke: () => colour(name), width, points: { show: false }, spanGaps: false });
    return {
      width: this.width(),
      height: HEIGHT,
      ms: 1,
      padding: [8, RIGHT, 8, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: true, range: () => this.range }, y: { range: () => scaleOf(this.signal) } },
      axes: [{ show: false }, {
        size: AXIS, font: FONT, stroke: () => colour("ink3"), grid: { show: false }, ticks: { show: false },
        splits: () => this.splits(), values: (_, at) => at.map((value) => formatValue(value, this.signal.decimals)),
      }],
      series: [{}, { ...line("trend", 1.5), points: { show: () => this.signal.values.length < 40, size: 4, fill: () => colour("trend") } }, ...STATES.map((state) => line(INKS[state], WIDTHS[state]))],
      hooks: { drawClear: [() => this.drawUnder()], draw: [() => this.drawOver()], setCursor: [(plot) => this.moved(plot)] },
    };
  }

  // Two labels: the ends of the expected range where there is room between them, else of the scale.
  splits() {
    const [low, high] = scaleOf(this.signal);
    const apart = ([a, b]) => (b - a) / (high - low) > 0.2;
    return this.signal.expected && apart(this.signal.expected) ? this.signal.expected : [low + (high - low) * 0.1, high - (high - low) * 0.1];
  }

  redraw() {
    if (!this.plot || !this.visible) return;
    this.plot.setData(columns(this.signal), false);
    this.plot.setScale("x", { min: this.range[0], max: this.range[1] });
  }

  setRange(range) {
    this.range = range;
  }

  drawUnder() {
    const { ctx, bbox } = this.plot;
    const y = (value) => this.plot.valToPos(value, "y", true);
    ctx.save();
    if (this.signal.expected) {
      const [top, bottom] = [y(this.signal.expected[1]), y(this.signal.expected[0])];
      ctx.fillStyle = colour("band");
      ctx.fillRect(bbox.left, top, bbox.width, Math.max(1, bottom - top));
    }
    ctx.restore();
    const place = (ms) => this.plot.valToPos(ms, "x", true);
    drawService(this.plot, servicesOf(this.marks), place);
    drawGaps(this.plot, this.signal, place);
  }

  drawOver() {
    const { ctx, bbox } = this.plot;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 6 * ratio, bbox.width, bbox.height + 12 * ratio);
    ctx.clip();
    ctx.lineWidth = ratio;
    this.drawLimits(ctx, bbox, ratio);
    for (const mark of this.marks) this.drawMark(ctx, bbox, ratio, mark);
    ctx.restore();
  }

  drawLimits(ctx, bbox, ratio) {
    const [low, high] = scaleOf(this.signal);
    [ctx.textAlign, ctx.textBaseline] = ["left", "alphabetic"];
    ctx.font = FONT.replace("11px", `${11 * ratio}px`);
    let taken = bbox.top - 4 * ratio;
    const near = this.signal.limits.filter((limit) => limit.value > low && limit.value < high).sort((a, b) => b.value - a.value);
    for (const { direction, value } of near) {
      const at = this.plot.valToPos(value, "y", true);
      ctx.strokeStyle = ctx.fillStyle = colour("ink2");
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, at);
      ctx.lineTo(bbox.left + bbox.width, at);
      ctx.stroke();
      ctx.setLineDash([]);
      const text = `${this.words[direction]} ${Number(value.toPrecision(5))}`;
      const above = at - 4 * ratio;
      const base = above - 11 * ratio >= taken ? above : at + 12 * ratio;
      taken = Math.max(at, base);
      ctx.strokeStyle = colour("surface");
      ctx.lineWidth = 3 * ratio;
      ctx.strokeText(text, bbox.left + 6 * ratio, base);
      ctx.fillText(text, bbox.left + 6 * ratio, base);
      ctx.lineWidth = ratio;
    }
  }

  drawMark(ctx, bbox, ratio, mark) {
    const x = this.plot.valToPos(mark.from, "x", true);
    ctx.strokeStyle = colour(mark.kind === "anchor" ? "ink" : "trend2");
    ctx.lineWidth = (mark.kind === "anchor" ? 1.5 : 1) * ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 8 * ratio);
    ctx.lineTo(x, bbox.top + bbox.height + 8 * ratio);
    ctx.stroke();
    ctx.lineWidth = ratio;
  }

  moved(plot) {
    const { left } = plot.cursor;
    this.onCursor(left === null || left === undefined || left < 0 ? null : plot.posToVal(left, "x"));
  }

  // Shows the cursor at a time without saying that it has moved.
  point(ms) {
    if (!this.plot) return;
    const left = ms === null ? -10 : this.plot.valToPos(ms, "x");
    this.plot.setCursor({ left, top: ms === null ? -10 : 10 }, false);
  }
}
