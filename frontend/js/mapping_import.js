// Mappings from a CSV file: the server looks at it row by row; nothing is stored before that was seen.
const root = document.querySelector("[data-mapping-import]");
const words = root ? JSON.parse(root.dataset.words) : {};
const SHOWN = 500;
let checked = null;

const part = (name) => root.querySelector(`[data-part="${name}"]`);
const worded = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const file = () => part("file").files[0];

function refuse(message) {
  const error = root.querySelector("[data-error]");
  error.textContent = message;
  error.hidden = !message;
}

async function post(query) {
  const headers = { Accept: "application/json", "X-Requested-With": "optria", "Content-Type": "text/csv" };
  const response = await fetch(`${root.dataset.at}${query}`, { method: "POST", headers, body: file() });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(typeof answer?.detail === "string" ? answer.detail : `HTTP ${response.status}`);
  return answer;
}

function cell(text, name = "td") {
  const made = document.createElement(name);
  const inner = document.createElement("bdi");
  inner.dir = "auto";
  inner.textContent = text ?? "";
  made.append(inner);
  return made;
}

function what(row) {
  const made = cell(words[row.state]);
  const notes = row.state === "changed" ? [worded(words.changes, { names: row.changes.join(", ") })] : row.errors;
  for (const note of notes) {
    const line = document.createElement("span");
    line.className = "block text-cap max-w-[60ch]";
    line.dir = "auto";
    line.textContent = note;
    made.append(line);
  }
  return made;
}

function rowNode(row) {
  const made = document.createElement("tr");
  made.dataset.state = row.state;
  const line = cell(row.line);
  line.className = "num";
  made.append(line, what(row), cell(row.cells.external_tag), cell(row.cells.asset), cell(row.cells.internal_metric_name));
  return made;
}

function showRows() {
  const rows = checked.rows.filter((row) => !part("only-wrong").checked || row.state === "wrong");
  part("rows").replaceChildren(...rows.slice(0, SHOWN).map(rowNode));
  part("more").textContent = rows.length > SHOWN ? worded(words.more, { count: rows.length - SHOWN }) : "";
}

function show() {
  const { counts, ignored_columns: ignored, warnings } = checked;
  const ready = counts.new + counts.changed;
  part("summary").textContent = worded(words.summary, counts);
  part("ignored").textContent = ignored.length ? worded(words.ignored, { names: ignored.join(", ") }) : "";
  part("warnings").textContent = warnings.join(" ");
  const button = root.querySelector("[data-import-file]");
  button.disabled = ready === 0;
  const label = ready === 0 ? (counts.wrong ? words.wrong : words.nothing) : counts.wrong ? words.right : words.all;
  button.querySelector('[data-part="label"]').textContent = worded(label, { count: ready });
  part("only-wrong").checked = counts.wrong > 0;
  part("result").hidden = false;
  showRows();
}

async function busy(button, work) {
  if ("busy" in button.dataset || !file()) return part("file").focus();
  refuse("");
  button.dataset.busy = "";
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    refuse(error.message);
  } finally {
    delete button.dataset.busy;
    button.removeAttribute("aria-busy");
  }
}

async function check() {
  checked = await post("");
  show();
}

async function store() {
  checked = await post(`&store=true&skip_wrong=${checked.counts.wrong > 0}`);
  location.assign(root.dataset.then);
}

if (root) {
  root.querySelector("[data-check-file]").addEventListener("click", (event) => busy(event.currentTarget, check));
  root.querySelector("[data-import-file]").addEventListener("click", (event) => busy(event.currentTarget, store));
  part("only-wrong").addEventListener("change", showRows);
  part("file").addEventListener("change", () => {
    part("result").hidden = true;
    part("name").textContent = file()?.name ?? part("name").dataset.none;
    checked = null;
    refuse("");
  });
}
