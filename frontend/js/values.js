// Live values on the page: a Map from tag to the nodes that show it. Nothing else in the page is touched.
import { formatAge, formatValue } from "./format.js";

const SEVERITIES = ["minor", "major", "critical"];
const UNCERTAIN = 1;
const BAD = 2;
const TRACK = 84;

// "critical:high:7.1 major:low:2" -> [{severity, side, limit}]
export function parseLimits(text) {
  return (text || "").split(" ").filter(Boolean).map((entry) => {
    const [severity, side, limit] = entry.split(":");
    return { severity, side, limit: Number(limit) };
  });
}

function alarmOf(value, limits) {
  let worst = -1;
  for (const { severity, side, limit } of limits) {
    if (side === "high" ? value > limit : value < limit) worst = Math.max(worst, SEVERITIES.indexOf(severity));
  }
  return worst < 0 ? "normal" : SEVERITIES[worst];
}

// Fresh up to max(3 scans, 5 s), ageing to twice that, then stale.
function freshness(ageS, scanS) {
  const deadline = Math.max(3 * scanS, 5);
  return ageS <= deadline ? "fresh" : ageS <= 2 * deadline ? "ageing" : "stale";
}

export function stateOf(sample, ageS, block) {
  if (sample.quality === BAD || sample.value === null) return "bad";
  if (freshness(ageS, block.scan) === "stale") return "stale";
  const alarm = alarmOf(sample.value, block.limits);
  return alarm === "normal" && sample.quality === UNCERTAIN ? "uncertain" : alarm;
}

class Block {
  constructor(node) {
    const part = (name) => node.querySelector(`[data-part="${name}"]`);
    this.node = node;
    this.text = part("value");
    this.age = part("age");
    this.pointer = part("pointer");
    this.words = { bad: node.dataset.badText, quality: part("quality")?.dataset.words.split("|") ?? [] };
    this.quality = part("quality");
    this.agesAlways = "ageAlways" in node.dataset;
    this.never = node.querySelector("[data-never]");
    this.scan = Number(node.dataset.scan || 1);
    this.decimals = node.dataset.decimals === undefined || node.dataset.decimals === "" ? null : Number(node.dataset.decimals);
    this.low = Number(node.dataset.low);
    this.span = Number(node.dataset.high) - this.low;
    this.width = Number(node.dataset.track || TRACK);
    this.limits = parseLimits(node.dataset.limits);
  }

  show(sample, ageS) {
    const state = stateOf(sample, ageS, this);
    this.write(this.text, this.shown(sample, state));
    if (this.pointer && this.span > 0 && sample.value !== null) this.point(sample.value);
    this.write(this.age, !this.agesAlways && freshness(ageS, this.scan) === "fresh" ? "" : formatAge(ageS));
    this.write(this.quality, this.words.quality[sample.quality] ?? "");
    if (this.never) this.never = this.never.remove();
    if (this.node.dataset.state !== state) this.node.dataset.state = state;
  }

  shown(sample, state) {
    if (state === "bad" && this.words.bad) return this.words.bad;
    return sample.value === null ? this.text?.textContent ?? "" : formatValue(sample.value, this.decimals);
  }

  // The text node stays: replacing it would build its box anew, at several times the cost.
  write(node, text) {
    if (!node) return;
    const held = node.firstChild;
    if (held === null || held.nodeType !== Node.TEXT_NODE || held.nextSibling) node.textContent = text;
    else if (held.data !== text) held.data = text;
  }

  point(value) {
    const x = Math.min(1, Math.max(0, (value - this.low) / this.span)) * this.width;
    this.pointer.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
  }
}

// The fill of a vessel follows its level tag (percent).
class Level {
  constructor(node) {
    this.node = node;
    this.surface = node.hasAttribute("data-surface") ? node.parentNode.querySelector('[data-part="surface"]') : null;
    this.top = Number(node.dataset.top);
    this.height = Number(node.dataset.height);
  }

  show(sample) {
    if (sample.value === null || sample.quality === BAD) return;
    const filled = (Math.min(100, Math.max(0, sample.value)) / 100) * this.height;
    const y = (this.top + this.height - filled).toFixed(1);
    this.node.setAttribute("y", y);
    this.node.setAttribute("height", filled.toFixed(1));
    if (this.surface) {
      this.surface.setAttribute("y1", y);
      this.surface.setAttribute("y2", y);
    }
  }
}

// A machine runs while its tag (speed, power or current) is above a limit.
class Running {
  constructor(node) {
    this.node = node;
    this.above = Number(node.dataset.runAbove || 0);
  }

  show(sample, ageS) {
    if (this.node.dataset.state === "out_of_service") return;
    const known = sample.value !== null && sample.quality !== BAD && freshness(ageS, 1) !== "stale";
    const state = known ? (sample.value > this.above ? "running" : "stopped") : "unknown";
    if (this.node.dataset.state !== state) this.node.dataset.state = state;
  }
}

export class LiveValues {
  constructor(serverNow = () => Date.now()) {
    this.serverNow = serverNow;
    this.samples = new Map();
    this.nodes = new Map();
    this.watchers = [];
    this.at = null;
  }

  // Called with every snapshot and delta, after the page shows it.
  watch(told) {
    this.watchers.push(told);
  }

  // The server's now; on a page of the past, the moment that it shows.
  now() {
    return this.at ?? this.serverNow();
  }

  goTo(at) {
    if (at === this.at) return;
    this.at = at;
    this.samples.clear();
  }

  // Finds the nodes again after the page or a region of it has changed.
  bind(root = document) {
    this.nodes.clear();
    const past = root.querySelector("[data-at]");
    this.goTo(past ? Number(past.dataset.at) : null);
    this.collect(root, "[data-tag]", "tag", Block);
    this.collect(root, "[data-level-tag]", "levelTag", Level);
    this.collect(root, "[data-run-tag]", "runTag", Running);
    this.tick();
  }

  collect(root, selector, key, Kind) {
    for (const node of root.querySelectorAll(selector)) {
      const tag = node.dataset[key];
      if (!tag) continue;
      this.remember(tag, node.dataset);
      if (!this.nodes.has(tag)) this.nodes.set(tag, []);
      this.nodes.get(tag).push(new Kind(node));
    }
  }

  // The page itself carries the last value the server knew.
  remember(tag, { value, time, quality }) {
    if (!time) return;
    const known = this.samples.get(tag);
    if (known && known.time >= Number(time)) return;
    this.samples.set(tag, { value: value === "" || value === undefined ? null : Number(value), time: Number(time), quality: Number(quality || 0) });
  }

  // {"12": [value, epoch ms, quality], ...}
  update(data) {
    for (const [tag, [value, time, quality]] of Object.entries(data || {})) {
      this.samples.set(tag, { value, time, quality });
      this.show(tag);
    }
    for (const told of this.watchers) told(data || {});
  }

  show(tag) {
    const sample = this.samples.get(tag);
    const nodes = this.nodes.get(tag);
    if (!sample || !nodes) return null;
    const age = Math.max(0, (this.now() - sample.time) / 1000);
    for (const node of nodes) node.show(sample, age);
    return age;
  }

  // Ages every value from its own timestamp; call it once a second, connected or not.
  tick() {
    let worst = null;
    let stale = 0;
    let seen = 0;
    for (const tag of this.nodes.keys()) {
      const age = this.show(tag);
      if (age === null) continue;
      seen += 1;
      const scan = this.nodes.get(tag)[0].scan ?? 1;
      if (freshness(age, scan) === "stale") stale += 1;
      else worst = Math.max(worst ?? 0, age);
    }
    return this.at === null ? { worst, stale, seen } : { worst: null, stale: 0, seen: 0 };
  }
}
