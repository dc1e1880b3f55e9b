// Chromium under measurement: visits, bytes, memory and CPU time of its processes.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CATEGORIES, read } from "./trace.mjs";

/** How long a page may take for one step, in milliseconds. */
const WAIT = 60_000;

const ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** An entry of a folder of compiled code that holds code, and not only a name, is larger, in bytes. */
const NAMED = 1024;

/**
 * A browser with a profile on the disk: others keep no compiled code. V8 keeps a member's when
 * it has optimized enough of it, 1 MB in one go, or less and then nothing for 2 s, which no page was
 * seen to come to here; so 30 kB are made enough.
 */
export class Settling {
  static async launch() {
    const self = new Settling();
    self.folder = mkdtempSync(join(tmpdir(), "goop-bench-"));
    self.profile = await chromium.launchPersistentContext(self.folder, {
      executablePath: "/usr/bin/chromium", args: [...ARGS, "--js-flags=--wasm-caching-threshold=100 --wasm-caching-timeout-ms=100 --wasm-caching-hard-threshold=30000"], viewport: { width: 1280, height: 800 },
    });
    return self;
  }

  /** Resolves when compiled code of a member is on the disk. */
  async kept() {
    const folder = join(this.folder, "Default/Code Cache/wasm");
    for (const end = Date.now() + WAIT; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (existsSync(folder) && readdirSync(folder).some((name) => name.endsWith("_0") && statSync(join(folder, name)).size > NAMED)) return;
    }
    throw new Error("the browser has kept no compiled code");
  }

  async close() {
    await this.profile.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Browser {
  static async launch() {
    const self = new Browser();
    self.browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ARGS,
    });
    self.cdp = await self.browser.newBrowserCDPSession();
    return self;
  }

  get version() {
    return this.browser.version();
  }

  /** A fresh profile, which has never seen the site. */
  profile() {
    return this.browser.newContext({ viewport: { width: 1280, height: 800 } });
  }

  close() {
    return this.browser.close();
  }

  async startTracing(more = []) {
    await this.browser.startTracing(undefined, { categories: [...CATEGORIES, ...more] });
  }

  async stopTracing() {
    return read(await this.browser.stopTracing());
  }

  /** The processes of the browser, with the CPU time that each has used, in milliseconds. */
  async processes() {
    const { processInfo } = await this.cdp.send("SystemInfo.getProcessInfo");
    return processInfo.map(({ type, id, cpuTime }) => ({ type, pid: id, cpu: cpuTime * 1000 }));
  }

  /** The process of a page: the one that has worked while the page did. */
  async renderer(page) {
    const cpus = async () => new Map((await this.processes()).filter((p) => p.type === "renderer").map((p) => [p.pid, p.cpu]));
    const before = await cpus();
    await page.evaluate("for (const end = performance.now() + 150; performance.now() < end; );");
    const used = [...(await cpus())].map(([pid, cpu]) => ({ pid, cpu: cpu - (before.get(pid) ?? 0) }));
    const { pid } = used.sort((a, b) => b.cpu - a.cpu)[0];
    return { pid, ...memory(pid) };
  }
}

/** Opens a page in a profile. What goes wrong in it fails whoever waits for it. */
export async function open(profile, url, { throttle = 1, before = async (_cdp, _page) => {} } = {}) {
  const page = await profile.newPage();
  page.faults = [];
  page.on("pageerror", (e) => page.faults.push(e.stack ?? String(e)));
  const cdp = await profile.newCDPSession(page);
  if (throttle !== 1) await cdp.send("Emulation.setCPUThrottlingRate", { rate: throttle });
  await before(cdp, page);
  // Whatever asks the page itself has a large script run in it first, in the middle of the load that is measured.
  page.welcomed = page.waitForEvent("console", { predicate: (m) => m.text() === "bench: welcome", timeout: WAIT });
  page.welcomed.catch(() => {}); // told by welcome
  await page.goto(url, { waitUntil: "commit" });
  return { page, cdp };
}

export async function welcome(page) {
  try {
    await page.welcomed;
  } catch (e) {
    throw new Error(`${page.url()} was not welcome: ${e.message}\n${page.faults.join("\n")}`);
  }
  return page.evaluate("bench.times");
}

/** Collects what a page loads, as the browser's own counters have it: headers included, compressed as it came. */
export async function countBytes(cdp) {
  const urls = new Map(), loads = [];
  cdp.on("Network.responseReceived", (e) => urls.set(e.requestId, e.response.url));
  cdp.on("Network.loadingFinished", (e) => urls.has(e.requestId) && loads.push({ url: urls.get(e.requestId), bytes: e.encodedDataLength }));
  await cdp.send("Network.enable");
  return loads;
}

/** What a process holds, in bytes: RSS counts what it shares with others, private does not. */
export function memory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, "m"))?.[1] ?? 0) * 1024;
  return { rss: kib("Rss"), private: kib("Private_Clean") + kib("Private_Dirty") };
}

/** The CPU time of a process, in milliseconds. */
export function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10; // in hundredths of a second
}
