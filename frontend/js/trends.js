// The flight recorder: a playhead over the trends of an incident. Drawing is the server's; this moves a line
// and reads the values under it. Keys on the slider: space plays, arrows 1 s, shift+arrows next event, Home anchor.
import { regions } from "./app.js";
import { send } from "./api.js";
import { formatValue } from "./format.js";
import { notice } from "./shell.js";
import { offsetOf } from "./site_time.js";
import { placeAt } from "./trend_data.js";
import { say } from "./words.js";

const FRESH_EVERY_MS = 10000;

const recorder = document.querySelector("[data-recorder]");
const part = (selector) => recorder.querySelector(selector);

function nextEvent(events, x, direction) {
  const beyond = events.filter((at) => (direction > 0 ? at > x + 0.05 : at < x - 0.05));
  return beyond.length ? (direction > 0 ? beyond[0] : beyond[beyond.length - 1]) : x;
}

const offsetText = (seconds) => {
  const s = Math.abs(Math.round(seconds));
  return `${seconds < 0 ? "\u2212" : "+"}${String(Math.floor(s / 60)).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}`;
};

class Playhead {
  constructor(node) {
    this.node = node;
    this.slider = part("[data-rec-slider]");
    this.start = Number(node.dataset.start);
    this.span = Number(node.dataset.end) - this.start;
    this.anchorX = Number(node.dataset.anchorX);
    this.speed = 10;
    this.x = null;
    this.data = null;
    this.clock = new Intl.DateTimeFormat("en-GB", { timeZone: node.dataset.timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }

  // Points are fetched when somebody first looks, and again while the window is still open.
  async load() {
    if (this.loading || (this.data && !("recording" in this.node.dataset))) return;
    this.loading = true;
    try {
      this.data = await send("GET", this.node.dataset.recorder);
    } catch (error) {
      notice(error.message);
    } finally {
      this.loading = false;
    }
    this.draw();
  }

  // Where the recording ends: now, while the window is open.
  end() {
    return Number(part('[data-region="recorder"]').dataset.nowX);
  }

  async moveTo(x) {
    this.x = Math.min(this.end(), Math.max(0, x));
    this.slider.value = this.x;
    this.draw();
    if (!this.data) await this.load();
  }

  // Until somebody moves it, the playhead is at the end of the recording and follows it.
  draw() {
    const x = this.x ?? this.end();
    if (this.x === null) this.slider.value = x;
    for (const line of this.node.querySelectorAll("[data-playhead]")) {
      line.setAttribute("x1", `${x / 10}%`);
      line.setAttribute("x2", `${x / 10}%`);
      line.setAttribute("visibility", "visible");
    }
    const seconds = ((x - this.anchorX) / 1000) * (this.span / 1000);
    const moment = new Date(this.start + (x / 1000) * this.span);
    for (const node of this.node.querySelectorAll("[data-rec-offset]")) node.textContent = offsetText(seconds);
    part("[data-rec-clock]").textContent = `${this.clock.format(moment)} ${offsetOf(this.node.dataset.timeZone, moment)}`;
    this.slider.setAttribute("aria-valuetext", `${offsetText(seconds)}, ${this.clock.format(moment)}`);
    if (this.x !== null) for (const track of this.data?.tracks ?? []) this.read(track);
  }

  read(track) {
    const row = this.node.querySelector(`[data-track="${track.tag}"]`);
    const node = row?.querySelector('[data-part="value"]');
    if (!node) return;
    const place = placeAt(track.x, this.x);
    node.textContent = place < 0 ? "\u2013" : formatValue(track.value[place], track.decimals);
    const state = place < 0 ? "normal" : track.state[place];
    const shape = this.node.querySelector(`template[data-glyph="${state}"]`);
    row.querySelector('[data-part="glyph"]').replaceChildren(...(shape ? [shape.content.cloneNode(true)] : []));
    node.classList.toggle("text-ink", Boolean(shape));
    node.classList.toggle("text-live", !shape);
  }

  // The button says what pressing it does next.
  showButton() {
    const button = part('[data-rec="play"]');
    const [now, before] = this.playing ? ["pause", "play"] : ["play", "pause"];
    button.setAttribute("aria-label", say(`recorder.${now}`));
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(`#${before}`, `#${now}`));
  }

  async toggle() {
    this.playing = !this.playing;
    this.showButton();
    if (!this.playing) return;
    if (this.x === null || this.x >= this.end() - 0.5) await this.moveTo(this.anchorX);
    let before = performance.now();
    const step = (now) => {
      if (!this.playing) return;
      this.moveTo(this.x + ((now - before) * this.speed * 1000) / this.span);
      before = now;
      if (this.x >= this.end()) this.toggle();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  async toEvent(here, direction) {
    if (!this.data) await this.load();
    this.moveTo(nextEvent(this.data?.events ?? [], here, direction));
  }

  key(event) {
    const second = 1000000 / this.span;
    const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const here = this.x ?? this.end();
    if (event.key === " ") this.toggle();
    else if (event.key === "Home") this.moveTo(this.anchorX);
    else if (event.key === "End") this.moveTo(this.end());
    else if (direction && event.shiftKey) this.toEvent(here, direction);
    else if (direction) this.moveTo(here + direction * second);
    else return;
    event.preventDefault();
  }
}

if (recorder) {
  const playhead = new Playhead(recorder);
  playhead.slider.addEventListener("input", () => playhead.moveTo(Number(playhead.slider.value)));
  playhead.slider.addEventListener("keydown", (event) => playhead.key(event));
  recorder.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-rec], [data-rec-at], [data-speed]");
    if (!button) return;
    if (button.dataset.recAt) playhead.moveTo(Number(button.dataset.recAt));
    if (button.dataset.rec === "start") playhead.moveTo(playhead.anchorX);
    if (button.dataset.rec === "end") playhead.moveTo(playhead.end());
    if (button.dataset.rec === "play") playhead.toggle();
    if (button.dataset.speed) {
      playhead.speed = Number(button.dataset.speed);
      for (const one of recorder.querySelectorAll("[data-speed]")) one.setAttribute("aria-pressed", String(one === button));
    }
  });
  playhead.draw();
  document.addEventListener("optria:region", () => playhead.draw());
  setInterval(() => {
    const recording = "recording" in recorder.dataset && Date.now() < Number(recorder.dataset.end) + 30000;
    if (!recording || document.visibilityState !== "visible") return;
    regions.want(["recorder", "recorder-state"]);
    if (playhead.data) playhead.load();
  }, FRESH_EVERY_MS);
}
