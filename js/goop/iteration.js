// One `for await` loop over a group's events, with a bounded queue.

/** How many events may wait for a loop before the oldest are given up as a gap. */
const BOUND = 10_000;

/** It ends with the group. */
export class Iteration {
  /** @type {any[]} */
  #queue = [];
  /** Those who wait for the next event, in order. @type {((r: any) => void)[]} */
  #waiting = [];
  #ended = false;
  #stop;
  #id;

  /** @param {string} id @param {() => void} stop */
  constructor(id, stop) {
    this.#id = id;
    this.#stop = stop;
  }

  /** @param {any} event */
  push(event) {
    const next = this.#waiting.shift();
    if (next) return next({ value: event, done: false });
    this.#queue.push(event);
    if (this.#queue.length > BOUND) this.#giveUp();
  }

  /** The loop does not keep up: half of what waits becomes one gap. */
  #giveUp() {
    const lost = this.#queue.splice(0, BOUND / 2);
    const seqs = lost.flatMap((e) => (e.type === "gap" ? [e.from, e.to] : e.seq ? [e.seq] : []));
    this.#queue.unshift({ type: "gap", group: this.#id, from: seqs[0] ?? 0, to: seqs.at(-1) ?? 0 });
  }

  end() {
    this.#ended = true;
    for (const next of this.#waiting.splice(0)) next({ value: undefined, done: true });
  }

  /** @returns {Promise<IteratorResult<any>>} */
  next() {
    if (this.#queue.length) return Promise.resolve({ value: this.#queue.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** @returns {Promise<IteratorResult<any>>} */
  return() {
    this.#stop();
    this.#queue = [];
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }
}
