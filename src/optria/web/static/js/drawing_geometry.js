// Boxes and lines of a drawing in pixels at scale 1. A line is [[x, y], …], at right angles.

export const GRID = 4;
const REACH = 10;
const FIXED = {
  pump: [42, 52], motor: [40, 40], flow_meter: [36, 36], exchanger: [48, 48], control_valve: [30, 44], esd_valve: [30, 44], relief_valve: [22, 34],
};
export const SIZES = {
  separator_horizontal: [160, 76], separator_vertical: [44, 112], tank: [84, 84], compressor: [72, 80], turbine: [72, 80], air_cooler: [76, 40], boundary: [92, 34],
};

export const snap = (value) => Math.round(value / GRID) * GRID;
export const copyOf = (value) => JSON.parse(JSON.stringify(value));
const isSame = (a, b) => Math.abs(a - b) < 0.01;
// Whether segment i of a line goes across the page, not down it.
export const isLevel = (points, i) => isSame(points[i][1], points[i + 1][1]);

export function boxOf(list, row) {
  if (list === "values") return { x: row.x - 8, y: row.y - 3, w: 105, h: 50 };
  if (list === "texts") return { x: row.x, y: row.y - 12, w: 7 * String(row.text ?? "").length + 4, h: 16 };
  if (list === "pipes") return aroundPoints(row.points ?? []);
  const [w, h] = row.size ?? FIXED[row.symbol] ?? [40, 40];
  const isTurned = (row.rotation ?? 0) % 180 !== 0;
  const [width, height] = isTurned ? [h, w] : [w, h];
  return { x: row.x - width / 2, y: row.y - height / 2, w: width, h: height };
}

function aroundPoints(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, w: Math.max(...xs) - x, h: Math.max(...ys) - y };
}

export const isNear = ([x, y], box) =>
  x >= box.x - REACH && x <= box.x + box.w + REACH && y >= box.y - REACH && y <= box.y + box.h + REACH;

// Leaves out points that change nothing: repeated ones, and ones on the straight line between their neighbours.
function tidied(points) {
  const kept = points.filter((point, i) => i === 0 || !(isSame(point[0], points[i - 1][0]) && isSame(point[1], points[i - 1][1])));
  return kept.filter((point, i) => {
    const [before, after] = [kept[i - 1], kept[i + 1]];
    if (!before || !after) return true;
    const onLine = (isSame(before[0], point[0]) && isSame(point[0], after[0])) || (isSame(before[1], point[1]) && isSame(point[1], after[1]));
    return !onLine;
  });
}

// A line at right angles from one box to the other, out of the sides that face each other.
export function route(from, to) {
  const [ax, ay] = [from.x + from.w / 2, from.y + from.h / 2];
  const [bx, by] = [to.x + to.w / 2, to.y + to.h / 2];
  if (Math.abs(bx - ax) >= Math.abs(by - ay)) {
    const start = [bx > ax ? from.x + from.w : from.x, ay];
    const end = [bx > ax ? to.x : to.x + to.w, by];
    const middle = snap((start[0] + end[0]) / 2);
    return tidied([start, [middle, ay], [middle, by], end]);
  }
  const start = [ax, by > ay ? from.y + from.h : from.y];
  const end = [bx, by > ay ? to.y : to.y + to.h];
  const middle = snap((start[1] + end[1]) / 2);
  return tidied([start, [ax, middle], [bx, middle], end]);
}

// One end of a line goes along; the segment beside it keeps its direction.
export function endMoved(points, isLast, dx, dy) {
  const line = copyOf(isLast ? [...points].reverse() : points);
  const [[x0, y0], [x1, y1]] = line;
  const goesAcross = isLevel(line, 0);
  line[0] = [x0 + dx, y0 + dy];
  if (line.length === 2) {
    const middle = goesAcross ? snap((x0 + dx + x1) / 2) : snap((y0 + dy + y1) / 2);
    if (goesAcross && dy) line.splice(1, 0, [middle, y0 + dy], [middle, y1]);
    if (!goesAcross && dx) line.splice(1, 0, [x0 + dx, middle], [x1, middle]);
  } else line[1] = goesAcross ? [x1, y1 + dy] : [x1 + dx, y1];
  const tidy = tidied(line);
  return isLast ? tidy.reverse() : tidy;
}

// Moves segment i across itself; the ends of the line stay where they are.
export function segmentMoved(points, i, distance) {
  const line = copyOf(points);
  const axis = isLevel(line, i) ? 1 : 0;
  let [a, b] = [i, i + 1];
  if (a === 0) { line.splice(0, 0, [...line[0]]); a += 1; b += 1; }
  if (b === line.length - 1) line.push([...line[b]]);
  line[a][axis] += distance;
  line[b][axis] += distance;
  return tidied(line);
}
