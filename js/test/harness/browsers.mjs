// Chromium (through Playwright) and Firefox (through Puppeteer and WebDriver BiDi) behind one small
// interface. A Profile is a peer of its own; its Tabs share it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

/** How long waitFor waits, in milliseconds, when it is not told. */
const WAIT = 20_000;
/** How long one evaluation may take: a page that hangs fails its test. */
const EVALUATE = 60_000;
/** How often waitFor looks. */
const POLL = 40;

const CHROMIUM_FLAGS = [
  "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const FIREFOX_PREFS = {
  "app.update.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.dns.disableIPv6": false,
  "extensions.systemAddon.update.enabled": false,
  "services.settings.server": "",
  "toolkit.telemetry.enabled": false,
};

/**
 * Starts a browser.
 * @param {"chromium" | "firefox"} name
 * @param {{log?: (line: string) => void, hub?: boolean, secure?: string, args?: string[], root?: string}} options
 *   hub runs it in the hub namespace (Chromium alone); secure is an origin such as http://10.77.0.1:80 that
 *   it takes for a secure context although it is plain HTTP, or some at one address with commas between; args are further flags (Chromium alone);
 *   root is a PEM file with the certificate of an authority that it believes as it does those of its own list
 */
export async function launch(name, { log = () => {}, hub = false, secure, args = [], root } = {}) {
  if (name === "chromium") return Chromium.launch(log, hub, secure, args, root);
  if (hub) throw new Error("Firefox is driven over TCP and so has to run where the tests do");
  return Firefox.launch(log, secure, root);
}

/** Makes a database of certificates, as both browsers have them, that trusts an authority for websites. */
function believe(root, folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync("certutil", ["-N", "-d", `sql:${folder}`, "--empty-password"]);
  execFileSync("certutil", ["-A", "-d", `sql:${folder}`, "-n", "authority of the test", "-t", "C,,", "-i", root]);
}

class Chromium {
  name = "chromium";

  static async launch(log, hub, secure, args, root) {
    const self = new Chromium();
    self.log = log;
    let executablePath = "/usr/bin/chromium";
    if (hub || root) self.folder = mkdtempSync(join(tmpdir(), "goop-chromium-"));
    if (root) believe(root, join(self.folder, ".pki/nssdb"));
    if (hub) {
      executablePath = join(self.folder, "chromium");
      writeFileSync(executablePath, '#!/bin/sh\nexec ip netns exec hub /usr/bin/chromium "$@"\n', { mode: 0o755 });
    }
    self.browser = await chromium.launch({
      executablePath,
      env: root ? { ...process.env, HOME: self.folder } : process.env,
      args: [...CHROMIUM_FLAGS, ...args, ...(secure ? [`--unsafely-treat-insecure-origin-as-secure=${secure}`] : [])],
    });
    return self;
  }

  /** A fresh profile: a peer of its own. */
  async profile(label = this.name) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 } });
    return new Profile(label, this.log, {
      tab: async () => new ChromiumTab(await context.newPage()),
      grant: (permissions, origin) => context.grantPermissions(permissions, { origin }),
      close: () => context.close(),
    });
  }

  async close() {
    await this.browser.close();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

class Firefox {
  name = "firefox";

  static async launch(log, secure, root) {
    const self = new Firefox();
    self.log = log;
    if (root) {
      self.folder = mkdtempSync(join(tmpdir(), "goop-firefox-"));
      believe(root, self.folder);
    }
    self.browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox",
      headless: true,
      ...(self.folder ? { userDataDir: self.folder } : {}),
      extraPrefsFirefox: { ...FIREFOX_PREFS, ...(secure ? { "dom.securecontext.allowlist": new URL(secure.split(",")[0]).hostname } : {}) },
    });
    return self;
  }

  async profile(label = this.name) {
    const context = await this.browser.createBrowserContext();
    return new Profile(label, this.log, {
      tab: async () => {
        // A window of its own: a tab behind another is hidden, draws no frames, and Goop takes it easy there.
        const page = await context.newPage({ type: "window" });
        await page.setViewport({ width: 1280, height: 800 });
        return new FirefoxTab(page);
      },
      close: () => context.close(),
    });
  }

  async close() {
    await this.browser.close();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One peer. What goes wrong in its pages is kept in errors. */
class Profile {
  errors = [];
  tabs = [];

  constructor(label, log, driver) {
    this.label = label;
    this.log = log;
    this.driver = driver;
  }

  /** Opens a tab, and in it a page when there is a URL. */
  async open(url) {
    const tab = await this.driver.tab();
    this.tabs.push(tab);
    const label = this.tabs.length > 1 ? `${this.label}#${this.tabs.length}` : this.label;
    tab.label = label;
    tab.onConsole((text) => {
      tab.console.push(text);
      this.log(`${label}: ${text}`);
    });
    tab.onError((error) => {
      this.errors.push(`${label}: ${error}`);
      this.log(`${label}: UNCAUGHT ${error}`);
    });
    if (url) await tab.goto(url);
    return tab;
  }

  /** Lets an origin do what the browser would ask about (Chromium alone). */
  async grant(permissions, origin) {
    await this.driver.grant(permissions, origin);
  }

  async close() {
    await this.driver.close();
  }
}

/** Firefox reports a WebSocket that it could not open, or that was cut, as if it were an error in the page. */
const CUT_SOCKET = /^(Firefox can’t establish a connection to the server at|The connection to) wss?:/;

/** And an answer of a service worker that the page gave up in the middle. */
const GIVEN_UP = /Failed to load ‘’\. A ServiceWorker intercepted the request/;

/** What both drivers have in common: most is built on evaluate. */
class Tab {
  console = [];
  label = "";

  constructor(page) {
    this.page = page;
  }

  press(key) {
    return this.page.keyboard.press(key);
  }

  async drag(from, to) {
    const [a, b] = await Promise.all([from, to].map(async (s) => (await this.page.$(s)).boundingBox()));
    await this.page.mouse.move(a.x + a.width / 2, a.y + a.height / 2);
    await this.page.mouse.down();
    await this.page.mouse.move(b.x + b.width / 2, b.y + b.height / 2, { steps: 6 });
    await this.page.mouse.up();
  }

  onConsole(fn) {
    this.page.on("console", (m) => fn(`[${m.type()}] ${m.text()}`));
  }

  onError(fn) {
    this.page.on("pageerror", (e) => {
      if (!CUT_SOCKET.test(e.message) && !GIVEN_UP.test(e.message)) fn(e.stack ?? String(e));
    });
  }

  /** Runs a function, or the text of one, in the page, and resolves with its result. */
  async evaluate(fn, ...args) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.label}: no answer within ${EVALUATE} ms from ${fn}`)), EVALUATE);
    });
    const answer = this.page.evaluate(`(${fn})(...${JSON.stringify(args)})`);
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async goto(url) {
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  async reload() {
    await this.page.reload({ waitUntil: "domcontentloaded" });
  }

  async close() {
    await this.page.close();
  }

  screenshot(path) {
    return this.page.screenshot({ path });
  }

  /** Waits until fn(...args), run in the page, is truthy, and returns that. */
  async waitFor(fn, args = [], { timeout = WAIT, what = fn.toString() } = {}) {
    const deadline = Date.now() + timeout;
    let last;
    for (;;) {
      try {
        last = await this.evaluate(fn, ...args);
        if (last) return last;
      } catch (e) {
        last = e; // the page may be on its way to another address
      }
      if (Date.now() > deadline) {
        throw new Error(`${this.label}: waited ${timeout} ms for ${what}; the last answer was ${last}; the page says:\n${await this.#body()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }

  async #body() {
    return this.evaluate(() => document.body.innerText.slice(0, 600)).catch((e) => String(e));
  }

  /** Waits for an element that can be seen. */
  async see(selector, options) {
    return this.waitFor((s) => document.querySelector(s)?.checkVisibility() ?? false, [selector], { what: `${selector} to be seen`, ...options });
  }

  /** The text of the first match, or null. */
  text(selector) {
    return this.evaluate((s) => document.querySelector(s)?.innerText ?? null, selector);
  }
}

class ChromiumTab extends Tab {
  async click(selector) {
    await this.see(selector);
    await this.page.click(selector, { timeout: WAIT });
  }

  async fill(selector, text) {
    await this.see(selector);
    await this.page.fill(selector, text);
  }

  viewport(width, height) {
    return this.page.setViewportSize({ width, height });
  }

  dark(yes) {
    return this.page.emulateMedia({ colorScheme: yes ? "dark" : "light" });
  }
}

class FirefoxTab extends Tab {
  async click(selector) {
    await this.see(selector);
    await this.page.click(selector);
  }

  async fill(selector, text) {
    await this.click(selector);
    await this.evaluate((s) => document.querySelector(s).select(), selector);
    await this.page.keyboard.type(text);
  }

  viewport(width, height) {
    return this.page.setViewport({ width, height });
  }
}
