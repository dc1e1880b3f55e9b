// The measurements. Each takes a system (goop.mjs, peers.mjs) and the browser, and returns plain numbers:
// milliseconds, bytes, counts.

import { createServer } from "node:http";
import { countBytes, cpuOf, open, Settling, welcome } from "./chromium.mjs";
import { longest } from "./trace.mjs";

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long messages may stay away before a measurement has failed, in milliseconds. */
const LATE = 180_000;
/** What loads after the welcome still counts for so long. */
const AFTERWARDS = 500;

/** What a first visit transfers. */
export async function transfer(browser, system) {
  const profile = await browser.profile();
  try {
    let loads;
    const { page } = await open(profile, system.url, { before: async (cdp) => (loads = await countBytes(cdp)) });
    await welcome(page);
    await rest(AFTERWARDS);
    const sum = (list) => list.reduce((n, { bytes }) => n + bytes, 0);
    const wasm = loads.filter(({ url }) => url.includes(".wasm"));
    if (!loads.length || (system.wasm && !wasm.length)) throw new Error(`${system.name}: the browser counted no bytes`);
    return {
      wasm: sum(wasm), other: sum(loads) - sum(wasm), total: sum(loads),
      loads: loads.map(({ url, bytes }) => ({ path: new URL(url).pathname, bytes })),
    };
  } finally {
    await profile.close();
  }
}

const of = (list) => ({
  loaded: median(list.map((t) => t.loaded)), welcome: median(list.map((t) => t.welcome)), best: Math.min(...list.map((t) => t.welcome)),
  worst: Math.max(...list.map((t) => t.welcome)),
});

/** From navigation to welcome, in visits after one that stayed until the browser had kept the compiled member. */
export async function settled(system, runs) {
  const browser = await Settling.launch();
  try {
    const times = [];
    for (let i = 0; i <= runs; i++) {
      const { page } = await open(browser.profile, system.url);
      const t = await welcome(page);
      if (i === 0) await browser.kept();
      else times.push(t);
      await page.close();
    }
    return of(times);
  } finally {
    await browser.close();
  }
}

/** From navigation to welcome: a first visit, and a second one of the same profile, in turns over the systems. */
export async function visits(browser, systems, runs, progress) {
  const times = new Map(systems.map((s) => [s, { cold: [], warm: [] }]));
  for (let i = 0; i < runs; i++) {
    progress(`visits, round ${i + 1} of ${runs}`);
    for (const system of systems) {
      const profile = await browser.profile();
      try {
        for (const kind of ["cold", "warm"]) {
          const { page } = await open(profile, system.url);
          times.get(system)[kind].push(await welcome(page));
          await rest(100); // what the browser keeps for the next visit, it writes after this one
          await page.close();
        }
      } finally {
        await profile.close();
      }
    }
  }
  return new Map([...times].map(([s, { cold, warm }]) => [s, { cold: of(cold), warm: of(warm) }]));
}

/** The longest tasks of the main thread, while tracing: in load, in connecting, in a burst. Medians over runs. */
export async function tasks(browser, system, { throttle, runs, warm, burst, size, senders }) {
  const kinds = [["load", "connect"], ...(warm ? [["warmLoad", "warmConnect"]] : [])];
  /** @type {Record<string, number[]>} */
  const found = { burst: [] };
  await system.prepare(senders);
  for (let i = 0; i < runs; i++) {
    const profile = await browser.profile();
    try {
      for (const [load, connect] of kinds) {
        await browser.startTracing();
        const visit = await open(profile, system.url, { throttle });
        await welcome(visit.page);
        const { tasks, marks } = await browser.stopTracing();
        (found[load] ??= []).push(longest(tasks, -Infinity, marks.loaded));
        (found[connect] ??= []).push(longest(tasks, marks.loaded, marks.welcome));
        if (load === kinds.at(-1)[0]) found.burst.push(await burstTask(browser, system, visit.page, { burst, size }));
        await visit.page.close();
      }
    } finally {
      await profile.close();
    }
  }
  return Object.fromEntries(Object.entries(found).map(([k, list]) => [k, median(list)]));
}

async function burstTask(browser, system, page, { burst, size }) {
  await rest(300);
  await browser.startTracing();
  await page.evaluate((n) => bench.expect(n), burst);
  await system.send(burst, size, false);
  check(system, await page.evaluate((wait) => bench.received(wait), LATE));
  const { tasks, marks } = await browser.stopTracing();
  return longest(tasks, marks.expect, marks.received);
}

/** Messages into the page's callback while they are being sent; with held, all at once after they have been. */
export async function receive(browser, system, { count, size, senders, held }) {
  const profile = await browser.profile();
  let gate;
  try {
    await system.prepare(senders);
    const { page } = await open(profile, system.url);
    await welcome(page);
    await rest(300);
    await page.evaluate((n) => bench.expect(n), count);
    const before = await cpuTimes(browser, system);
    let wait;
    if (held) {
      gate = await Gate.open(system.address ?? "127.0.0.1");
      wait = page.evaluate((url) => bench.hold(url), gate.url);
      await gate.waiting;
    }
    const sent = await system.send(count, size, held);
    gate?.release();
    await wait;
    const got = check(system, await page.evaluate((ms) => bench.received(ms), LATE));
    const after = await cpuTimes(browser, system);
    const renderer = await browser.renderer(page);
    const ms = held ? got.last - got.released : got.last - got.first;
    const cpu = Object.fromEntries(Object.entries(after).map(([k, v]) => [k, Math.round(v - (before[k] ?? 0))]));
    return {
      count, size, ms, lost: got.lost, rate: count / ms * 1000, perCpu: count / cpu.tab * 1000, sendMs: sent.ms, sendRate: sent.ms ? count / sent.ms * 1000 : 0, cpu,
      bound: held ? "" : boundBy(ms, sent.ms, cpu.tab), rss: renderer.rss, private: renderer.private,
    };
  } finally {
    gate?.close();
    await profile.close();
  }
}

/** What messages waited for: a page that was done as soon as the last was sent has waited itself. */
function boundBy(ms, sendMs, tabMs) {
  if (ms < sendMs * 1.1) return "the sender";
  return tabMs > ms * 0.7 ? "the page" : "the machine";
}

/** Messages out of the page, until all are acknowledged. */
export async function send(browser, system, { count, size, window }) {
  const profile = await browser.profile();
  try {
    const { page } = await open(profile, system.url);
    await welcome(page);
    await rest(300);
    const before = await cpuTimes(browser, system);
    const got = await page.evaluate(([n, size, window]) => bench.sendAll(n, size, window), [count, size, window]);
    if (got.acknowledged !== count) throw new Error(`${system.name}: ${got.acknowledged} of ${count} messages acknowledged`);
    const after = await cpuTimes(browser, system);
    const ms = got.last - got.first;
    const cpu = Object.fromEntries(Object.entries(after).map(([k, v]) => [k, Math.round(v - (before[k] ?? 0))]));
    return { count, size, window, ms, lost: got.lost, rate: count / ms * 1000, cpu };
  } finally {
    await profile.close();
  }
}

/** What the tab's process holds a second after the welcome, and that of an empty page of the same site. */
export async function memory(browser, system) {
  const profile = await browser.profile();
  try {
    const { page, cdp } = await open(profile, system.url);
    await welcome(page);
    await rest(1000);
    await cdp.send("HeapProfiler.collectGarbage");
    const tab = await browser.renderer(page);
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    return { rss: tab.rss, private: tab.private, jsHeap: usedSize };
  } finally {
    await profile.close();
  }
}

export async function emptyTab(browser) {
  const profile = await browser.profile();
  try {
    const { page } = await open(profile, "data:text/html,<!doctype html><title>Empty</title>");
    await page.waitForLoadState();
    await rest(1000);
    const { rss, private: own } = await browser.renderer(page);
    return { rss, private: own };
  } finally {
    await profile.close();
  }
}

function check(system, got) {
  if (got.got !== got.count) throw new Error(`${system.name}: ${got.got} of ${got.count} messages came`);
  if (got.misordered) throw new Error(`${system.name}: ${got.misordered} messages came out of order`);
  return got;
}

/** CPU times in milliseconds: of the tab, of the browser's network process, of its other ones, and of the system's processes. */
async function cpuTimes(browser, system) {
  const times = { tab: 0, network: 0, browser: 0 };
  for (const { type, cpu } of await browser.processes()) {
    if (type === "renderer") times.tab += cpu;
    else if (/network|utility/i.test(type)) times.network += cpu;
    else times.browser += cpu;
  }
  for (const [name, pid] of Object.entries(system.pids)) times[name] = cpuOf(pid);
  return times;
}

/** An address that answers when it is told to: what keeps a page's main thread waiting. */
class Gate {
  static async open(address) {
    const self = new Gate();
    self.waiting = new Promise((resolve) => (self.arrived = resolve));
    self.server = createServer((_, response) => {
      self.response = response;
      self.arrived();
    });
    await new Promise((resolve) => self.server.listen(0, address, resolve));
    self.url = `http://${address}:${self.server.address().port}/`;
    return self;
  }

  release() {
    this.response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end();
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
