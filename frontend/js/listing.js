// Narrows a list on the page: fields [data-filter=key] of a [data-listing], items [data-item] with data-<key>.
// State and quality are those of the live values, so the list is narrowed again as they change.
const AGAIN_EVERY_MS = 2000;
const ALARMS = ["minor", "major", "critical"];

function fits(item, wanted) {
  return Object.entries(wanted).every(([key, asked]) => {
    if (!asked) return true;
    const value = item[key] ?? "";
    if (key === "text") return asked.toLowerCase().trim().split(/\s+/).every((word) => value.includes(word));
    return asked === "alarm" ? ALARMS.includes(value) : value === asked;
  });
}

const asked = (listing) => Object.fromEntries([...listing.querySelectorAll("[data-filter]")].map((f) => [f.dataset.filter, f.value]));

function narrow(listing) {
  const wanted = asked(listing);
  const items = [...listing.querySelectorAll("[data-item]")];
  let shown = 0;
  for (const item of items) {
    const isShown = fits(item.dataset, wanted);
    if (item.hidden === isShown) item.hidden = !isShown;
    shown += Number(isShown);
  }
  const write = (selector, text) => {
    const node = listing.querySelector(selector);
    if (node && node.textContent !== text) node.textContent = text;
  };
  write("[data-shown]", String(shown));
  write("[data-all]", String(items.length));
  const none = listing.querySelector("[data-none]");
  if (none) none.hidden = shown > 0 || items.length === 0;
}

export function startListing(listing, values) {
  if (!listing) return;
  const again = () => {
    for (const item of listing.querySelectorAll("[data-item][data-tag]")) {
      const sample = values.samples.get(item.dataset.tag);
      if (sample) item.dataset.quality = String(sample.quality);
    }
    narrow(listing);
  };
  listing.addEventListener("input", () => narrow(listing));
  listing.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-clear-filters]")) return;
    for (const field of listing.querySelectorAll("[data-filter]")) field.value = "";
    narrow(listing);
    listing.querySelector("[data-filter]").focus();
  });
  document.addEventListener("optria:region", again);
  setInterval(() => document.visibilityState === "visible" && Object.values(asked(listing)).some(Boolean) && again(), AGAIN_EVERY_MS);
}
