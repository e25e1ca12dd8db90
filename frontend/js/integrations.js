// Connections: tested as stored or as the form has them, opened once made, their state fetched again while looked at.
import { send } from "./api.js";
import { regions } from "./app.js";
import { fields } from "./forms.js";
import { whileBusy } from "./post.js";
import "./refresh_every.js";
import { showStages } from "./stages.js";

async function test(button, url, body) {
  const box = document.getElementById(button.dataset.stagesIn);
  if (!box || "busy" in button.dataset) return;
  await whileBusy(button, async () => {
    try {
      showStages(box, await send("POST", url, body));
    } catch (error) {
      showStages(box, { success: false, message: error.message, stages: [] });
    }
  });
  regions.want([...document.querySelectorAll("[data-region][data-refresh-every]")].map((node) => node.dataset.region));
}

function trial(form) {
  const body = { integration_type: form.dataset.kind, config: fields(form).config ?? {} };
  return form.dataset.integration ? { ...body, integration_id: Number(form.dataset.integration) } : body;
}

document.addEventListener("click", (event) => {
  const stored = event.target.closest?.("[data-test-connection]");
  if (stored) test(stored, stored.dataset.testConnection);
  const settings = event.target.closest?.("[data-test-settings]");
  const form = settings?.closest("form");
  if (form) test(settings, form.dataset.probe, trial(form));
});

document.addEventListener("optria:posted", (event) => {
  const { openMade } = event.target.dataset ?? {};
  const id = event.detail?.integration?.id;
  if (openMade !== undefined && id) location.assign(`/integrations/${id}?view=browse${openMade.replace("?", "&")}`);
});

// A stored secret stands as its mask; whoever goes into the field means to replace it.
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.('[data-connection-form] input[type="password"]')) event.target.select();
});
