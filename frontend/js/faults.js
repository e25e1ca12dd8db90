// Demo only: the menu that starts a fault in the simulated plant offers the kinds that fit the chosen asset,
// and lists those that act with a button to mend each.
import { send } from "./api.js";
import { say } from "./words.js";

function readable(kind) {
  const key = `fault.${kind}`;
  const word = say(key);
  return word === key ? kind.replaceAll("-", " ") : word;
}

function offer(select, kinds, asset) {
  const before = select.value;
  const fitting = kinds.filter((kind) => kind.assets.includes(asset));
  select.replaceChildren(...fitting.map((kind) => new Option(readable(kind.kind), kind.kind)));
  if (fitting.some((kind) => kind.kind === before)) select.value = before;
}

function mendButton(fault, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-secondary";
  button.textContent = say("fault.mend");
  button.setAttribute("aria-label", `${say("fault.mend")}: ${name}`);
  const data = { post: `/api/demo/faults/${encodeURIComponent(fault.id)}`, method: "DELETE", busyText: say("fault.mending") };
  Object.assign(button.dataset, data, { done: say("fault.mended") });
  return button;
}

function row(fault) {
  const line = document.createElement("li");
  line.className = "flex items-center gap-3 text-sm";
  const code = document.createElement("bdi");
  code.dir = "ltr";
  code.className = "font-semibold";
  code.textContent = fault.asset;
  const kind = document.createElement("span");
  kind.className = "flex-1";
  kind.textContent = readable(fault.kind);
  line.append(code, kind, mendButton(fault, `${fault.asset} ${readable(fault.kind)}`));
  return line;
}

export function startFaultMenu(menu) {
  if (!menu) return;
  const [kind, asset] = [menu.querySelector('[name="kind"]'), menu.querySelector('[name="asset"]')];
  const [acting, list] = [menu.querySelector("[data-faults-acting]"), menu.querySelector("[data-fault-list]")];
  const trouble = menu.querySelector("[data-faults-error]");
  let kinds = [];

  const read = async () => {
    try {
      const answer = await send("GET", "/api/demo/faults");
      kinds = answer.kinds;
      offer(kind, kinds, asset.value);
      list.replaceChildren(...answer.active.map(row));
      acting.hidden = answer.active.length === 0;
      trouble.hidden = true;
    } catch (failure) {
      trouble.textContent = failure.message;
      trouble.hidden = false;
    }
  };
  asset.addEventListener("change", () => offer(kind, kinds, asset.value));
  menu.querySelector("button").addEventListener("click", read);
  menu.addEventListener("optria:posted", read);
}
