// Goop.data: tables as a page reads and writes them.

import { watch } from "./livequery.js";
import { queryOf } from "./request.js";
import { ask } from "./role.js";

/** A page of rows, with the cursor behind it, which is no row. @param {any} answer */
const page = ({ rows, cursor }) => Object.defineProperty(rows, "cursor", { value: cursor });

/** What a writing op resolves with, of its answer. @param {string} op @param {any} answer @returns {any} */
function outcome(op, answer) {
  switch (op) {
    case "insertMany": return answer.rows;
    case "updateWhere": return answer.updated;
    case "removeWhere": return answer.removed;
    case "remove": return undefined;
    case "insert": case "update": case "increment": return answer.row;
  }
  const { id, ...rest } = answer;
  return rest;
}

/** @param {any} body @param {any} [options] */
async function write(body, options = {}) {
  if (options.key !== undefined) body.key = options.key;
  return outcome(body.op, await ask(body, options.signal));
}

export const data = {
  /** @param {string} table @param {any} [q] */
  query: async (table, q) => page(await ask(queryOf("query", table, q), q?.signal)),
  /** @param {string} table @param {any} [q] */
  async *each(table, q) {
    let after;
    do {
      const rows = await data.query(table, after === undefined ? q : { ...q, after });
      yield* rows;
      after = rows.cursor;
    } while (after !== undefined);
  },
  /** @param {string} table @param {any} id @param {any} [o] */
  get: async (table, id, o) => (await ask(queryOf("get", table, { ...o, row: id }), o?.signal)).row,
  /** @param {string} table @param {any} [q] */
  count: async (table, q) => (await ask(queryOf("count", table, q), q?.signal)).count,
  /** @param {string} table @param {any} q */
  aggregate: async (table, q) => (await ask(queryOf("aggregate", table, q), q?.signal)).rows,
  /** @param {string} table @param {any} row @param {any} [o] */
  insert: (table, row, o) => write({ op: "insert", table, values: row }, o),
  /** @param {string} table @param {any[]} rows @param {any} [o] */
  insertMany: (table, rows, o) => write({ op: "insertMany", table, rows }, o),
  /** @param {string} table @param {any} id @param {any} changes @param {any} [o] */
  update: (table, id, changes, o) => write({ op: "update", table, row: id, values: changes }, o),
  /** @param {string} table @param {any} where @param {any} changes @param {any} [o] */
  updateWhere: (table, where, changes, o) => write({ op: "updateWhere", table, where, values: changes }, o),
  /** @param {string} table @param {any} id @param {any} [o] */
  remove: (table, id, o) => write({ op: "remove", table, row: id }, o),
  /** @param {string} table @param {any} where @param {any} [o] */
  removeWhere: (table, where, o) => write({ op: "removeWhere", table, where }, o),
  /** @param {string} table @param {any} row @param {any} [o] */
  upsert: (table, row, o) => write({ op: "upsert", table, values: row, on: o?.on }, o),
  /** @param {string} table @param {any} id @param {any} amounts @param {any} [o] */
  increment: (table, id, amounts, o) => write({ op: "increment", table, row: id, values: amounts }, o),
  /** @param {readonly any[]} operations @param {any} [o] @returns {Promise<any>} */
  async batch(operations, o) {
    const ops = Array.isArray(operations) ? operations.map((each) => each?.op) : [];
    const { results } = await write({ op: "batch", operations }, o);
    return results.map((/** @type {any} */ result, /** @type {number} */ i) => outcome(ops[i], result));
  },
  /** @param {string} sql @param {any[]} [params] @param {any} [o] */
  sql: (sql, params, o) => write({ op: "sql", text: sql, params }, o),
  watch,
  tables: async () => (await ask({ op: "tables" })).tables,
  /** @param {string} table */
  schema: async (table) => (await ask({ op: "schema", table })).schema,
  /** @param {string} [table] */
  role: async (table) => ask(table === undefined ? { op: "role" } : { op: "role", table }),
};
