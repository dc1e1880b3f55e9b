// Live queries, and the clock of a page that goes on by itself.

import { toast } from "./ui.js";
import { explain } from "./sentences.js";

/** Follows a query until the page is left; take gets its rows, at first and after each change. */
export function follow(table, query, signal, take) {
  Goop.data.watch(table, { ...query, signal }, ({ rows }) => signal.aborted || take(rows))
    .catch((e) => signal.aborted || toast(explain(e, "follow the quiz")));
}

/** How often a countdown is looked at, in milliseconds. */
const TICK = 100;

/** Calls look again and again until the page is left. */
export function everyTick(signal, look) {
  const timer = setInterval(look, TICK);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Resolves after that many milliseconds. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
