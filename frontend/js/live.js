// The browser's end of the live protocol: one WebSocket, topics of values and of events.
// Knows nothing of the page: handlers are given per topic, time and sockets may be replaced in tests.

const HEARTBEAT_DEAD_MS = 12000;
const CHIP_AFTER_MS = 2000;
const BANNER_AFTER_MS = 12000;
const POLL_EVERY_MS = 5000;
const POLL_AFTER_FAILURES = 3;
const SIGNED_OUT = 4401;

const isEventTopic = (topic) => topic.startsWith("e:");

export function reconnectDelay(failures, random = Math.random) {
  return 250 + random() * Math.min(20000, 500 * 2 ** failures);
}

// One topic as the client sees it: where it stands, and what a message means for it.
class Subscription {
  constructor(topic, handlers) {
    this.topic = topic;
    this.handlers = [handlers];
    this.events = isEventTopic(topic);
    this.seq = null;
    this.epoch = null;
    this.waiting = true;
  }

  request() {
    this.waiting = true;
    const known = this.events && this.seq !== null;
    return known
      ? { op: "sub", topic: this.topic, since: this.seq, epoch: this.epoch }
      : { op: "sub", topic: this.topic };
  }

  // Returns false when the client must ask again: a gap, or another epoch.
  take(message) {
    if (message.op === "snap") return this.restart(message);
    if (message.op === "resume") return this.resume(message);
    if (this.waiting) return true;
    if (message.epoch !== undefined && message.epoch !== this.epoch) return false;
    return this.events ? this.takeEvents(message) : this.takeValues(message);
  }

  restart(message) {
    this.waiting = false;
    this.seq = message.seq;
    this.epoch = message.epoch ?? null;
    this.call("snap", message.data);
    return true;
  }

  resume(message) {
    this.waiting = false;
    this.epoch = message.epoch ?? this.epoch;
    const missed = this.fresh(message.data);
    this.seq = Math.max(this.seq ?? 0, message.seq ?? 0);
    if (missed.length) this.call("events", missed, true);
    return true;
  }

  takeEvents(message) {
    const fresh = this.fresh(message.data);
    if (!fresh.length) return true;
    const first = fresh[0].seq ?? message.seq;
    if (this.seq !== null && first > this.seq + 1) return false;
    this.seq = fresh[fresh.length - 1].seq ?? message.seq;
    this.call("events", fresh, false);
    return true;
  }

  takeValues(message) {
    this.seq = message.seq;
    this.call("values", message.data);
    return true;
  }

  fresh(items) {
    return (Array.isArray(items) ? items : []).filter((item) => this.seq === null || !(item.seq <= this.seq));
  }

  call(name, ...args) {
    for (const handler of this.handlers) handler[name]?.(...args);
  }
}

export class LiveConnection {
  constructor(url, options = {}) {
    this.url = url;
    this.Socket = options.Socket ?? WebSocket;
    this.now = options.now ?? (() => performance.now());
    this.random = options.random ?? Math.random;
    this.onState = options.onState ?? (() => {});
    this.onPoll = options.onPoll ?? (() => {});
    this.onReconnected = options.onReconnected ?? (() => {});
    this.subscriptions = new Map();
    this.failures = 0;
    this.socket = null;
    this.downSince = this.now();
    this.heardAt = null;
    this.signedOut = false;
    this.missed = null;
    this.lastState = "";
  }

  start() {
    this.open();
    this.ticker = setInterval(() => this.tick(), 500);
    const retry = () => this.retryNow();
    for (const [target, name] of [[window, "online"], [window, "pageshow"]]) target.addEventListener(name, retry);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && retry());
  }

  subscribe(topic, handlers) {
    const known = this.subscriptions.get(topic);
    if (known) {
      known.handlers.push(handlers);
      if (!known.events) this.ask(known);
      return;
    }
    const subscription = new Subscription(topic, handlers);
    this.subscriptions.set(topic, subscription);
    this.ask(subscription);
  }

  unsubscribe(topic) {
    if (this.subscriptions.delete(topic)) this.send({ op: "unsub", topic });
  }

  ask(subscription) {
    if (this.isOpen()) this.send(subscription.request());
  }

  isOpen() {
    return this.socket !== null && this.socket.readyState === 1;
  }

  send(message) {
    if (this.isOpen()) this.socket.send(JSON.stringify(message));
  }

  open() {
    if (this.signedOut || this.socket) return;
    clearTimeout(this.retry);
    const socket = new this.Socket(this.url);
    this.socket = socket;
    this.openedAt = this.now();
    socket.onopen = () => this.socket === socket && this.opened();
    socket.onmessage = (event) => this.socket === socket && this.frame(JSON.parse(event.data));
    socket.onclose = (event) => this.socket === socket && this.closed(event.code);
  }

  opened() {
    this.heardAt = this.now();
    this.missed = this.everHeard ? 0 : null;
    for (const subscription of this.subscriptions.values()) this.send(subscription.request());
  }

  frame(messages) {
    this.heard();
    let number = null;
    for (const message of messages) {
      if (message.op === "n") number = message.n;
      else if (message.topic) this.deliver(message);
    }
    if (number !== null) this.send({ op: "ack", n: number });
  }

  heard() {
    const wasDown = this.downSince !== null;
    this.heardAt = this.now();
    this.everHeard = true;
    this.failures = 0;
    this.downSince = null;
    clearInterval(this.poller);
    this.poller = undefined;
    if (wasDown) this.publishState();
  }

  deliver(message) {
    const subscription = this.subscriptions.get(message.topic);
    if (!subscription || message.op === "hb") return;
    if (message.op === "resume" && this.missed !== null) this.countMissed(message);
    if (!subscription.take(message)) this.ask(subscription);
  }

  countMissed(message) {
    const count = Array.isArray(message.data) ? message.data.length : 0;
    if (!count) return;
    this.missed += count;
    this.onReconnected(this.missed);
  }

  closed(code) {
    this.socket = null;
    this.downSince ??= this.now();
    if (code === SIGNED_OUT) {
      this.signedOut = true;
      this.publishState();
      return;
    }
    const delay = reconnectDelay(this.failures, this.random);
    this.failures += 1;
    if (this.failures >= POLL_AFTER_FAILURES) this.poll();
    this.retry = setTimeout(() => this.open(), delay);
    this.publishState();
  }

  poll() {
    this.poller ??= setInterval(() => this.onPoll(), POLL_EVERY_MS);
  }

  retryNow() {
    if (!this.socket) this.open();
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.closed(0);
  }

  tick() {
    const since = this.isOpen() ? this.heardAt : this.openedAt;
    if (this.socket && this.now() - since > HEARTBEAT_DEAD_MS) this.drop();
    this.publishState();
  }

  state() {
    if (this.signedOut) return "signed-out";
    if (this.downSince === null) return "live";
    const down = this.now() - this.downSince;
    if (down > BANNER_AFTER_MS) return "offline";
    return down > CHIP_AFTER_MS ? "reconnecting" : this.everHeard ? "live" : "connecting";
  }

  publishState() {
    const state = this.state();
    if (state === this.lastState) return;
    this.lastState = state;
    this.onState(state);
  }
}
