// One request of the data protocol: its text, with what a page may put in place of what the protocol has, and the answer.

import { GoopError } from "./error.js";
import { text } from "./json.js";
import { member } from "./member.js";

/**
 * What a page may put in place of what the data protocol has: a Date for a time, bytes for a blob.
 * @this {any} @param {string} key @param {any} value
 */
function asColumn(key, value) {
  const given = this[key];
  if (given instanceof Date) {
    if (Number.isNaN(given.getTime())) throw new GoopError("invalid_value", `"${key}" is an invalid Date`);
    return given.getTime();
  }
  const bytes = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
  if (!(bytes instanceof Uint8Array)) return value;
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

/** @param {any} body @param {string} what */
export const requestText = (body, what) => text(body, what, asColumn);

/** A request about a table; the signal of a query is the page's own. @param {string} op @param {string} table @param {any} [query] */
export function queryOf(op, table, query = {}) {
  const { signal, ...rest } = query;
  return { ...rest, op, table };
}

/** @param {any} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function request(body, signal) {
  const line = requestText(body, "the request");
  return JSON.parse(await member((b) => b.call(line), signal));
}
