// How fast a page gets to its group, and how long it keeps the browser busy: prints two tables. Run by
// ./build.sh bench. Cold is a browser that has never seen the site, warm is one that comes again.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Host, root } from "./harness/host.mjs";
import { SITE, WORLDS } from "./harness/worlds.mjs";

const RUNS = 20;
/** Runs with the tracer on, which makes them slower: they count for the longest task alone. */
const TRACED = 5;

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const hosts = [];
const rows = [];
try {
  for (const [world, { address, hub }] of Object.entries(WORLDS)) {
    const host = new Host({ site: SITE, address, hub });
    hosts.push(host);
    await host.start();
    const url = `${host.url}/metrics.html`;
    const runs = { cold: [], warm: [] };
    const longest = { cold: [], warm: [] };
    for (let i = 0; i < RUNS + TRACED; i++) {
      const context = await browser.newContext();
      for (const kind of ["cold", "warm"]) {
        const page = await context.newPage();
        const traced = i >= RUNS;
        if (traced) await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline"] });
        await page.goto(url);
        await page.waitForSelector("body[data-welcome]", { state: "attached" });
        if (traced) longest[kind].push(longestTask(JSON.parse((await browser.stopTracing()).toString())));
        else runs[kind].push(await page.evaluate("times"));
        await page.close();
      }
      await context.close();
    }
    for (const kind of ["cold", "warm"]) {
      rows.push({
        transport: world, visit: kind,
        "online, ms": Math.round(median(runs[kind].map((r) => r.online))),
        "welcome, ms": Math.round(median(runs[kind].map((r) => r.welcome))),
        "worst welcome, ms": Math.round(Math.max(...runs[kind].map((r) => r.welcome))),
        "longest task, ms": Math.round(median(longest[kind])),
      });
    }
  }
} finally {
  await browser.close();
  for (const host of hosts) await host.dispose();
}

/** The longest task of the page's main thread in a trace, in milliseconds. */
function longestTask({ traceEvents }) {
  const main = traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid}.${e.tid}`);
  const busy = traceEvents.filter((e) => e.name === "EvaluateScript" || e.name === "v8.compile" || e.name === "FunctionCall").map((e) => `${e.pid}.${e.tid}`);
  const page = main.find((id) => busy.includes(id));
  const tasks = traceEvents.filter((e) => `${e.pid}.${e.tid}` === page && e.dur && /RunTask$/.test(e.name));
  return Math.max(...tasks.map((e) => e.dur)) / 1000;
}

console.log(`Chromium ${browser.version()}, median of ${RUNS} visits:`);
console.table(rows);
const { go, files } = JSON.parse(readFileSync(join(root, "js/dist/build-info.json"), "utf8"));
console.log(`Sizes in bytes (${go}):`);
console.table(Object.fromEntries(Object.entries(files).map(([name, { raw, gz, br }]) => [name, { raw, gzip: gz, brotli: br }])));
