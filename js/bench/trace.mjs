// What a trace of Chromium says of the main thread of a page under measurement.

// With few categories, so that tracing costs little itself: the first one has the tasks.
export const CATEGORIES = ["disabled-by-default-devtools.timeline", "blink.user_timing"];

/** The profiler of V8, for those who want to know where the time goes; it makes everything slower. */
export const PROFILER = ["disabled-by-default-v8.cpu_profiler", "disabled-by-default-devtools.timeline", "v8", "v8.wasm", "disabled-by-default-v8.wasm.turbofan"];

/**
 * The tasks of the thread that has set the page's marks, in milliseconds since the first of those marks, and the marks.
 * @param {Buffer} text
 */
export function read(text) {
  const { traceEvents } = JSON.parse(text.toString());
  const ours = traceEvents.filter((e) => e.cat?.includes("blink.user_timing") && e.name.startsWith("bench:"));
  if (!ours.length) throw new Error("the trace has no mark of the page");
  const { pid, tid, ts: start } = ours[0];
  /** @type {Record<string, number>} */
  const marks = {};
  for (const e of ours) if (e.pid === pid && e.tid === tid) marks[e.name.slice(6)] = (e.ts - start) / 1000;
  const tasks = traceEvents
    .filter((e) => e.pid === pid && e.tid === tid && e.dur && e.name === "RunTask")
    .map((e) => ({ from: (e.ts - start) / 1000, ms: e.dur / 1000 }));
  return { tasks, marks };
}

/** The longest of the tasks that began in the time from … to. @returns {number} milliseconds */
export function longest(tasks, from = -Infinity, to = Infinity) {
  return Math.max(0, ...tasks.filter((t) => t.from >= from && t.from < to).map((t) => t.ms));
}
