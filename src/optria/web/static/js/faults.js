// Demo only: the menu that starts a fault in the simulated plant offers the kinds that fit the chosen asset.
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

export function startFaultMenu(menu) {
  if (!menu) return;
  const [kind, asset] = [menu.querySelector('[name="kind"]'), menu.querySelector('[name="asset"]')];
  const active = menu.querySelector("[data-fault-active]");
  let kinds = [];

  const read = async () => {
    try {
      const answer = await send("GET", "/api/demo/faults");
      kinds = answer.kinds;
      offer(kind, kinds, asset.value);
      active.textContent = answer.active.map((fault) => `${fault.asset}: ${readable(fault.kind)}`).join("; ");
    } catch (failure) {
      active.textContent = failure.message;
    }
  };
  asset.addEventListener("change", () => offer(kind, kinds, asset.value));
  menu.querySelector("button").addEventListener("click", read);
  menu.addEventListener("optria:posted", read);
}
