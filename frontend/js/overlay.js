// Similar incidents: the signals of past ones in grey behind this one's in ink, on a common time zero (the anchor).
// Fetched when the card comes into view; the ticks choose which are drawn.
import { send } from "./api.js";
import { formatValue } from "./format.js";
import { notice } from "./shell.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 92;
const arabic = document.documentElement.lang === "ar";

const part = (node, name) => node.querySelector(`[data-part="${name}"]`);
const signed = (value, decimals) => `${value > 0 ? "+" : ""}${formatValue(value, decimals)}`;
const minutes = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(Math.round(value))} min`;

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// The line is broken where more than three times the usual step is missing.
function pathOf({ minutes: times, change }, toX, toY) {
  const steps = times.slice(1).map((time, place) => time - times[place]).sort((a, b) => a - b);
  const usual = steps[Math.floor(steps.length / 2)] ?? 0;
  return times.map((time, place) => {
    const torn = place === 0 || time - times[place - 1] > Math.max(3 * usual, 0.5);
    return `${torn ? "M" : "L"}${toX(time).toFixed(1)} ${toY(change[place]).toFixed(1)}`;
  }).join("");
}

class Overlay {
  constructor(node) {
    this.node = node;
    this.ticks = [...node.querySelectorAll("[data-draw]")];
    node.addEventListener("change", () => this.choose());
    for (const row of node.querySelectorAll("[data-past]")) {
      row.addEventListener("mouseenter", () => this.stress(row.dataset.past));
      row.addEventListener("mouseleave", () => this.stress(null));
    }
  }

  async load() {
    try {
      this.show(await send("GET", this.node.dataset.overlay));
    } catch (error) {
      notice(error.message);
    }
  }

  show(answer) {
    for (const past of answer.past) this.offer(past);
    const drawn = answer.tracks.filter((track) => track.series.length);
    part(this.node, "multiples").replaceChildren(...drawn.map((track) => this.multiple(track, answer)));
    const hasPast = answer.past.some((past) => past.has_samples);
    for (const name of ["multiples", "overlay-note", "overlay-legend"]) part(this.node, name).hidden = !hasPast;
    this.choose();
  }

  offer(past) {
    const tick = this.ticks.find((one) => one.dataset.draw === past.id);
    if (!tick) return;
    tick.disabled = !past.has_samples;
    tick.checked = past.has_samples;
    part(tick.closest("tr"), "no-samples").hidden = past.has_samples;
  }

  multiple(track, answer) {
    const node = this.node.querySelector('template[data-template="multiple"]').content.firstElementChild.cloneNode(true);
    const all = track.series.flatMap((series) => series.change);
    const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
    const span = high - low || 1;
    const toX = (time) => ((time - answer.from_min) / (answer.to_min - answer.from_min)) * WIDTH;
    const toY = (value) => 4 + (1 - (value - low) / span) * (HEIGHT - 8);
    const words = { label: arabic ? track.label_ar : track.label, instrument: track.instrument, unit: track.unit };
    words.high = signed(high, track.decimals);
    words.low = signed(low, track.decimals);
    words.from = minutes(answer.from_min);
    words.to = minutes(answer.to_min);
    for (const [name, text] of Object.entries(words)) part(node, name).textContent = text;
    this.draw(part(node, "plot"), track, toX, toY, answer.incident_id);
    part(node, "plot").setAttribute("aria-label", `${words.label}: ${words.low} \u2026 ${words.high} ${track.unit}`);
    return node;
  }

  draw(plot, track, toX, toY, own) {
    plot.append(shape("line", { class: "ov-zero", x1: 0, x2: WIDTH, y1: toY(0), y2: toY(0), "vector-effect": "non-scaling-stroke" }));
    plot.append(shape("line", { class: "ov-anchor", x1: toX(0), x2: toX(0), y1: 0, y2: HEIGHT, "vector-effect": "non-scaling-stroke" }));
    const pastFirst = [...track.series].sort((a, b) => (a.incident_id === own) - (b.incident_id === own));
    for (const series of pastFirst) {
      const kind = series.incident_id === own ? "ov-own" : "ov-past";
      plot.append(shape("path", { class: kind, d: pathOf(series, toX, toY), "vector-effect": "non-scaling-stroke", "data-of": series.incident_id }));
    }
  }

  choose() {
    for (const tick of this.ticks) {
      for (const path of this.node.querySelectorAll(`[data-of="${CSS.escape(tick.dataset.draw)}"]`)) {
        path.classList.toggle("ov-hidden", !tick.checked);
      }
    }
  }

  stress(id) {
    for (const path of this.node.querySelectorAll("[data-of]")) path.classList.toggle("ov-stressed", path.dataset.of === id);
  }
}

const node = document.querySelector("[data-overlay]");
if (node) {
  const overlay = new Overlay(node);
  const watching = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watching.disconnect();
    overlay.load();
  }, { rootMargin: "200px" });
  watching.observe(node);
}
