// The report as Markdown.

const n = (x, digits = 0) => (!Number.isFinite(x) ? "–" : x.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const kb = (x) => n(x / 1000);
const mib = (x) => n(x / (1 << 20), 1);

function table(title, head, rows) {
  if (!rows.length) return "";
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [title, "", line(head), line(head.map((_, i) => (i ? "--:" : "---"))), ...rows.map(line), ""].join("\n");
}

/** A machine that is too busy for a page to answer its host in time is none to measure on. */
function lost(systems) {
  return systems.flatMap((s) => ["receive", "held", "send"].filter((key) => s[key]?.lost)
    .map((key) => `**${s.name} lost its connection ${s[key].lost} times** (${key}): the time for which it was away is in the figure.\n`));
}

export function tables(report) {
  const all = Object.values(report.systems);
  const having = (key) => all.filter((s) => s[key]);
  const { plan } = report;
  return [
    `Chromium ${report.browser}, ${report.date}; ${[...new Set(all.map((s) => s.version))].join("; ")}.`, "",
    table("Files, in kB (wasm: raw, gzip, Brotli; scripts: Brotli), and what a first visit transfers by the browser's count:",
      ["", "wasm raw", "gzip", "Brotli", "scripts", "transferred", "of that not wasm"],
      having("sizes").map((s) => [s.name, kb(s.sizes.wasm.raw), kb(s.sizes.wasm.gzip), kb(s.sizes.wasm.brotli), kb(s.sizes.scripts.brotli), ...(s.transfer ? [kb(s.transfer.total), kb(s.transfer.other)] : ["–", "–"])])),
    table(`From navigation to welcome, in ms of the page's clock, median of ${plan.runs}, alternating; loaded is when connecting begins. Settled, one after the other: after a visit that lasted until the browser had kept the compiled member:`,
      ["", "cold", "loaded", "best", "worst", "warm", "loaded", "best", "worst", "settled", "loaded", "best", "worst"],
      having("visits").map(({ name, visits: v, settled }) => [name, ...[v.cold, v.warm, settled ?? {}].flatMap((k) => [n(k.welcome), n(k.loaded), n(k.best), n(k.worst)])])),
    table(`Longest task of the main thread, in ms, while tracing, median of ${plan.traced}; a burst is ${n(plan.burst)} messages of ${plan.size} bytes as fast as one sender sends:`,
      ["", "cold load", "cold connect", "warm load", "warm connect", "burst", "4× slower: cold load", "cold connect", "warm load", "warm connect", "burst"],
      having("tasks4").map((s) => [s.name, ...[s.tasks ?? {}, s.tasks4].flatMap((t) => [t.load, t.connect, t.warmLoad, t.warmConnect, t.burst].map((x) => n(x)))])),
    table(`Messages into the page's callback, ${n(plan.count)} of ${plan.size} bytes. Live: first to last callback, while they are sent on the same processors; bound by the machine is when the page's process was idle for more than a third of that. Held: the page's main thread stood still until all were sent; from then to the last callback, so the sender is not in it (the host and the network are):`,
      ["", "live, 1/s", "sender, 1/s", "bound by", "live: 1/s of the tab's CPU", "held, 1/s", "held: 1/s of the tab's CPU", "CPU of the tab, ms", "of Chromium's others", "of the host"],
      having("receive").map(({ name, receive: r, held: h }) => [name, n(r.rate), n(r.sendRate), r.bound, n(r.perCpu),
        ...(h ? [n(h.rate), n(h.perCpu), n(h.cpu.tab), n(h.cpu.network + h.cpu.browser), n(h.cpu.host)] : ["failed", "–", "–", "–", "–"])])),
    table(`Messages out of the page, ${n(plan.out)} of ${plan.size} bytes, at most ${plan.window} unacknowledged, from the first call to the last acknowledgement:`,
      ["", "1/s", "1/s of the tab's CPU", "CPU of the tab, ms", "of Chromium's others", "of the host"],
      having("send").map(({ name, send: s }) => [name, n(s.rate), n(s.count / s.cpu.tab * 1000), n(s.cpu.tab), n(s.cpu.network + s.cpu.browser), n(s.cpu.host)])),
    ...lost(all),
    ...report.failures.map((f) => `**Failed:** ${f}\n`),
    report.emptyTab ? table(`Memory of the tab, in MiB: of its process, one second after the welcome; private is what it shares with no other. An empty tab has RSS ${mib(report.emptyTab.rss)}, private ${mib(report.emptyTab.private)}:`,
      ["", "RSS", "private", "above an empty tab", "JavaScript's heap", `private after ${n(plan.count)} messages`],
      having("memory").map((s) => [s.name, mib(s.memory.rss), mib(s.memory.private), mib(s.memory.private - report.emptyTab.private), mib(s.memory.jsHeap), s.receive ? mib(s.receive.private) : "–"])) : "",
  ].join("\n");
}
