// "Verify" has the server hash the recording anew and shows its answer in place. Without this script the link
// loads the page with the answer in it.
import { regions } from "./app.js";

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-verify]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  const before = location.href;
  history.replaceState(null, "", link.getAttribute("href"));
  try {
    await regions.refresh(["seal"]);
  } finally {
    history.replaceState(null, "", before);
    link.removeAttribute("aria-busy");
  }
});
