// The outbox of work orders, run by node: `node --test tests/frontend/outbox.test.mjs` (make test does, where node is).
import assert from "node:assert/strict";
import test from "node:test";

import { Full, MOST, Outbox, Store } from "../../frontend/js/outbox.js";

class Memory {
  constructor() {
    this.rows = new Map();
    this.isClosed = false;
  }
  getItem(name) {
    return this.rows.get(name) ?? null;
  }
  setItem(name, text) {
    if (this.isClosed) throw new Error("QuotaExceededError");
    this.rows.set(name, text);
  }
  removeItem(name) {
    this.rows.delete(name);
  }
}

class Refused extends Error {
  constructor(status, values = {}) {
    super(`HTTP ${status}`);
    Object.assign(this, { status, version: null, retryAfter: null, ...values });
  }
}

// A server that does what it is asked once for each key, at the version that the body names.
class Server {
  constructor(version = 3) {
    Object.assign(this, { version, done: [], answers: new Map(), isAway: false, losesAnswers: 0 });
    this.send = async (method, url, body, key) => {
      if (this.isAway) throw new Refused(0);
      const answer = this.answers.get(key) ?? this.carryOut(url, body, key);
      if (this.losesAnswers > 0) {
        this.losesAnswers -= 1;
        throw new Refused(0);
      }
      return answer;
    };
  }
  carryOut(url, body, key) {
    if ("version" in body && body.version !== this.version) throw new Refused(409, { version: this.version });
    this.version += 1;
    this.done.push([url, body]);
    const answer = { work_order: { version: this.version } };
    this.answers.set(key, answer);
    return answer;
  }
}

let count = 0;
const deed = (what, body = {}, values = {}) => ({
  method: "POST", url: `/${what}`, order: 7, number: "WO-7", what, at: 0, version: 3, seen: 0, body: what === "note" ? body : { version: 3, ...body }, ...values,
});

function box(server, values = {}, memory = new Memory()) {
  return new Outbox(new Store(memory, "a"), server.send, { newKey: () => `key-${(count += 1)}`, refused: () => "wait", ...values });
}

test("what was done without a connection is sent once, in order, when it is back", async () => {
  const server = new Server();
  const outbox = box(server);
  server.isAway = true;
  outbox.add(deed("start"));
  outbox.add(deed("tick", { index: 0, done: true }));
  outbox.add(deed("note", { body: "Belt is off" }));
  outbox.add(deed("complete", { actual_hours: 2 }));
  await outbox.flush();
  assert.equal(outbox.deeds.length, 4);
  assert.equal(outbox.held.status, 0);
  server.isAway = false;
  await outbox.flush();
  assert.deepEqual(server.done.map(([url]) => url), ["/start", "/tick", "/note", "/complete"]);
  assert.deepEqual(server.done.map(([, body]) => body.version), [3, 4, undefined, 6]);
  assert.deepEqual([outbox.deeds, outbox.held], [[], null]);
});

test("an answer that got lost is asked for again with the same key, and nothing is done twice", async () => {
  const server = new Server();
  server.losesAnswers = 2;
  const outbox = box(server);
  outbox.add(deed("start"));
  outbox.add(deed("note", { body: "On it" }));
  for (let round = 0; round < 3; round += 1) await outbox.flush();
  assert.deepEqual(server.done.map(([url]) => url), ["/start", "/note"]);
  assert.equal(outbox.deeds.length, 0);
});

test("what waits is there after the page was opened again", async () => {
  const [server, memory] = [new Server(), new Memory()];
  server.losesAnswers = 1;
  const first = box(server, {}, memory);
  first.add(deed("start"));
  await first.flush();
  const second = box(server, {}, memory);
  assert.equal(second.deeds.length, 1);
  await second.flush();
  assert.equal(server.done.length, 1);
});

test("a change that somebody else made is asked about, one by one", async () => {
  const server = new Server(9);
  const asked = [];
  const outbox = box(server, { refused: (one, error) => (asked.push([one.what, error.version]), one.what === "start" ? "drop" : { version: error.version, isAsked: true }) });
  outbox.add(deed("start"));
  outbox.add(deed("complete"));
  await outbox.flush();
  assert.deepEqual(asked, [["start", 9], ["complete", 9]]);
  assert.deepEqual(server.done, [["/complete", { version: 9 }]]);
});

test("a tick that is put on a newer version by itself hides nothing from what waits behind it", async () => {
  const server = new Server(5);
  const asked = [];
  const outbox = box(server, { refused: (one, { version }) => (asked.push(one.what), one.what === "tick" ? { version } : "drop") });
  outbox.add(deed("tick", { index: 1, done: true }));
  outbox.add(deed("complete"));
  await outbox.flush();
  assert.deepEqual(asked, ["tick", "complete"]);
  assert.deepEqual(server.done.map(([url]) => url), ["/tick"]);
});

test("a note on an order that somebody else changed hides that change from the move behind it", async () => {
  const server = new Server(4);
  const asked = [];
  const outbox = box(server, { refused: (one) => (asked.push(one.what), "drop") });
  outbox.add(deed("note", { body: "Hello" }));
  outbox.add(deed("start"));
  await outbox.flush();
  assert.deepEqual(asked, ["start"]);
});

test("a dialog that was left keeps what waits, and asks nobody until it is sent again", async () => {
  const server = new Server(9);
  let asked = 0;
  const outbox = box(server, { refused: () => ((asked += 1), "wait") });
  outbox.add(deed("start"));
  await outbox.flush();
  assert.deepEqual([asked, outbox.deeds.length, outbox.held.status], [1, 1, 409]);
  await outbox.flush();
  assert.equal(asked, 2);
});

for (const [status, values] of [[500, {}], [503, {}], [429, {}], [401, {}], [409, { retryAfter: "1" }]]) {
  test(`${status} keeps a change for later and asks nobody`, async () => {
    let asked = 0;
    const outbox = box({ send: async () => { throw new Refused(status, values); } }, { refused: () => { asked += 1; } });
    outbox.add(deed("start"));
    await outbox.flush();
    assert.deepEqual([asked, outbox.deeds.length, outbox.held.status], [0, 1, status]);
  });
}

test("the last tick of a line is the one that is sent", async () => {
  const server = new Server();
  const outbox = box(server);
  for (const done of [true, false, true]) outbox.add(deed("tick", { index: 2, done }));
  outbox.add(deed("tick", { index: 3, done: true }));
  await outbox.flush();
  assert.deepEqual(server.done.map(([, body]) => [body.index, body.done]), [[2, true], [3, true]]);
});

test("what is added while others are sent is sent too", async () => {
  const server = new Server();
  const outbox = box(server);
  outbox.add(deed("start"));
  const sending = outbox.flush();
  outbox.add(deed("note", { body: "Late" }));
  await Promise.all([sending, outbox.flush()]);
  assert.deepEqual(server.done.map(([url]) => url), ["/start", "/note"]);
});

test("there is an end to what is kept", () => {
  const outbox = box(new Server());
  for (let index = 0; index < MOST; index += 1) outbox.add(deed("tick", { index, done: true }));
  assert.throws(() => outbox.add(deed("start")), Full);
  assert.equal(outbox.deeds.length, MOST);
});

test("a store that is closed, or holds something else, loses nothing of this page", async () => {
  const memory = new Memory();
  memory.rows.set("a", "{not json");
  const server = new Server();
  const outbox = box(server, {}, memory);
  assert.deepEqual(outbox.deeds, []);
  memory.isClosed = true;
  outbox.add(deed("start"));
  assert.equal(outbox.deeds.length, 1);
  await outbox.flush();
  assert.equal(server.done.length, 1);
});
