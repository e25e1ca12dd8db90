// The rule as the form of the editor says it: the body of the API, and its words for the graph.
const part = (row, name) => row.querySelector(`[data-part="${name}"]`);
const text = (row, name) => part(row, name)?.selectedOptions?.[0]?.textContent ?? "";

function condition(row) {
  const alternative = part(row, "or").value;
  const metric = part(row, "metric").value;
  const one = {
    metric: alternative && alternative !== metric ? `${metric}|${alternative}` : metric,
    direction: part(row, "direction").value,
    min_score: Number(part(row, "min_score").value),
  };
  if (part(row, "at").value !== "own") one.at = part(row, "at").value;
  if (!part(row, "over").value) return one;
  one.over = part(row, "over").value;
  one.ratio = Number(part(row, "ratio").value) || 1;
  if (part(row, "over_direction").value) one.over_direction = part(row, "over_direction").value;
  return one;
}

function words(row) {
  const alternative = part(row, "or").value ? ` / ${text(row, "or")}` : "";
  const over = part(row, "over").value ? ` \u2066> ${part(row, "ratio").value || 1} ×\u2069 ${text(row, "over")}` : "";
  return {
    title: `${text(row, "metric")}${alternative}`,
    detail: `${text(row, "direction")} \u2066≥ ${part(row, "min_score").value || "?"} σ\u2069${over}`,
    at: part(row, "at").value,
    place: text(row, "at"),
  };
}

const rowsOf = (form, group) => [...form.querySelectorAll(`[data-group="${group}"] [data-condition]`)];
const GROUPS = ["all", "also", "contrary"];

function causeOf(form) {
  const input = form.elements.namedItem("root_cause_category");
  const known = [...form.querySelectorAll("datalist option")].find((option) => option.value === input.value.trim());
  return known?.dataset.label ?? input.value.trim();
}

function patternOf(form) {
  const types = [...form.querySelectorAll("[data-type-choice]:checked")].map((box) => box.value);
  const groups = GROUPS.map((group) => [group, rowsOf(form, group).map(condition)]).filter(([name, rows]) => name === "all" || rows.length);
  return { ...(types.length ? { asset_types: types } : {}), ...Object.fromEntries(groups) };
}

export function ruleOf(form) {
  const value = (name) => form.elements.namedItem(name).value;
  return {
    name: value("name").trim(),
    description: value("description").trim() || null,
    pattern: patternOf(form),
    root_cause_category: causeOf(form),
    confidence: Number(value("confidence")),
    priority: Number(value("priority")) || 100,
  };
}

// What the graph shows: [{title, detail, at, place, group}] and the cause.
export function graphOf(form) {
  const nodes = GROUPS.flatMap((group) => rowsOf(form, group).map((row) => ({ ...words(row), group })));
  return { nodes, cause: form.elements.namedItem("root_cause_category").value.trim() || "?" };
}
