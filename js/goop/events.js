// Events: listeners by type, of which none can stop the others, and the listeners of the page as a whole, those of Goop.on.

import { GoopError } from "./error.js";

/** A fault in somebody's listener must not stop the others, nor be lost. @param {unknown} e */
export const report = (e) => ("reportError" in globalThis ? reportError(e) : queueMicrotask(() => { throw e; }));

/** @param {(event: any) => void} fn @param {any} event */
export function call(fn, event) {
  try {
    const result = /** @type {any} */ (fn(event));
    if (result && typeof result.catch === "function") result.catch(report);
  } catch (e) {
    report(e);
  }
}

/** A set of listeners per event type. A list is never changed but replaced: an event goes to those who listened when it came. */
export class Listeners {
  /** @type {Map<string, ((event: any) => void)[]>} */
  #byType = new Map();

  /** @param {string[]} types */
  constructor(types) {
    for (const type of types) this.#byType.set(type, []);
  }

  /** @param {string} type @param {(event: any) => void} listener */
  on(type, listener) {
    const list = this.#byType.get(type);
    if (!list) throw new GoopError("invalid_value", `no event "${type}"; there are: ${[...this.#byType.keys()].join(", ")}`);
    if (typeof listener !== "function") throw new GoopError("invalid_value", `on("${type}", …) needs a function`);
    if (!list.includes(listener)) this.#byType.set(type, [...list, listener]);
    return () => void this.#byType.set(type, (this.#byType.get(type) ?? []).filter((each) => each !== listener));
  }

  /** @param {string} type @param {any} event @returns {boolean} whether anybody listened */
  emit(type, event) {
    const list = this.#byType.get(type) ?? [];
    for (const listener of list) call(listener, event);
    return list.length > 0;
  }

  /** An error that no call of the page waits for; the console has it when nobody listens. @param {GoopError} error @param {string} what */
  fail(error, what) {
    if (!this.emit("error", error)) console.warn(`Goop: ${what}:`, error.message);
  }
}

export const listeners = new Listeners(["status", "me", "error", "invited"]);

/** A fault that no call of the page waits for, as the member or the host tells it. @param {any} e @param {string} what */
export function failed(e, what) {
  listeners.fail(e instanceof GoopError ? e : new GoopError(e.code, e.message, e), what);
}
