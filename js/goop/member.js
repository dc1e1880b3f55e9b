// The page's channel to the member: calls, each of which is answered by itself, and posts, many of which cross at once.

import { GoopError } from "./error.js";
import { load } from "./loader.js";
import { rejectReady, setStatus } from "./status.js";

/** @typedef {import("../globals.d.ts").Bridge} Bridge */

/** @type {Error | undefined} */
export let fault;
/** The member's side, once it is there. @type {Bridge | undefined} */
export let bridge;
/** @type {Promise<Bridge>} */
let started;

/** What waits for an answer of the member, to be refused should it end. @type {Set<(e: Error) => void>} */
const waiting = new Set();

/** What was posted in this turn of the event loop: it goes to the member in one crossing. @type {string[]} */
let posts = [];
let lastPost = 0;
/** Those who wait for the outcomes of posts, by number. @type {Map<number, {resolve: (v: any) => void, reject: (e: unknown) => void}>} */
const posted = new Map();

/** What is called with the fault, when all who wait for the member have been refused. @type {(fault: Error) => void} */
let onFault;

/**
 * Loads the member, and tells it what becomes of the page.
 * @param {(text: string) => void} onStatus gets what it says of the connection
 * @param {(fault: Error) => void} ended is called when it has ended, or could not start
 */
export function start(onStatus, ended) {
  onFault = ended;
  started = load({ outcomes: onOutcomes, status: onStatus }, (e) => fail("Goop has stopped", e)).then(
    (b) => {
      if (fault) throw fault; // it ended at once
      bridge = b;
      b.visible(document.visibilityState !== "hidden");
      return b;
    },
    (e) => {
      fail("Goop could not start", e);
      throw fault;
    },
  );
  started.catch(() => {});

  addEventListener("online", () => bridge?.wake());
  /** @type {any} */ (navigator).connection?.addEventListener("change", () => bridge?.wake());
  addEventListener("pageshow", () => bridge?.wake());
  addEventListener("pagehide", () => bridge?.suspend());
  document.addEventListener("visibilitychange", () => bridge?.visible(document.visibilityState !== "hidden"));
}

/** The member has ended, which is a fault, or could not start: nothing works any more. @param {string} why @param {unknown} cause */
function fail(why, cause) {
  if (fault) return;
  fault = new GoopError("internal", `${why}: ${cause instanceof Error ? cause.message : cause}. Reload the page.`);
  fault.cause = cause;
  bridge = undefined;
  for (const reject of waiting) reject(fault);
  waiting.clear();
  for (const { reject } of posted.values()) reject(fault);
  posted.clear();
  setStatus({ state: "closed", error: fault });
  rejectReady(fault);
  onFault(fault);
}

/**
 * A wait for the member's answer, which a signal may end.
 * @param {AbortSignal | undefined} signal
 * @param {(resolve: (v: any) => void, reject: (e: unknown) => void) => () => void} begin begins it, and returns what forgets it
 * @returns {Promise<any>}
 */
function answer(signal, begin) {
  return new Promise((resolve, reject) => {
    if (fault) return reject(fault);
    if (!signal) return begin(resolve, reject);
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      forget();
      reject(signal.reason);
    };
    const heard = (/** @type {(v: any) => void} */ how) => (/** @type {any} */ v) => {
      signal.removeEventListener("abort", abort);
      how(v);
    };
    const forget = begin(heard(resolve), heard(reject));
    signal.addEventListener("abort", abort);
  });
}

/**
 * Hands a call to the member, once it is there.
 * @template T
 * @param {(b: Bridge) => T | Promise<T>} fn
 * @param {AbortSignal} [signal] ends the wait
 * @returns {Promise<T>}
 */
export function member(fn, signal) {
  return answer(signal, (resolve, reject) => {
    const forget = () => waiting.delete(reject);
    waiting.add(reject);
    started.then(fn).then(resolve, reject).finally(forget);
    return forget;
  });
}

/**
 * Posts an entry. The session is joined, so the member is there.
 * @param {string} entry its members, as JSON
 * @param {AbortSignal} [signal] ends the wait
 * @returns {Promise<any>}
 */
export function post(entry, signal) {
  return answer(signal, (resolve, reject) => {
    const n = ++lastPost;
    if (posts.push(`{"n":${n},${entry}}`) === 1) queueMicrotask(flushPosts);
    posted.set(n, { resolve, reject });
    return () => posted.delete(n);
  });
}

/** Has the member post. What it cannot read, for being nested too deeply, is refused by itself, and must not stop the rest. */
function flushPosts() {
  let entries = posts;
  let first = lastPost - entries.length + 1;
  posts = [];
  while (!fault && bridge && entries.length > 0) {
    const read = bridge.post(`[${entries.join(",")}]`);
    if (read >= entries.length) return;
    const waits = posted.get(first + read);
    posted.delete(first + read);
    waits?.reject(new GoopError("invalid_value", "the message is nested too deeply"));
    entries = entries.slice(read + 1);
    first += read + 1;
  }
}

/** @param {string} outcomes */
function onOutcomes(outcomes) {
  for (const [n, seq, time] of JSON.parse(outcomes)) {
    const waits = posted.get(n);
    posted.delete(n);
    if (time !== undefined) waits?.resolve({ seq, time });
    else waits?.reject(new GoopError(seq.code, seq.message, seq));
  }
}
