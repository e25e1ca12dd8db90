// The search of the header: results while one types, grouped; arrows choose, Enter opens. Loaded when it is first used.
import { send } from "./api.js";

const WAIT_MS = 150;
const box = document.querySelector("[data-search]");
const input = box.querySelector("input");
const list = box.querySelector('[role="listbox"]');
const state = box.querySelector('[role="status"]');
const words = JSON.parse(box.dataset.words);
const arabic = document.documentElement.lang === "ar";

let timer;
let asked = "";
let chosen = -1;

const options = () => [...list.querySelectorAll('[role="option"]')];

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function ltr(text, className) {
  const node = element("bdi", className, text);
  node.dir = "ltr";
  return node;
}

function option(item, number) {
  const link = element("a", "menu-item");
  Object.assign(link, { href: item.url, id: `found-${number}`, tabIndex: -1 });
  link.setAttribute("role", "option");
  link.setAttribute("aria-selected", "false");
  const title = element("span", "flex-1 truncate text-ink2", (arabic && item.title_ar) || item.title);
  title.dir = "auto";
  link.append(ltr(item.code, "font-medium shrink-0 max-w-[60%] truncate"), title);
  if (item.asset_code) link.append(ltr(item.asset_code, "tag-name shrink-0"));
  return link;
}

function group({ kind, items }, from) {
  const node = element("div");
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", words[kind]);
  const head = element("div", "search-kind", words[kind]);
  head.setAttribute("aria-hidden", "true");
  node.append(head, ...items.map((item, index) => option(item, from + index)));
  return node;
}

function choose(index) {
  const all = options();
  chosen = all.length ? (index + all.length) % all.length : -1;
  all.forEach((node, i) => node.setAttribute("aria-selected", String(i === chosen)));
  if (chosen < 0) input.removeAttribute("aria-activedescendant");
  else {
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  }
}

function open(isOpen) {
  box.toggleAttribute("data-results", isOpen);
  input.setAttribute("aria-expanded", String(isOpen && options().length > 0));
}

function show(groups, sentence) {
  let from = 0;
  list.replaceChildren(...groups.map((each) => {
    const node = group(each, from);
    from += each.items.length;
    return node;
  }));
  state.textContent = sentence;
  open(true);
  choose(groups.length ? 0 : -1);
}

async function find(q) {
  try {
    const { groups } = await send("GET", `/api/search?q=${encodeURIComponent(q)}`);
    if (q === asked) show(groups, groups.length ? "" : words.none.replace("%(q)s", `\u2068${q}\u2069`));
  } catch (failure) {
    if (q === asked) show([], failure.status === 0 ? failure.message : `${words.failed} ${failure.message}`);
  }
}

function typed() {
  clearTimeout(timer);
  asked = input.value.trim();
  if (asked) timer = setTimeout(find, WAIT_MS, asked);
  else open(false);
}

function close() {
  open(false);
  box.removeAttribute("data-open");
}

function pressed(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  else if (event.key === "Enter") options()[chosen]?.click();
  else if (event.key === "Escape") {
    close();
    input.blur();
  } else return;
  event.preventDefault();
}

input.addEventListener("input", typed);
input.addEventListener("keydown", pressed);
input.addEventListener("focus", () => asked && options().length && open(true));
box.querySelector("[data-search-close]").addEventListener("click", close);
document.addEventListener("pointerdown", (event) => !box.contains(event.target) && close());
box.addEventListener("focusout", (event) => event.relatedTarget && !box.contains(event.relatedTarget) && close());
if (input.value.trim()) typed();
