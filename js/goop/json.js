// Values of JSON: what can be sent, as text, and states that are merged (RFC 7396) and frozen.

import { GoopError } from "./error.js";

/** Sets a key of a fresh object, even one that is called "__proto__". @param {any} o @param {string} k @param {any} v */
const put = (o, k, v) => Object.defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: true });

/** @param {any} v */
export const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);

/** Freezes a value of JSON all the way down: later states share it. @param {any} v @returns {any} */
export function freeze(v) {
  if (typeof v === "object" && v !== null && !Object.isFrozen(v)) {
    Object.freeze(v);
    for (const inner of Object.values(v)) freeze(inner);
  }
  return v;
}

/**
 * RFC 7396: a new, frozen object in which the patch is merged. Target is frozen, and so is then what it
 * shares with the patch.
 * @param {any} target @param {any} patch @returns {any}
 */
export function merge(target, patch) {
  if (!isObject(patch)) return freeze(patch);
  const out = {};
  if (isObject(target)) for (const [k, v] of Object.entries(target)) put(out, k, v);
  for (const [k, v] of Object.entries(patch)) {
    if (v === null) delete (/** @type {any} */ (out)[k]);
    else put(out, k, merge(Object.hasOwn(out, k) ? /** @type {any} */ (out)[k] : undefined, v));
  }
  return Object.freeze(out);
}

/**
 * The text of a value, or a refusal that says what cannot be sent.
 * @param {unknown} value @param {string} what @param {(this: any, key: string, value: any) => any} [replacer]
 */
export function text(value, what, replacer) {
  let s;
  try {
    s = JSON.stringify(value, replacer);
  } catch (e) {
    if (e instanceof GoopError) throw e;
    throw new GoopError("invalid_value", `${what} cannot be written as JSON: ${/** @type {Error} */ (e).message}`);
  }
  if (s === undefined) throw new GoopError("invalid_value", `${what} is ${typeof value}, which JSON does not have`);
  return s;
}

/** @param {unknown} value @param {string} what @returns {any} a plain copy */
export function plain(value, what) {
  if (!isObject(value)) throw new GoopError("invalid_value", `${what} has to be an object such as {label: "Ann"}`);
  return JSON.parse(text(value, what));
}
