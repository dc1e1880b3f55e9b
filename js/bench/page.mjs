// How fast a page is, beside others that do the same work: ./build.sh bench page. docs/testing.md says what is
// measured and how. Markdown tables on the standard output; with --json the numbers in place of them, with
// --json FILE in that file beside them.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Browser } from "./chromium.mjs";
import { Goop } from "./goop.mjs";
import { emptyTab, memory, receive, send, settled, tasks, transfer, visits } from "./measure.mjs";
import { Libp2p, SocketIO } from "./peers.mjs";
import { tables } from "./tables.mjs";

// --json may stand without a file.
const args = process.argv.slice(2).flatMap((arg, i, all) => (arg === "--json" && (all[i + 1] ?? "--").startsWith("--") ? ["--json", "-"] : [arg]));
const { values: options } = parseArgs({
  args,
  options: {
    json: { type: "string" },
    smoke: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    work: { type: "string", default: "" },
    runs: { type: "string" },
  },
});

// One sends: what a second one is sent itself, of the first, is work for the same processors that the page has nothing of. The
// smoke has two, to try that too.
const plan = options.smoke
  ? { runs: 1, traced: 1, burst: 500, count: 2_000, out: 500, size: 150, window: 256, senders: 2 }
  : { runs: 20, traced: 3, burst: 10_000, count: 200_000, out: 20_000, size: 150, window: 256, senders: 1 };
if (options.runs) plan.runs = Number(options.runs);

const wanted = (list, name) => !list || list.split(",").some((w) => name.startsWith(w));
const works = (name) => wanted(options.work, name);
const progress = (text) => process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);

const systems = [new Goop("webtransport"), new Libp2p(), new Goop("websocket"), new SocketIO()].filter((s) => wanted(options.only, s.key));
if (!systems.length) throw new Error(`--only ${options.only}: there is no such system`);

const browser = await Browser.launch();
const report = { scenario: "page", browser: browser.version, date: new Date().toISOString().slice(0, 10), plan, systems: {}, failures: [] };
try {
  for (const system of systems) {
    await system.start();
    report.systems[system.key] = { name: system.name, transport: system.transport, version: system.version, sizes: system.sizes };
  }
  const of = (system) => report.systems[system.key];
  /** One measurement. Should it fail, the others still count, and in the end all has failed. */
  const measure = async (system, key, what, work) => {
    progress(`${system.name}: ${what}`);
    try {
      of(system)[key] = await work();
      if (options.json && options.json !== "-") writeFileSync(options.json, JSON.stringify(report, null, 2) + "\n");
    } catch (e) {
      report.failures.push(`${system.name}, ${what}: ${e.message}`);
      progress(report.failures.at(-1));
    }
  };
  if (works("visits")) {
    for (const system of systems) await measure(system, "transfer", "bytes", () => transfer(browser, system));
    for (const [system, times] of await visits(browser, systems, plan.runs, progress)) of(system).visits = times;
    for (const system of systems.filter((s) => s.wasm).slice(0, options.smoke ? 1 : undefined)) {
      await measure(system, "settled", "visits with the compiled member kept", () => settled(system, plan.runs));
    }
  }
  if (works("memory")) {
    report.emptyTab = await emptyTab(browser);
    for (const system of options.smoke ? systems.slice(0, 1) : systems) await measure(system, "memory", "memory", () => memory(browser, system));
  }
  const { traced: runs, burst, count, out, size, window, senders } = plan;
  for (const system of systems) {
    const first = system === systems[0]; // in the smoke, one stands for all where the instrument is the same
    if (works("tasks") && (first || !options.smoke)) {
      const tasksAt = (throttle) => () => tasks(browser, system, { runs, warm: !options.smoke, burst, size, senders: 1, throttle });
      if (!options.smoke) await measure(system, "tasks", "longest tasks", tasksAt(1));
      await measure(system, "tasks4", "longest tasks at a quarter of the speed", tasksAt(4));
    }
    if (works("receive")) {
      await measure(system, "receive", `${count} messages into the page`, () => receive(browser, system, { count, size, senders, held: false }));
      await measure(system, "held", `${count} messages that have waited for the page`, () => receive(browser, system, { count, size, senders, held: true }));
    }
    if (works("send")) await measure(system, "send", `${out} messages out of the page`, () => send(browser, system, { count: out, size, window }));
  }
} finally {
  await browser.close();
  for (const system of systems) await system.stop();
}

report.markdown = tables(report);
const text = JSON.stringify(report, null, 2) + "\n";
if (options.json !== "-") console.log(report.markdown);
else process.stdout.write(text);
if (options.json && options.json !== "-") writeFileSync(options.json, text);
if (report.failures.length) process.exitCode = 1;
