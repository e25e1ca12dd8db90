// What a form says, as the JSON of our API, and what the API says of its fields.
// A name with dots is a path: "limits.high" -> {limits: {high: …}}. data-type: number, boolean, list (one a line or
// between commas), lines, json. An empty field is left out; with data-null it is sent as null. A checkbox is true or false;
// those with data-in-list are the ticked values of one list.

const READERS = {
  number: Number,
  boolean: (text) => text === "true",
  list: (text) => text.split(/[\n,،]/).map((part) => part.trim()).filter(Boolean),
  lines: (text) => text.split("\n").map((part) => part.trim()).filter(Boolean),
  json: JSON.parse,
};

const kindOf = (input) => input.dataset.type ?? (input.type === "number" || input.dataset.number !== undefined ? "number" : "");
const isNamed = (input) => input.name && !input.matches(":disabled") && !["submit", "button", "file", "fieldset"].includes(input.type);

export function put(body, name, value) {
  const path = name.split(".");
  const last = path.pop();
  let place = body;
  for (const part of path) place = place[part] ??= {};
  place[last] = value;
}

function valueOf(input) {
  if (input.multiple) return [...input.selectedOptions].map((option) => (READERS[kindOf(input)] ?? String)(option.value));
  if (input.type === "checkbox") return input.checked;
  if (input.value === "" && input.type !== "hidden") return "null" in input.dataset ? null : undefined;
  return (READERS[kindOf(input)] ?? String)(input.value);
}

function addTo(body, input) {
  const listed = input.name.split(".").reduce((place, part) => place?.[part], body) ?? [];
  if (input.checked) listed.push((READERS[input.dataset.type] ?? String)(input.value));
  put(body, input.name, listed);
}

export function fields(form) {
  const body = {};
  for (const input of [...form.elements].filter(isNamed)) {
    if (input.type === "radio" && !input.checked) continue;
    if ("inList" in input.dataset) {
      addTo(body, input);
      continue;
    }
    const value = valueOf(input);
    if (value !== undefined) put(body, input.name, value);
  }
  return body;
}

function fillOne(input, value) {
  if (input.type === "checkbox") input.checked = Boolean(value);
  else if (input.type === "radio") input.checked = input.value === String(value);
  else if (input.multiple) [...input.options].forEach((option) => { option.selected = (value ?? []).map(String).includes(option.value); });
  else if (kindOf(input) === "json" && typeof value !== "string") input.value = JSON.stringify(value, null, 2);
  else input.value = Array.isArray(value) ? value.join("\n") : value ?? "";
}

// Writes values into a form, by the same names; what is not named stays.
export function fill(form, values) {
  for (const input of [...form.elements].filter((one) => one.name)) {
    const value = input.name.split(".").reduce((place, part) => place?.[part], values);
    if (value !== undefined) fillOne(input, value);
  }
}

export function clearFieldErrors(form) {
  for (const note of form.querySelectorAll?.("[data-field-error]") ?? []) note.remove();
  for (const input of form.querySelectorAll?.("[aria-invalid]") ?? []) input.removeAttribute("aria-invalid");
}

// Says each refusal under its field; false when one has no field here, so that it is said elsewhere.
export function showFieldErrors(form, refusals) {
  if (form.localName !== "form" || !refusals?.length) return false;
  const placed = refusals.map(({ name, message }) => ({ input: form.elements.namedItem(name), message }));
  if (placed.some(({ input }) => !input?.closest)) return false;
  for (const { input, message } of placed) {
    input.setAttribute("aria-invalid", "true");
    const note = document.createElement("p");
    note.className = "field-error";
    note.dataset.fieldError = "";
    note.setAttribute("role", "alert");
    note.textContent = message;
    (input.closest(".field") ?? input).append(note);
  }
  placed[0].input.focus();
  return true;
}
