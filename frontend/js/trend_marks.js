// Marks and times along the trends: one lane, one scale, and the same marks as a list.
import { offsetMs } from "./site_time.js";
import { ticks } from "./trend_data.js";

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function element(name, className, text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

export class Clock {
  constructor(timeZone) {
    const pattern = (options) => new Intl.DateTimeFormat("en-GB", { timeZone, ...options });
    this.timeZone = timeZone;
    this.seconds = pattern({ day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.minutes = pattern({ hour: "2-digit", minute: "2-digit" });
    this.days = pattern({ day: "2-digit", month: "short" });
  }

  exact(ms) {
    return this.seconds.format(new Date(ms)).replace(",", "");
  }

  short(ms, step) {
    return (step >= 86400000 ? this.days : this.minutes).format(new Date(ms));
  }
}

// Across in percent of the plots: the axis takes 52 px at the left, 8 px stay free at the right.
const place = (ms, [from, to]) => `${(((ms - from) / (to - from)) * 100).toFixed(2)}%`;

export function drawScale(node, range, clock) {
  const { step, at } = ticks(range[0], range[1], offsetMs(clock.timeZone, new Date(range[1])));
  node.replaceChildren(...at.map((ms) => svg("text", { class: "rec-tick-text", x: place(ms, range), y: 12, "text-anchor": "middle" }, clock.short(ms, step))));
}

const timesOf = (mark, clock) => (mark.until ? `\u2066${clock.exact(mark.from)} \u2013 ${clock.exact(mark.until)}\u2069` : clock.exact(mark.from));
const wordsOf = (mark, words, clock) => [`${words[mark.kind]} ${mark.label}`.trim(), timesOf(mark, clock), mark.words].join(", ");

function shape(mark) {
  if (mark.kind === "anchor") {
    return svg("g", { transform: "translate(-8 4)" }, svg("circle", { class: "rec-a", cx: 8, cy: 8, r: 8 }), svg("text", { class: "rec-a-n", x: 8, y: 12 }, "A"));
  }
  const kind = mark.kind === "order" ? "M-5 7h10v11h-10z M-2 5h4v3h-4z" : "M-6 12l6 -6 6 6 -6 6z";
  return svg("path", { class: mark.kind === "order" ? "at-order" : "rec-mark", d: kind });
}

// What was ordered because of an anchor stands beside it, not under it.
function aside(mark, anchors, range) {
  const near = (range[1] - range[0]) / 45;
  return mark.kind !== "anchor" && anchors.some((each) => Math.abs(each.from - mark.from) < near) ? 16 : 0;
}

function drawn(mark, anchors, range, words, clock) {
  const moved = svg("g", { transform: `translate(${aside(mark, anchors, range)} 0)` }, shape(mark));
  const inside = svg("svg", { x: place(Math.max(mark.from, range[0]), range), y: 0, overflow: "visible" }, moved);
  inside.prepend(svg("title", {}, wordsOf(mark, words, clock)));
  const parts = [];
  if (mark.until) {
    const [from, to] = [Math.max(mark.from, range[0]), Math.min(mark.until, range[1])];
    parts.push(svg("rect", { class: "at-work", x: place(from, range), y: 10, height: 5, width: place(range[0] + to - from, range) }));
  }
  const box = mark.href ? svg("a", { href: mark.href, "aria-label": wordsOf(mark, words, clock) }) : svg("g", { role: "img", "aria-label": wordsOf(mark, words, clock) });
  box.append(...parts, inside);
  return box;
}

export function drawLane(node, marks, range, words, clock) {
  const inside = marks.filter((mark) => mark.from <= range[1] && (mark.until ?? mark.from) >= range[0]);
  const anchors = inside.filter(({ kind }) => kind === "anchor");
  node.replaceChildren(...inside.map((mark) => drawn(mark, anchors, range, words, clock)));
}

export function listMarks(list, marks, words, clock) {
  list.replaceChildren(...marks.map((mark) => {
    const row = element("li", "");
    const time = element("bdi", "text-ink2 whitespace-nowrap", timesOf(mark, clock));
    time.dir = "ltr";
    const label = element(mark.href ? "a" : "span", mark.href ? "link" : "");
    if (mark.href) label.href = mark.href;
    const code = element("bdi", "font-medium", mark.label);
    code.dir = "ltr";
    label.append(`${words[mark.kind]} `, code);
    row.append(time, label, element("bdi", "text-ink2", mark.words));
    return row;
  }));
}
