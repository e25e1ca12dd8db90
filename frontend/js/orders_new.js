// The dialog of a new work order proposes whoever is on call for the site of the asset.
import { send } from "./api.js";

const dialog = document.getElementById("new-order");
const field = (name) => dialog.querySelector(`[name="${name}"]`);
let isChosen = false;

function propose(person) {
  const option = person && [...field("assigned_to").options].find((one) => one.value === String(person.id));
  if (isChosen) return;
  field("assigned_to").value = option ? option.value : "";
  dialog.querySelector("[data-on-call]").hidden = !option;
}

async function ask() {
  const site = field("asset_id").selectedOptions[0]?.dataset.site;
  try {
    const { user, assignee } = await send("GET", `/api/on-call/now${site ? `?site_id=${site}` : ""}`);
    propose(user ?? assignee);
  } catch {
    propose(null);
  }
}

dialog?.addEventListener("optria:dialog", () => {
  isChosen = false;
  ask();
});
dialog?.addEventListener("change", (event) => {
  if (event.target.name === "asset_id") ask();
  if (event.target.name !== "assigned_to") return;
  isChosen = true;
  dialog.querySelector("[data-on-call]").hidden = true;
});
