// goop.js without a browser and without the member: its surroundings are made up, and the test plays the
// member. For what depends on the script alone.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, runInThisContext } from "node:vm";
import { root } from "./host.mjs";

/** How the made-up host is reached. */
export const DESCRIPTOR = JSON.stringify({
  peer: "12D3KooWHost", webtransport: [{ url: "https://host.test:1/wt", certhashes: ["00ff"] }, { url: "https://other.test:1/wt", certhashes: ["01"] }],
});

/** A session that a page has begun. */
export class Session {
  static all = [];
  ready = new Promise(() => {});
  closed = new Promise((resolve) => (this.close = resolve));

  constructor(url, options) {
    this.url = url;
    this.options = options;
    this.closed.then(() => (this.over = true));
    Session.all.push(this);
  }
}

/**
 * Loads goop.js into this process, once, on a page of that address. Resolves with Goop and with what the member can do to it.
 * Without wasm the member cannot be loaded.
 */
export async function load(address = "http://host.test/", { wasm = true } = {}) {
  const joined = new Map(); // group id → what its frames are handed to
  let session = 0;
  let start, end;
  const bridge = {
    visible() {},
    wake() {},
    now: () => 0,
    join: async (id, options, deliver) => {
      joined.set(id, deliver);
      return ++session;
    },
    leave: async () => {},
    update: async () => {},
    call: async () => '{"role":"visitor"}',
  };
  const stubs = {
    location: new URL(address),
    history: { state: null, replaceState() {} },
    document: { visibilityState: "visible", addEventListener() {} },
    addEventListener() {},
    navigator: {},
    fetch: async (url) => new Response(String(url).endsWith("/goop/host.json") ? DESCRIPTOR : ""),
    WebTransport: Session,
    reportError: (e) => {
      throw e;
    },
    Go: class {
      importObject = {};
      run() {
        start = globalThis.goopStart;
        queueMicrotask(() => start.ready(bridge));
        return new Promise((resolve) => (end = resolve));
      }
    },
  };
  for (const [name, value] of Object.entries(stubs)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  WebAssembly.compileStreaming = async () => {
    if (!wasm) throw new Error("no wasm here");
    return {};
  };
  WebAssembly.instantiate = async () => ({});

  const assets = JSON.stringify({ wasm: "/member.wasm", exec: "data:text/javascript," });
  const text = readFileSync(join(root, "js/goop.js"), "utf8").replace("__GOOP_ASSETS__", assets);
  const run = () => runInThisContext(text, { filename: "goop.js", importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
  run();
  return {
    Goop: globalThis.Goop,
    /** Loads it once more, as a page does that has it twice. */
    again: run,
    /** What the member gives to goop.js; a test may put in more. */
    bridge,
    /** Ends the member's program. */
    end: () => end(),
    /** What goop.js has begun for it. */
    early: () => start.early,
    /** Tells what became of posted entries: [n, seq, time] or [n, error] each. */
    outcomes: (...list) => start.outcomes(JSON.stringify(list)),
    /** Tells how the connection stands, as the member does. */
    status: (status) => start.status(JSON.stringify(status)),
    /** Hands frames to a group, as the member does: many as one text. */
    deliver: (id, ...frames) => joined.get(id)(JSON.stringify(frames)),
  };
}
