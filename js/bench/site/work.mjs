// What every page under measurement does, whoever brings its messages: it notes when it was loaded and
// welcome, counts what its callback is given, and sends. All times are the page's own, in milliseconds since
// the navigation began.

/** Counts messages, and looks whether those of each sender come in its order. */
class Tally {
  constructor(count) {
    this.count = count;
    this.got = this.misordered = 0;
    this.first = this.last = 0;
    this.next = new Map();
    this.done = new Promise((resolve) => (this.finish = resolve));
  }

  /** @param {{s: number, n: number}} message the sender, and the number that it has given it */
  take({ s, n }) {
    if (this.got === 0) this.first = performance.now();
    this.got++;
    if (n !== (this.next.get(s) ?? 0)) this.misordered++;
    this.next.set(s, n + 1);
    if (this.got === this.count) {
      this.last = performance.now();
      performance.mark("bench:received");
      this.finish();
    }
  }
}

let tally;

export const bench = (globalThis.bench = {
  times: {},
  /** How often the connection was lost after the welcome. */
  lost: 0,
  /** The scripts have run, and connecting begins. */
  loaded() {
    if (bench.times.loaded !== undefined) return;
    bench.times.loaded = performance.now();
    performance.mark("bench:loaded");
  },
  /** The host knows the page, and messages flow. */
  welcome() {
    bench.times.welcome = performance.now();
    performance.mark("bench:welcome");
    console.log("bench: welcome");
  },
  /** The callback of the page. */
  got(payload) {
    tally?.take(payload);
  },
  /** From now on count messages are awaited. */
  expect(count) {
    tally = new Tally(count);
    performance.mark("bench:expect");
  },
  /** Keeps the main thread from everything, without using it, until the address is answered. */
  hold(url) {
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    request.send();
    performance.mark("bench:released");
    bench.released = performance.now();
  },
  /** What has come, when all of it has or the wait is over. */
  async received(wait) {
    await Promise.race([tally.done, new Promise((resolve) => setTimeout(resolve, wait))]);
    const { count, got, misordered, first, last } = tally;
    return { count, got, misordered, first, last, released: bench.released, lost: bench.lost };
  },
  /**
   * Sends count messages with at most window of them unacknowledged, and waits until all are acknowledged.
   * bench.post(payload), which the page brings, returns a promise of the acknowledgement.
   */
  async sendAll(count, size, window) {
    const empty = JSON.stringify({ s: 0, n: 0, x: "" }).length;
    const padding = "x".repeat(size);
    let sent = 0, acknowledged = 0;
    const first = performance.now();
    await new Promise((resolve, reject) => {
      const more = () => {
        while (sent < count && sent - acknowledged < window) {
          const n = sent++;
          const payload = { s: 0, n, x: padding.slice(0, size - empty - String(n).length + 1) };
          bench.post(payload).then(() => {
            acknowledged++;
            if (acknowledged === count) resolve();
            else if (sent - acknowledged <= window / 2) more();
          }, reject);
        }
      };
      more();
    });
    return { count, acknowledged, first, last: performance.now(), lost: bench.lost };
  },
});
