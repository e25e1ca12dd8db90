// Where a trend has no values between two that it has: hatched, never bridged by a line.
import { colour } from "./ink.js";

const STEP = 6;

// [[from, to], ...] in ms: from the last value before each gap to the first one after it.
export function gapsOf({ times_ms: x, values }) {
  const found = [];
  let known = -1;
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] === null) continue;
    if (known >= 0 && known < i - 1) found.push([x[known], x[i]]);
    known = i;
  }
  return found;
}

export const isInGap = (signal, ms) => gapsOf(signal).some(([from, to]) => ms > from && ms < to);

// When the asset is out of service: a band with a bar along its top, under everything else; [[from, to], ...] in ms.
export function drawService({ ctx, bbox: { left, top, width, height } }, spans, placeOf) {
  ctx.save();
  ctx.fillStyle = colour("trend2");
  for (const [from, to] of spans) {
    const begin = Math.max(left, placeOf(from));
    const across = Math.max(0, Math.min(left + width, placeOf(to)) - begin);
    ctx.globalAlpha = 0.18;
    ctx.fillRect(begin, top, across, height);
    ctx.globalAlpha = 1;
    ctx.fillRect(begin, top, across, 3 * (devicePixelRatio || 1));
  }
  ctx.restore();
}

// Slanted lines over each gap; placeOf gives the place of a time on the canvas.
export function drawGaps({ ctx, bbox: { left, top, width, height } }, signal, placeOf) {
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = colour("ink3");
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = ratio;
  for (const [from, to] of gapsOf(signal)) {
    const begin = Math.max(left, placeOf(from));
    const end = Math.min(left + width, placeOf(to));
    if (end - begin < 2 * ratio) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(begin, top, end - begin, height);
    ctx.clip();
    ctx.beginPath();
    for (let at = begin - height; at < end; at += STEP * ratio) {
      ctx.moveTo(at, top + height);
      ctx.lineTo(at + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}
