// What of a trend is drawn how: pure functions, no page.
const RANK = ["normal", "outside", "minor", "major", "critical"];
export const STATES = RANK.slice(1);

// normal, outside (the expected range), or the worst severity whose limit the value is past.
export function stateOf(value, { expected, limits }) {
  let worst = 0;
  for (const { severity, direction, value: limit } of limits) {
    if (direction === "high" ? value > limit : value < limit) worst = Math.max(worst, RANK.indexOf(severity));
  }
  if (worst > 0) return RANK[worst];
  return expected && (value < expected[0] || value > expected[1]) ? "outside" : "normal";
}

// One column for the whole line, and one for each state that is drawn over it. A stroke between two points has the
// worse of their states, so a point belongs to the columns of the strokes at both of its sides.
export function columns(signal) {
  const { times_ms: x, values } = signal;
  const states = values.map((value) => (value === null ? null : stateOf(value, signal)));
  const over = STATES.map(() => new Array(values.length).fill(null));
  for (let i = 1; i < values.length; i += 1) {
    if (values[i] === null || values[i - 1] === null) continue;
    const worse = Math.max(RANK.indexOf(states[i]), RANK.indexOf(states[i - 1]));
    if (worse < 1) continue;
    over[worse - 1][i - 1] = values[i - 1];
    over[worse - 1][i] = values[i];
  }
  return [x.slice(), values.slice(), ...over];
}

// Room for the values and the expected range, and for those limits that are near enough to matter.
export function scaleOf({ values, expected, limits }) {
  const known = values.filter((value) => value !== null);
  const all = [...known, ...(expected ?? [])];
  if (!all.length) return [0, 1];
  let [low, high] = [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const reach = 0.6 * (high - low || Math.abs(high) || 1);
  for (const { value } of limits) {
    if (value >= low - reach && value <= high + reach) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const pad = 0.1 * (high - low || Math.abs(high) || 1);
  return [low - pad, high + pad];
}

// The times in which maintenance is planned for the asset or goes on, [[from, to], ...] in ms.
export const servicesOf = (marks) => marks.filter(({ kind, until }) => kind === "maintenance" && until).map(({ from, until }) => [from, until]);

// The place of the last of the rising numbers x that is at or before a place; -1 before the first.
export function placeAt(x, at) {
  let low = 0;
  let high = x.length - 1;
  if (high < 0 || x[0] > at) return -1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (x[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

// The value that was known at a time; null in a gap and before the first.
export function valueAt({ times_ms: x, values, gap_ms: gap }, ms) {
  const place = placeAt(x, ms);
  if (place < 0) return null;
  const known = place === x.length - 1 ? ms - x[place] <= Math.max(gap, (x[place] - x[0]) / 100) : true;
  return known ? values[place] : null;
}

// A later sample at the end; silence before it is a gap. Returns whether there was anything new.
export function append(signal, sample) {
  const { times_ms: x, values } = signal;
  const last = x.length ? x[x.length - 1] : -Infinity;
  if (!sample || sample.time <= last) return false;
  const good = sample.value !== null && sample.quality !== 2;
  if (x.length && values[values.length - 1] !== null && (!good || sample.time - last > signal.gap_ms)) {
    x.push(good ? last + 1 : sample.time);
    values.push(null);
    if (!good) return true;
  }
  if (good) {
    x.push(sample.time);
    values.push(sample.value);
  }
  return good;
}

// What is older than a time leaves a signal that only grows, some at once.
export function forgetBefore({ times_ms: x, values }, ms) {
  const old = x.findIndex((time) => time >= ms);
  if (old <= 60) return;
  x.splice(0, old);
  values.splice(0, old);
}

// Round times between two, of about as many as fit; offset is that of the site's clock.
export function ticks(from, to, offsetMs) {
  const span = to - from;
  const hour = 3600000;
  const step = [hour / 12, hour / 6, hour / 4, hour / 2, hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour].find((s) => span / s <= 8) ?? 96 * hour;
  const first = Math.ceil((from + offsetMs) / step) * step - offsetMs;
  const found = [];
  for (let at = first; at <= to; at += step) found.push(at);
  return { step, at: found };
}
