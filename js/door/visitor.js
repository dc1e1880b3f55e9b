// Starts the visitor: the program (wasm/visitor) that takes a host's record from the door, verifies it and fetches
// the site's pages from the host itself. The page of a first visit (visit.js) and the service worker (sw.js) share this file.
"use strict";

/** @typedef {import("./globals.d.ts").Visitor} Visitor */

globalThis.goopVisitor = (() => {
  /** Where the program and Go's loader lie; the build fills it in. */
  const assets = __GOOP_DOOR__;
  const RECORD = "/goop/door/1/record";
  /** The cache of what the door gave: the program's files, and the last record. */
  const CACHE = "goop-door";
  /** What is read of a record, at most; a good one has less than half of it. */
  const RECORD_BOUND = 8 << 10;

  class DoorError extends Error {
    /** @param {string} code @param {string} message */
    constructor(code, message) {
      super(message);
      this.code = code;
    }
    get name() {
      return "GoopError"; // the program reads the code of those
    }
  }

  /** @param {Response} response @param {number} bound @returns {Promise<Uint8Array>} */
  async function bytesOf(response, bound) {
    if (Number(response.headers.get("content-length")) > bound) throw new DoorError("wrong_host", "the door's answer is too large");
    const chunks = [];
    let size = 0;
    const reader = response.body?.getReader();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      if ((size += value.length) > bound) {
        reader?.cancel().catch(() => {});
        throw new DoorError("wrong_host", "the door's answer is too large");
      }
      chunks.push(value);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** The host's record. When the door does not answer, the last one will do: whether it is good, the program finds out. */
  async function record() {
    const cache = await caches.open(CACHE).catch(() => undefined);
    const response = await fetch(RECORD, { cache: "no-store", signal: AbortSignal.timeout(8_000) }).catch(() => undefined);
    if (response?.status === 404) {
      await cache?.delete(RECORD);
      throw new DoorError("not_found", "the host is not there at the moment");
    }
    if (response?.ok && response.headers.get("content-type")?.startsWith("application/octet-stream")) {
      const bytes = await bytesOf(response, RECORD_BOUND);
      await cache?.put(RECORD, new Response(/** @type {any} */ (bytes))).catch(() => {});
      return bytes;
    }
    const last = await cache?.match(RECORD);
    if (last) return bytesOf(last, RECORD_BOUND);
    throw new DoorError("offline", "the door does not answer");
  }

  /**
   * Starts the program. It runs as long as the page or the worker; ended is called should it end by itself.
   * @param {() => Promise<Response>} load gives the program
   * @param {() => void} ended
   * @returns {Promise<Visitor>}
   */
  async function start(load, ended) {
    const module = await WebAssembly.compileStreaming(load());
    const go = new globalThis.Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    return new Promise((resolve, reject) => {
      globalThis.goopVisitorStart = { host: location.host, record, ready: resolve };
      const over = () => {
        ended();
        reject(new DoorError("internal", "the visitor ended"));
      };
      go.run(instance).then(over, over);
      delete (/** @type {any} */ (globalThis).goopVisitorStart); // run returns at the program's first wait
    });
  }

  return { assets, CACHE, DoorError, start };
})();
