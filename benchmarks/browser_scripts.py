"""What the benchmarks have the page itself note: values, events, frames."""

WATCH_SOCKET = """
window.__frames = [];
const Plain = WebSocket;
window.WebSocket = class extends Plain {
  constructor(...args) {
    super(...args);
    this.addEventListener("open", () => { window.__openedAt = Date.now(); });
    this.addEventListener("message", ({ data }) => {
      if (!data.includes('"v:site')) return;
      requestAnimationFrame(() => {
        window.__firstValue ??= performance.now();
        window.__valueAt = Date.now();
      });
    });
  }
};
"""
WATCH_PAGE = """async (base) => {
  const { LiveValues } = await import(base + "/js/values.js");
  const plain = LiveValues.prototype.update;
  window.__updates = [];
  LiveValues.prototype.update = function (data) {
    const start = performance.now();
    plain.call(this, data);
    window.__updates.push([performance.now() - start, Object.keys(data || {}).length]);
  };
  window.__events = [];
  document.addEventListener("optria:events", ({ detail }) => {
    if (detail.topic !== "e:workorders") return;
    for (const item of detail.items) window.__events.push(item.entity_id);
  });
  window.__deltas = [];
  let last = null;
  const step = (now) => {
    if (last !== null) window.__deltas.push(now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
FRESH_SNAPSHOT = """([base, topic]) => new Promise(async (resolve) => {
  const { values } = await import(base + "/js/app.js");
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => socket.send(JSON.stringify({ op: "sub", topic }));
  socket.onmessage = ({ data }) => {
    const found = JSON.parse(data).find((message) => message.op === "snap" && message.topic === topic);
    if (!found) return;
    socket.close();
    const mine = Object.fromEntries(
      [...values.samples].map(([tag, s]) => [tag, [s.value, s.time, s.quality]]));
    const tags = Object.keys(found.data);
    const differing = tags.filter((tag) => JSON.stringify(found.data[tag]) !== JSON.stringify(mine[tag]));
    resolve({ tags: tags.length, differing: differing.length });
  };
})"""
