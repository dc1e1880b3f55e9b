// Loads the member and runs it: a Go program in WebAssembly, which holds the connection.

import { GoopError } from "./error.js";
import { preconnect } from "./preconnect.js";

/** @typedef {import("../globals.d.ts").Bridge} Bridge */

const ASSETS = __GOOP_ASSETS__;

/** Fetches and compiles; a flaky network gets three tries. @param {string} url @returns {Promise<WebAssembly.Module>} */
async function compile(url) {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
      return await WebAssembly.compileStreaming(response);
    } catch (e) {
      if (attempt === 3) throw e;
      await new Promise((resolve) => setTimeout(resolve, 500 * attempt * (0.5 + Math.random())));
    }
  }
}

/** Resolves when the page has done what waits, input and painting too. A timer would rest longer in a hidden page. @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Resolves with the member's side of the bridge.
 * @param {Pick<import("../globals.d.ts").Start, "outcomes" | "status">} told what the member calls
 * @param {(cause: unknown) => void} ended what is called should it end after that
 * @returns {Promise<Bridge>}
 */
export async function load(told, ended) {
  const loading = Promise.all([compile(ASSETS.wasm), import(ASSETS.exec)]);
  const transport = new URLSearchParams(location.search).get("goop-transport") ?? "";
  const early = preconnect(transport);
  try {
    const [module] = await loading;
    const go = new globalThis.Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    await turn();
    return await new Promise((resolve, reject) => {
      let over = reject;
      globalThis.goopStart = {
        base: location.origin,
        transport,
        early,
        GoopError: /** @type {any} */ (GoopError),
        ready: (bridge) => {
          over = ended;
          resolve(bridge);
        },
        ...told,
      };
      go.run(instance).then(() => over(new Error("it ended")), (e) => over(e));
      delete (/** @type {any} */ (globalThis).goopStart); // the member has taken it: run returns at its first wait
    });
  } catch (e) {
    early.drop();
    throw e;
  }
}
