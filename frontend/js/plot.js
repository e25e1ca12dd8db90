// One trend on a canvas: expected band, limits, marks; heavy outside the band, coloured past a limit.
// A signal is {times_ms, values, expected: [low, high] | null, limits: [{severity, direction, value}], decimals}.
import { formatValue } from "./format.js";
import { drawGaps, drawService } from "./gaps.js";
import { colour, FONT, INKS } from "./ink.js";
import { stateOf } from "./trend_data.js";
import uPlot from "./uplot.js";

// Bottom and top of the axis: the expected range takes the middle third until the values need more.
export function boundsOf(values, expected) {
  const known = values.filter((value) => value !== null);
  const width = expected ? expected[1] - expected[0] : 0;
  const ends = [...known, ...(expected ? [expected[0] - width / 2, expected[1] + width / 2] : [])];
  if (!ends.length) return [0, 1];
  const low = ends.reduce((a, b) => Math.min(a, b));
  const high = ends.reduce((a, b) => Math.max(a, b));
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

// What a value is drawn in: past a limit the worst severity, outside the expected range ink.
export const toneOf = (value, signal) => INKS[stateOf(value, signal)];

function strokeOf(u, signal) {
  const { top, height } = u.bbox;
  const gradient = u.ctx.createLinearGradient(0, top, 0, top + height);
  const edges = [...(signal.expected ?? []), ...signal.limits.map((limit) => limit.value)]
    .filter((value) => value > u.scales.y.min && value < u.scales.y.max).sort((a, b) => b - a);
  const share = (value) => Math.min(1, Math.max(0, (u.valToPos(value, "y", true) - top) / height));
  const marks = [u.scales.y.max, ...edges, u.scales.y.min];
  for (let i = 0; i + 1 < marks.length; i += 1) {
    const tone = colour(toneOf((marks[i] + marks[i + 1]) / 2, signal));
    gradient.addColorStop(share(marks[i]), tone);
    gradient.addColorStop(share(marks[i + 1]), tone);
  }
  return gradient;
}

function band(u, signal) {
  if (!signal.expected) return;
  const { left, top, width, height } = u.bbox;
  const [low, high] = signal.expected.map((value) => u.valToPos(value, "y", true));
  const from = Math.max(top, high);
  u.ctx.fillStyle = colour("band");
  u.ctx.fillRect(left, from, width, Math.max(0, Math.min(top + height, low) - from));
}

function across(u, y, tone) {
  u.ctx.strokeStyle = colour(tone);
  u.ctx.lineWidth = devicePixelRatio;
  u.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
}

function lines(u, signal, marks) {
  u.ctx.save();
  const { left, top, width, height } = u.bbox;
  for (const { severity, value } of signal.limits) {
    if (value > u.scales.y.min && value < u.scales.y.max) across(u, u.valToPos(value, "y", true), INKS[severity] ?? "ink2");
  }
  u.ctx.setLineDash([]);
  for (const { time_ms: time, severity } of marks) {
    const x = u.valToPos(time / 1000, "x", true);
    if (x < left || x > left + width) continue;
    u.ctx.fillStyle = colour(INKS[severity] ?? "ink2");
    u.ctx.fillRect(x - devicePixelRatio / 2, top, devicePixelRatio, height);
    u.ctx.fillRect(x - 3 * devicePixelRatio, top, 6 * devicePixelRatio, 6 * devicePixelRatio);
  }
  u.ctx.restore();
}

function clockOf(zone) {
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "2-digit", month: "short" });
  return (splits) => splits.map((s) => (time.format(s * 1000) === "00:00" ? day.format(s * 1000) : time.format(s * 1000)));
}

export class Plot {
  constructor(node, signal, { zone, height = 120, onCursor = () => {} }) {
    this.node = node;
    this.signal = signal;
    this.marks = [];
    this.services = [];
    this.chart = new uPlot(this.options(zone, height, onCursor), [[], []], node);
    new ResizeObserver(() => this.fit()).observe(node);
    new MutationObserver(() => this.chart.redraw(false, true)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  options(zone, height, onCursor) {
    const axis = { font: FONT, stroke: () => colour("ink3"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
    const label = clockOf(zone);
    return {
      width: this.node.clientWidth || 400, height, legend: { show: false },
      cursor: { sync: { key: "trends" }, drag: { x: false, y: false }, points: { size: 6 } },
      padding: [8, 8, 0, 0],
      scales: { x: { time: true, range: () => [this.from / 1000, this.to / 1000] }, y: { range: () => boundsOf(this.signal.values, this.signal.expected) } },
      axes: [{ ...axis, size: 22, space: 90, values: (u, splits) => label(splits) },
        { ...axis, size: 56, space: 28, values: (u, splits) => splits.map((value) => formatValue(value, stepDecimals(splits))) }],
      series: [{}, { stroke: (u) => strokeOf(u, this.signal), width: 1.75, points: { show: false }, spanGaps: false }],
      hooks: {
        drawClear: [(u) => u.series[1].show && band(u, this.signal), (u) => this.under(u, (ms) => u.valToPos(ms / 1000, "x", true))],
        draw: [(u) => lines(u, this.signal, this.marks)],
        setCursor: [(u) => onCursor(u.cursor.idx === null || u.cursor.idx === undefined ? null : { time_ms: u.data[0][u.cursor.idx] * 1000, value: u.data[1][u.cursor.idx] })],
      },
    };
  }

  under(u, place) {
    drawService(u, this.services, place);
    drawGaps(u, this.signal, place);
  }

  show(from, to, marks = this.marks) {
    [this.from, this.to, this.marks] = [from, to, marks];
    this.chart.setData([this.signal.times_ms.map((ms) => ms / 1000), this.signal.values]);
  }

  fit() {
    const width = this.node.clientWidth;
    if (width && width !== this.chart.width) this.chart.setSize({ width, height: this.chart.height });
  }
}

// As many decimals as tell the marks of an axis apart, exactly.
export function stepDecimals(splits) {
  const isExact = (places) => splits.every((value) => Math.abs(value * 10 ** places - Math.round(value * 10 ** places)) < 1e-6);
  return [0, 1, 2, 3].find(isExact) ?? 4;
}
