// The causal graph of a rule as SVG: what is seen on the left, through the asset it is seen on, to the cause.
const SVG = "http://www.w3.org/2000/svg";
const CAUSE = "cause";
const PAD = 12;
const LINE = 16;
let library;

// The layout engine is fetched when the first graph is drawn.
const dagre = () => (library ??= import("./dagre.js"));

function element(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function measured(lines) {
  const context = measured.context ??= document.createElement("canvas").getContext("2d");
  context.font = `500 12.5px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(Math.max(60, ...lines.map((line) => context.measureText(line).width))) + 2 * PAD;
}

const linesOf = (node) => [node.title, node.detail, ...(node.at === "own" ? [] : [node.place])];

async function laidOut({ nodes, cause }) {
  const { Graph, layout } = await dagre();
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 48, marginx: 2, marginy: 2 });
  graph.setDefaultEdgeLabel(() => ({}));
  const add = (id, lines, kind) => graph.setNode(id, { lines, kind, width: measured(lines), height: lines.length * LINE + 14 });
  add(CAUSE, [cause], CAUSE);
  graph.node(CAUSE).height = Math.max(32, 10 * nodes.length);
  nodes.forEach((node, place) => {
    add(`n${place}`, linesOf(node), node.group);
    graph.setEdge(`n${place}`, CAUSE, { kind: node.group });
  });
  layout(graph);
  return graph;
}

function nodeShape({ x, y, width, height, lines, kind }) {
  const box = element("rect", { class: `graph-node graph-${kind}`, x: x - width / 2, y: y - height / 2, width, height, rx: 4 });
  const top = y - (lines.length * LINE) / 2 + 12;
  const texts = lines.map((line, place) => {
    const text = element("text", { class: place ? "graph-detail" : "graph-title", x, y: top + place * LINE, "text-anchor": "middle", direction: document.documentElement.dir || "ltr" });
    text.textContent = line;
    return text;
  });
  return element("g", {}, box, ...texts);
}

const pathOf = (points) => points.map(({ x, y }, place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function edgeShape({ points, kind }) {
  return element("path", { class: `graph-edge graph-${kind}`, d: pathOf(points), "marker-end": "url(#graph-arrow)" });
}

function arrow() {
  const tip = element("path", { class: "graph-tip", d: "M0 0 8 4 0 8Z" });
  return element("defs", {}, element("marker", { id: "graph-arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" }, tip));
}

function picture(graph, label) {
  const { width, height } = graph.graph();
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, arrow());
  svg.append(...graph.edges().map((edge) => edgeShape(graph.edge(edge))), ...graph.nodes().map((id) => nodeShape(graph.node(id))));
  return svg;
}

// Draws into a box; what is asked meanwhile replaces what is being laid out.
export async function draw(box, shape) {
  const turn = (box.turn = (box.turn ?? 0) + 1);
  if (!shape.nodes.length) return box.replaceChildren(box.dataset.empty);
  const graph = await laidOut(shape);
  if (turn !== box.turn) return;
  const said = shape.nodes.map((node) => `${node.title} ${node.detail}`).join(", ");
  box.replaceChildren(picture(graph, `${box.dataset.label}: ${said} → ${shape.cause}`));
}
