// <section data-region="state" data-refresh-every="5">: fetched again every so many seconds while the page is looked at.
import { regions } from "./app.js";

const seconds = (node) => Number(node.dataset.refreshEvery) || 0;

function due(elapsed) {
  return [...document.querySelectorAll("[data-region][data-refresh-every]")]
    .filter((node) => seconds(node) > 0 && elapsed % seconds(node) === 0).map((node) => node.dataset.region);
}

let elapsed = 0;

setInterval(() => {
  elapsed += 1;
  const names = document.hidden || document.querySelector("dialog[open]") ? [] : due(elapsed);
  if (names.length) regions.want(names);
}, 1000);
