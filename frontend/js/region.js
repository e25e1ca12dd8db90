// Regions: <section data-region="incident" data-refresh-on="e:incidents e:rca">.
// On such an event the page's own HTML is fetched again and the region's content is replaced.

const WAIT_MS = 120;
const BUSY_WAIT_MS = 500;
const AT_MOST_EVERY_MS = 1000;

const policy = globalThis.trustedTypes?.createPolicy("optria-own-html", { createHTML: (html) => html }) ?? {
  createHTML: (html) => html,
};

export function parsePage(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}

function topicsOf(node) {
  return (node.dataset.refreshOn || "").split(/\s+/).filter(Boolean);
}

function addressOf(element, root) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const key = element.dataset?.key;
  if (key) return `[data-key="${CSS.escape(key)}"]`;
  const path = [];
  for (let node = element; node && node !== root; node = node.parentElement) {
    path.unshift(`*:nth-child(${[...node.parentElement.children].indexOf(node) + 1})`);
  }
  return `:scope > ${path.join(" > ")}`;
}

const isTicked = (node) => node.type === "checkbox" || node.type === "radio";

function isChanged(node) {
  if (node.localName === "select") return [...node.options].some((option) => option.selected !== option.defaultSelected);
  return isTicked(node) ? node.checked !== node.defaultChecked : node.value !== node.defaultValue;
}

// What somebody has filled in but not sent yet.
function filledIn(region) {
  return [...region.querySelectorAll("input, textarea, select")].filter(isChanged)
    .map((node) => [addressOf(node, region), isTicked(node) ? node.checked : node.value]);
}

function fillIn(region, fields) {
  for (const [address, value] of fields) {
    const node = region.querySelector(address);
    if (node && isTicked(node)) node.checked = value;
    else if (node && "value" in node) node.value = value;
  }
}

function remember(region) {
  const active = document.activeElement;
  const inside = active && active !== region && region.contains(active);
  return {
    focus: inside ? addressOf(active, region) : null,
    caret: inside ? active.selectionStart ?? null : null,
    fields: filledIn(region),
    scrolls: [...region.querySelectorAll("[data-keep-scroll]")].map((n) => [n.dataset.keepScroll, n.scrollTop, n.scrollLeft]),
    open: [...region.querySelectorAll("details[id]")].map((n) => [n.id, n.open]),
    scroll: [region.scrollTop, region.scrollLeft],
  };
}

function restore(region, kept) {
  [region.scrollTop, region.scrollLeft] = kept.scroll;
  for (const [name, top, left] of kept.scrolls) {
    const node = region.querySelector(`[data-keep-scroll="${CSS.escape(name)}"]`);
    if (node) [node.scrollTop, node.scrollLeft] = [top, left];
  }
  for (const [id, open] of kept.open) {
    const node = document.getElementById(id);
    if (node) node.open = open;
  }
  fillIn(region, kept.fields);
  const target = kept.focus && region.querySelector(kept.focus);
  if (!target) return;
  target.focus({ preventScroll: true });
  if (kept.caret !== null) target.setSelectionRange?.(kept.caret, kept.caret);
}

const OWN_STATE = ["data-region", "data-keep-attributes", "class"];

function copyAttributes(region, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (!OWN_STATE.includes(name) && region.getAttribute(name) !== value) region.setAttribute(name, value);
  }
}

// Replaces one region by its counterpart in a freshly fetched page.
export function swap(region, page) {
  const fresh = page.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
  if (!fresh) return false;
  const kept = remember(region);
  copyAttributes(region, fresh);
  region.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  restore(region, kept);
  region.dispatchEvent(new CustomEvent("optria:region", { bubbles: true, detail: { region: region.dataset.region } }));
  return true;
}

// Where the page's own HTML is; a page that stands for another, such as an error, names one for its frame.
const source = () => document.querySelector('meta[name="optria-regions"]')?.content ?? location.href;
const find = (name) => document.querySelector(`[data-region="${CSS.escape(name)}"]`);
const isBusy = (name) => Boolean(find(name)?.querySelector("[data-busy]"));

export class Regions {
  constructor(fetchPage = (url) => fetch(url, { headers: { Accept: "text/html", "X-Region": "1" } })) {
    this.fetchPage = fetchPage;
    this.due = new Set();
    this.timer = null;
    this.fetchedAt = -Infinity;
    this.onError = () => {};
    this.onSignedOut = () => {};
  }

  topics() {
    return new Set([...document.querySelectorAll("[data-refresh-on]")].flatMap(topicsOf));
  }

  happened(topic) {
    const names = [...document.querySelectorAll("[data-refresh-on]")]
      .filter((node) => topicsOf(node).includes(topic)).map((node) => node.dataset.region);
    this.want(names);
  }

  want(names) {
    names.forEach((name) => this.due.add(name));
    const wait = Math.max(WAIT_MS, this.fetchedAt + AT_MOST_EVERY_MS - performance.now());
    if (this.due.size) this.timer ??= setTimeout(() => this.refreshDue(), wait);
  }

  wantAll() {
    this.want([...document.querySelectorAll("[data-region][data-refresh-on]")].map((node) => node.dataset.region));
  }

  // A region in which something is being sent waits until that is done.
  async refreshDue() {
    const ready = [...this.due].filter((name) => !isBusy(name));
    ready.forEach((name) => this.due.delete(name));
    this.timer = this.due.size ? setTimeout(() => this.refreshDue(), BUSY_WAIT_MS) : null;
    if (ready.length) await this.refresh(ready);
  }

  async refresh(names) {
    const url = source();
    this.fetchedAt = performance.now();
    try {
      const response = await this.fetchPage(url);
      if (response.redirected && new URL(response.url).pathname === "/login") return this.onSignedOut();
      if (response.status === 401) return this.onSignedOut();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const page = parsePage(await response.text());
      if (url !== source()) return false;
      for (const name of names) {
        if (isBusy(name)) this.want([name]);
        else if (find(name)) swap(find(name), page);
      }
      return true;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }
}
