// Header and banner: connection chip, site clock, theme, notification badge, notices.
import { formatAge } from "./format.js";
import { offsetOf } from "./site_time.js";
import { say } from "./words.js";

const $ = (selector) => document.querySelector(selector);

export function setChip(state, age, staleTags) {
  const chip = $("[data-connection]");
  if (!chip) return;
  const shown = state === "live" && staleTags ? "source-stale" : state;
  if (chip.dataset.state !== shown) {
    chip.dataset.state = shown;
    chip.querySelector('[data-part="word"]').textContent = say(`connection.${shown}`);
  }
  const text = age === null ? "" : formatAge(age);
  const node = chip.querySelector('[data-part="age"]');
  if (node.textContent !== text) node.textContent = text;
}

export function setBanner(state, since) {
  const banner = $("[data-banner]");
  if (!banner) return;
  const show = state === "offline" || state === "signed-out";
  if (banner.hidden === !show) return;
  banner.hidden = !show;
  const text = state === "signed-out" ? say("banner.signed-out") : say("banner.offline", { time: since });
  banner.querySelector('[data-part="text"]').textContent = text;
  const link = banner.querySelector('[data-part="sign-in"]');
  link.hidden = state !== "signed-out";
  link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
}

export function startClock(serverNow) {
  const clock = $("[data-clock]");
  if (!clock) return;
  const timeZone = clock.dataset.timeZone;
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const show = () => {
    const date = new Date(serverNow());
    clock.querySelector('[data-part="time"]').textContent = format.format(date);
    clock.querySelector('[data-part="offset"]').textContent = offsetOf(timeZone, date);
    clock.title = `${date.toISOString().slice(0, 19)}Z`;
  };
  show();
  setInterval(show, 1000);
}

export function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `optria_theme=${theme}; path=/; max-age=31536000; SameSite=Lax`;
}

// Ages grow while a page stays open; after a day the date stays as the server wrote it.
export function showAges(now) {
  for (const node of document.querySelectorAll("[data-since]")) {
    const seconds = (now - Number(node.dataset.since)) / 1000;
    if (seconds >= 86400) continue;
    const text = seconds < 10 ? say("time.now") : say("time.ago", { age: `\u2066${formatAge(seconds)}\u2069` });
    if (node.textContent !== text) node.textContent = text;
  }
}

export function setUnread(count) {
  for (const badge of document.querySelectorAll("[data-unread]")) {
    badge.hidden = count === 0;
    badge.textContent = count > 99 ? "99+" : String(count);
  }
}

export function notice(text, href) {
  const toast = $("[data-toast]");
  if (!toast) return;
  const node = document.createElement(href ? "a" : "span");
  if (href) {
    node.href = href;
    node.className = "link";
  }
  node.textContent = text;
  toast.replaceChildren(node);
  toast.title = text;
  toast.hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => (toast.hidden = true), 8000);
}

let alertedAt = -Infinity;

// role=alert only for a new critical incident, at most one per 10 s.
export function alertCritical(text) {
  const node = $("[data-alert]");
  if (!node || performance.now() - alertedAt < 10000) return;
  alertedAt = performance.now();
  node.textContent = text;
}
