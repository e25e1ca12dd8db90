// The tags of a source: its tree, asked for a level at a time, or what a search finds; each can be mapped.
import { send } from "./api.js";
import { whileBusy } from "./post.js";

const root = document.querySelector("[data-tag-tree]");
const words = root ? JSON.parse(root.dataset.words) : {};
const mapped = new Set(root ? JSON.parse(root.dataset.mapped) : []);
const PAGE = 200;


const part = (name) => root.querySelector(`[data-part="${name}"]`);
const worded = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function icon(name) {
  const sprite = document.querySelector("svg use")?.getAttribute("href")?.split("#")[0] ?? "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const sizes = { width: 16, height: 16, fill: "none", stroke: "currentColor", "stroke-width": 1.75, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(sizes)) svg.setAttribute(key, value);
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

async function ask(query) {
  const parameters = new URLSearchParams({ limit: PAGE, ...query });
  const tenant = root.dataset.tenant ? `&${root.dataset.tenant}` : "";
  return send("GET", `${root.dataset.at}?${parameters}${tenant}`);
}

function say(text) {
  part("said").textContent = text;
}

async function guarded(work) {
  const error = root.querySelector("[data-error]");
  error.hidden = true;
  say(words.loading);
  try {
    await work();
  } catch (failure) {
    say("");
    error.textContent = failure.message;
    error.hidden = false;
  }
}

// What a dialog is filled with: the source's own unit, range and description where it tells them.
function prefill(entry) {
  const metric = (entry.name.split(/[./\\]/).pop() ?? "").replace(/\W+/g, "_").toLowerCase();
  return {
    integration_id: Number(root.dataset.integration), external_tag: entry.id, internal_metric_name: metric, asset_id: "",
    unit: entry.unit, range_low: entry.low ?? "", range_high: entry.high ?? "", description: entry.description,
    scaling_factor: 1, offset_value: 0,
  };
}

// A mapping names a node by its id, by the text in it, or by its name.
const isMapped = ({ id, name }) => [id, name, id.replace(/^(ns=\d+;)?[isgb]=/, "")].some((each) => mapped.has(each));

const pill = () => element("span", { class: "pill" }, words.mapped);

function mapButton(entry) {
  if (isMapped(entry)) return pill();
  return element("button", {
    type: "button", "data-map-tag": entry.id, class: "btn btn-secondary", "data-dialog": "mapping", "data-method-as": "POST", "data-post-to": root.dataset.mapAt,
    "data-heading": worded(words.heading, entry), "data-fill": JSON.stringify(prefill(entry)), "aria-label": worded(words.mapLabel, entry),
  }, words.map);
}

function facts(entry) {
  const range = entry.low === null || entry.high === null ? "" : `${entry.low} … ${entry.high}`;
  return [[range, entry.unit].filter(Boolean).join(" "), entry.description, entry.id === entry.name ? "" : entry.id].filter(Boolean).join(" · ");
}

function opener(entry) {
  if (!entry.has_children) return element("span", { class: "w-[28px] shrink-0" });
  const button = element("button", { type: "button", class: "icon-button", "aria-expanded": "false", "aria-label": worded(words.open, entry) }, icon("chevron-right"));
  button.addEventListener("click", () => toggle(button, entry));
  return button;
}

function node(entry) {
  const name = element("bdi", { dir: "ltr", class: entry.is_variable ? "tag-name text-ink" : "font-medium" }, entry.name);
  const about = element("span", { class: "block text-cap text-ink3" }, element("bdi", { dir: "ltr" }, facts(entry)));
  const text = element("span", { class: "grow" }, name, about);
  const row = element("div", { class: "tag-node", "data-row": "" }, opener(entry), text, ...(entry.is_variable ? [mapButton(entry)] : []));
  return element("li", {}, row);
}

function more(list, query, shown, total) {
  if (shown >= total) return;
  const button = element("button", { type: "button", class: "btn btn-ghost" }, worded(words.more, { count: total - shown }));
  button.addEventListener("click", () => guarded(async () => {
    await fill(list, query, shown);
    button.parentElement.remove();
    say("");
  }));
  list.append(element("li", {}, button));
}

async function fill(list, query, offset = 0) {
  const { entries, total } = await ask({ ...query, offset });
  list.append(...entries.map(node));
  more(list, query, offset + entries.length, total);
  return total;
}

async function toggle(button, entry) {
  const item = button.closest("li");
  const list = item.querySelector(":scope > ul");
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  button.setAttribute("aria-label", worded(open ? words.open : words.close, entry));
  if (list) list.hidden = open;
  else if (!open) await guarded(async () => {
    const made = element("ul");
    const total = await fill(made, { node: entry.id });
    item.append(made);
    say(total ? "" : words.none);
  });
}

const showTree = () => guarded(async () => {
  part("tree").replaceChildren();
  say((await fill(part("tree"), { tree: true })) ? "" : words.none);
});

const search = (text) => guarded(async () => {
  const found = element("ul");
  const total = await fill(found, { search: text });
  part("tree").replaceChildren(...found.childNodes);
  say(total ? worded(words.found, { count: total }) : words.noneFound);
});

// Mapped: said in place, so that the tree stays as it was opened.
function nowMapped(mapping) {
  mapped.add(mapping.external_tag);
  const button = root.querySelector(`[data-map-tag="${CSS.escape(mapping.external_tag)}"]`);
  if (!button) return;
  const said = pill();
  said.tabIndex = -1;
  button.replaceWith(said);
  said.focus();
}

if (root) {
  document.addEventListener("optria:posted", (event) => {
    if (event.target.matches("[data-mapping-form]") && event.detail?.mapping) nowMapped(event.detail.mapping);
  });
  root.querySelector("[data-tag-search]").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("search").trim();
    whileBusy(event.submitter ?? event.target.querySelector("button"), () => (text ? search(text) : showTree()));
  });
  root.querySelector("[data-tree-again]").addEventListener("click", showTree);
  showTree();
}
