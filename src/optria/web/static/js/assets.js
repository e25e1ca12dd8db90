// The register: a changed choice filters at once, and what it shows is fetched anew while somebody looks.
import { regions } from "./app.js";
import "./dialogs.js";

const form = document.querySelector("[data-filters]");
form?.addEventListener("change", (event) => event.target.localName === "select" && form.requestSubmit());

for (const node of document.querySelectorAll("[data-refresh-s]")) {
  const again = () => document.visibilityState === "visible" && regions.want([node.dataset.region]);
  setInterval(again, Number(node.dataset.refreshS) * 1000);
}
