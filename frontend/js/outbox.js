// Changes of work orders on their way to the server: kept until they are answered, sent in order, none twice.
// No page in here: a store and a way to send are handed in, so that node can test it.
//
// A deed: {key, method, url, body, order, number, what, text, at, version, seen}. `version` is the version of the order
// that the person saw; it is in the body where the change depends on it. `isTried`: it may have arrived, so its body and
// key stay. `isRebased`: it was put on a newer version without asking, because it does not touch what changed.

export const MOST = 50;

export class Full extends Error {}

// Deeds of one person in localStorage; where that is closed, as long as the page lives.
export class Store {
  constructor(storage, name) {
    Object.assign(this, { storage, name, memory: null });
  }

  read() {
    if (this.memory) return this.memory;
    try {
      const deeds = JSON.parse(this.storage.getItem(this.name) ?? "[]");
      return Array.isArray(deeds) ? deeds : [];
    } catch {
      return [];
    }
  }

  write(deeds) {
    this.memory = null;
    try {
      if (deeds.length) this.storage.setItem(this.name, JSON.stringify(deeds));
      else this.storage.removeItem(this.name);
    } catch {
      this.memory = deeds;
    }
  }
}

// No answer, or one that says "later": the deed is kept as it is.
export const isForLater = ({ status, retryAfter }) => !status || status === 401 || status === 429 || status >= 500 || Boolean(retryAfter);

const sameLine = (deed, other) => other.what === "tick" && other.order === deed.order && other.body.index === deed.body.index;

export class Outbox {
  // `refused(deed, error)` answers "drop", "wait" or {version} to try again on that version, with isAsked if a person said so.
  constructor(store, send, { newKey, refused, changed = () => {}, done = () => {}, alone = (work) => work() }) {
    Object.assign(this, { store, send, newKey, refused, changed, done, alone });
    this.running = null;
    this.isWanted = false;
    this.held = null;
  }

  get deeds() {
    return this.store.read();
  }

  add(deed) {
    const deeds = this.deeds.filter((other) => other.isTried || deed.what !== "tick" || !sameLine(deed, other));
    if (deeds.length >= MOST) throw new Full();
    this.#keep([...deeds, { key: this.newKey(), ...deed }]);
  }

  drop(key) {
    this.#keep(this.deeds.filter((deed) => deed.key !== key));
  }

  clear() {
    this.#keep([]);
  }

  #keep(deeds) {
    this.store.write(deeds);
    this.changed(deeds);
  }

  #change(key, values) {
    this.#keep(this.deeds.map((deed) => (deed.key === key ? { ...deed, ...values } : deed)));
  }

  // Sends what waits; asked again while it does, it looks again before it ends.
  flush() {
    this.isWanted = true;
    this.running ??= this.alone(() => this.#sendWanted()).finally(() => {
      this.running = null;
      return this.isWanted ? this.flush() : undefined;
    });
    return this.running;
  }

  async #sendWanted() {
    while (this.isWanted) {
      this.isWanted = false;
      while (this.deeds.length && (await this.#sendOne(this.deeds[0])));
    }
  }

  async #sendOne(deed) {
    this.#change(deed.key, { isTried: true });
    try {
      const answer = await this.send(deed.method, deed.url, deed.body, deed.key);
      this.held = null;
      this.#finish(deed, answer);
      return true;
    } catch (error) {
      if (typeof error?.status !== "number") throw error;
      return this.#answer(deed, error);
    }
  }

  #finish(deed, answer) {
    const rest = this.deeds.filter((other) => other.key !== deed.key);
    this.#keep(follows(deed, answer?.work_order?.version) ? rest.map((other) => moved(other, deed, answer.work_order.version)) : rest);
    this.done(deed, answer);
  }

  async #answer(deed, error) {
    if (isForLater(error)) return this.#hold(error);
    const verdict = await this.refused(deed, error);
    if (verdict === "wait") return this.#hold(error);
    if (verdict === "drop") this.drop(deed.key);
    else this.#change(deed.key, based(deed, verdict, this.newKey()));
    return true;
  }

  #hold(error) {
    this.held = error;
    this.isWanted = false;
    this.changed(this.deeds);
    return false;
  }
}

// Whether what waits behind a deed may take the version that it led to: nobody else changed the order in between.
function follows(deed, version) {
  if (!version || deed.isRebased) return false;
  return "version" in (deed.body ?? {}) || version === deed.version + 1;
}

function moved(other, deed, version) {
  if (other.order !== deed.order || other.isTried) return other;
  return { ...other, version, body: "version" in (other.body ?? {}) ? { ...other.body, version } : other.body };
}

// A refused request did nothing: it is made anew, with a key of its own, on the version that the order has now.
export function based(deed, { version, isAsked = false }, key) {
  return { ...deed, key, version, isTried: false, isRebased: !isAsked, body: { ...deed.body, version } };
}
