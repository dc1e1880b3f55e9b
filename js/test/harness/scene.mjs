// A test's surroundings: a host, browsers, a log that is shown when the test fails, and the promise
// that everything ends with it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./browsers.mjs";
import { Host } from "./host.mjs";
import { RESULTS, WORLDS } from "./worlds.mjs";

/** How long one test may take, in milliseconds. */
const TIMEOUT = 240_000;

const running = new Map();

/** The browser of that name that the tests of this file share. */
function shared(name, log) {
  if (!running.has(name)) running.set(name, launch(name, { log: (line) => running.get(name).sink(line) }));
  const browser = running.get(name);
  browser.sink = log;
  return browser;
}

after(async () => {
  for (const browser of running.values()) await (await browser).close();
});

class Scene {
  #cleanups = [];
  #profiles = [];
  lines = [];

  constructor(world) {
    this.world = world;
    this.started = Date.now();
  }

  log = (line) => {
    this.lines.push(`${String(Date.now() - this.started).padStart(6)} ${line}`);
  };

  /** Runs when the test is over, in reverse order. */
  defer(fn) {
    this.#cleanups.push(fn);
  }

  /** Starts a host in this scene's world. */
  async host(options = {}) {
    const { address, hub } = WORLDS[this.world];
    const host = new Host({ address, hub, log: this.log, ...options });
    this.defer(() => host.dispose());
    return host.start();
  }

  /** A fresh profile of a browser: a peer of its own. Pages with uncaught errors fail the test. */
  async peer(browser, label = browser) {
    return this.adopt(await (await shared(browser, this.log)).profile(label));
  }

  /** A browser of this test alone, for those that need other flags. */
  async browser(name, options) {
    const browser = await launch(name, { log: this.log, ...options });
    this.defer(() => browser.close());
    return { peer: async (label = name) => this.adopt(await browser.profile(label)) };
  }

  adopt(profile) {
    this.#profiles.push(profile);
    this.defer(() => profile.close());
    return profile;
  }

  /** Nothing went wrong in any page that nobody caught. */
  check() {
    assert.deepEqual(this.#profiles.flatMap((p) => p.errors), [], "uncaught errors in pages");
  }

  async end() {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }
}

/**
 * A test in one world.
 * @param {string} name
 * @param {string} world a key of WORLDS
 * @param {(scene: Scene) => Promise<void>} fn
 */
export function scene(name, world, fn) {
  test(`${name} (${world})`, { timeout: TIMEOUT }, async () => {
    const s = new Scene(world);
    try {
      await fn(s);
      s.check();
      if (process.env.GOOP_TEST_LOG) console.error(s.lines.join("\n"));
    } catch (e) {
      mkdirSync(RESULTS, { recursive: true });
      const file = join(RESULTS, `${name}-${world}.log`.replace(/[^\w.-]+/g, "-"));
      writeFileSync(file, `${s.lines.join("\n")}\n\n${e.stack}\n`);
      console.error(`--- ${name} (${world}), the last of ${file}:\n${s.lines.slice(-60).join("\n")}\n---`);
      throw e;
    } finally {
      await s.end();
    }
  });
}

/** The same test in every world. */
export function everywhere(name, fn) {
  for (const world of Object.keys(WORLDS)) scene(name, world, fn);
}
