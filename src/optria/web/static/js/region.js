// Regions: <section data-region="incident" data-refresh-on="e:incidents e:rca">.
// On such an event the page's own HTML is fetched again and the region's content is replaced.

const WAIT_MS = 120;

const policy = globalThis.trustedTypes?.createPolicy("optria-own-html", { createHTML: (html) => html }) ?? {
  createHTML: (html) => html,
};

export function parsePage(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}

export function topicsOf(node) {
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

function remember(region) {
  const active = document.activeElement;
  const inside = active && active !== region && region.contains(active);
  return {
    focus: inside ? addressOf(active, region) : null,
    typed: inside && "selectionStart" in active ? { value: active.value, start: active.selectionStart } : null,
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
  if (!kept.focus) return;
  const target = region.querySelector(kept.focus);
  if (!target) return;
  if (kept.typed && "value" in target) target.value = kept.typed.value;
  target.focus({ preventScroll: true });
  if (kept.typed?.start !== null && kept.typed !== null) {
    try { target.setSelectionRange(kept.typed.start, kept.typed.start); } catch { /* not a text field */ }
  }
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

export class Regions {
  constructor(fetchPage = (url) => fetch(url, { headers: { Accept: "text/html", "X-Region": "1" } })) {
    this.fetchPage = fetchPage;
    this.due = new Set();
    this.timer = null;
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
    if (this.due.size) this.timer ??= setTimeout(() => this.refreshDue(), WAIT_MS);
  }

  wantAll() {
    this.want([...document.querySelectorAll("[data-region][data-refresh-on]")].map((node) => node.dataset.region));
  }

  async refreshDue() {
    const names = [...this.due];
    this.due.clear();
    this.timer = null;
    await this.refresh(names);
  }

  async refresh(names) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const url = location.href;
    try {
      const response = await this.fetchPage(url);
      if (response.redirected && new URL(response.url).pathname === "/login") return this.onSignedOut();
      if (response.status === 401) return this.onSignedOut();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const page = parsePage(await response.text());
      if (url !== location.href || (turn !== this.turn && names.length === 0)) return false;
      for (const name of names) {
        const region = document.querySelector(`[data-region="${CSS.escape(name)}"]`);
        if (region) swap(region, page);
      }
      return true;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }
}
