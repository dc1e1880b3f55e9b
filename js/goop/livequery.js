// Live queries, Goop.data.watch: the rows of a query as the host's events leave them.

import { GoopError } from "./error.js";
import { call, failed } from "./events.js";
import { member } from "./member.js";
import { queryOf, requestText } from "./request.js";
import { losses } from "./status.js";

/** The whole result, kept up with the host's events. */
class View {
  /** @type {Map<any, any>} */
  #rows = new Map();
  #lost = -1;

  /** The whole result: at first, after a loss of the connection, and after a move, when it is told only if it is new. @param {any[]} rows */
  renew(rows) {
    const before = this.#rows;
    const moved = this.#lost === losses;
    this.#lost = losses;
    if (moved && JSON.stringify(rows) === JSON.stringify([...before.values()])) return;
    this.#rows = new Map(rows.map((row) => [row._id, row]));
    const differs = (/** @type {any} */ row) => JSON.stringify(row) !== JSON.stringify(before.get(row._id));
    return {
      rows,
      added: rows.filter((row) => !before.has(row._id)),
      changed: rows.filter((row) => before.has(row._id) && differs(row)),
      removed: [...before.values()].filter((row) => !this.#rows.has(row._id)),
      fresh: true,
    };
  }

  /** One event. @param {any} event */
  change({ added = [], changed = [], removed = [], places, order }) {
    const gone = removed.map((/** @type {any} */ id) => this.#rows.get(id));
    for (const id of removed) this.#rows.delete(id);
    for (const row of [...changed, ...added]) this.#rows.set(row._id, row);
    if (places) {
      const placed = places.map((/** @type {any} */ [id]) => this.#rows.get(id));
      for (const [id] of places) this.#rows.delete(id);
      const rows = [...this.#rows.values()];
      places.forEach((/** @type {any} */ [, at], /** @type {number} */ i) => rows.splice(at, 0, placed[i]));
      this.#rows = new Map(rows.map((row) => [row._id, row]));
    }
    if (order) this.#rows = new Map(order.map((/** @type {any} */ id) => [id, this.#rows.get(id)]));
    return { rows: [...this.#rows.values()], added, changed, removed: gone, fresh: false };
  }
}

/** @param {string} table @param {any} query @param {any} [callback] */
export async function watch(table, query, callback) {
  if (typeof query === "function") [query, callback] = [{}, query];
  if (typeof callback !== "function") throw new GoopError("invalid_value", "watch needs a function that gets the rows");
  const line = requestText(queryOf("watch", table, query), "the query");
  const view = new View();
  let stopped = false;
  /** @type {(() => void) | undefined} */
  let end;
  const stop = () => {
    if (stopped) return;
    stopped = true;
    query.signal?.removeEventListener("abort", stop);
    end?.();
  };
  query.signal?.addEventListener("abort", stop);
  try {
    await member(async (b) => {
      end = await b.watch(line, (answer, fresh) => {
        if (stopped) return;
        const a = JSON.parse(answer);
        if (a.error) return failed(a.error, `the watch of "${table}" has ended`);
        const change = fresh ? view.renew(a.rows) : view.change(a);
        if (change) call(callback, change);
      });
      if (stopped) end(); // given up while it began
    }, query.signal);
  } catch (e) {
    stop();
    throw e;
  }
  return stop;
}
