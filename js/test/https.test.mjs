// A host with https: pages come over it, and members over WebTransport and over WebSocket with TLS. The certificate
// is Pebble's, and the browsers verify it as they verify any other.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before } from "node:test";
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinAndListen, playChess, quietCut } from "./harness/journey.mjs";
import { cut, dropUdp, heal, passUdp } from "./harness/network.mjs";
import { launch } from "./harness/browsers.mjs";
import { root } from "./harness/host.mjs";
import { NAME, Pebble } from "./harness/pebble.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const HUB = { address: "10.77.0.1", hub: true };
const on = (tab, transport) => tab.waitFor((want) => Goop.status.transport === want, [transport], { what: transport });

const pebble = new Pebble();
/** A certificate for NAME, of a host that has got it by itself. */
const issued = { folder: "", cert: "", key: "" };

/** Waits until something answers at an address. */
async function answers(url, ok, log) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    let last;
    try {
      const res = await fetch(url, { redirect: "manual" });
      last = res.status;
      if (ok(res)) return res;
    } catch (e) {
      last = e.cause ?? e;
    }
    if (Date.now() > deadline) throw new Error(`${url}: the last answer was ${last}`);
    log?.(`${url}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A host at the usual ports that gets its certificate by itself. */
async function ownHost(s, options = {}) {
  const args = ["--listen", "10.77.0.1:443", "--listen-http", "10.77.0.1:80", "--domain", NAME, ...pebble.flags];
  const host = await s.host({ ...HUB, origin: `https://${NAME}`, args, ...options });
  const moved = await answers(`http://${NAME}/a?b`, (res) => res.status === 308, s.log);
  assert.equal(moved.headers.get("location"), `https://${NAME}/a?b`);
  return host;
}

/** Browsers that believe Pebble, which the tests of this file share. */
const browsers = new Map();

/** A fresh profile of one; pages with uncaught errors fail the test. */
async function peer(s, name, label, options = {}) {
  const id = JSON.stringify([name, options]);
  if (!browsers.has(id)) browsers.set(id, await launch(name, { root: pebble.root, log: (line) => browsers.get(id).sink(line), ...options }));
  const browser = browsers.get(id);
  browser.sink = s.log;
  return s.adopt(await browser.profile(label));
}

before(async () => {
  await pebble.start();
});

after(async () => {
  for (const browser of browsers.values()) await browser.close();
  await pebble.stop();
  if (issued.folder) rmSync(issued.folder, { recursive: true, force: true });
});

/** Keeps the certificate that a host has got. */
function keep(host) {
  if (issued.folder) return;
  const authorities = join(host.data, "certificates/certificates");
  const from = join(authorities, readdirSync(authorities)[0], NAME, NAME);
  issued.folder = mkdtempSync(join(tmpdir(), "goop-issued-"));
  for (const [kind, ext] of [["cert", "crt"], ["key", "key"]]) {
    issued[kind] = join(issued.folder, `${kind}.pem`);
    copyFileSync(`${from}.${ext}`, issued[kind]);
  }
}

/** The certificate of a host that has got it, for those that come with one of their own. */
async function certificate(s) {
  if (!issued.folder) {
    const host = await ownHost(s);
    keep(host);
    await host.stop();
  }
  return issued;
}

for (const browser of BROWSERS) {
  scene(`chess of ${browser} over https, and UDP dies in the middle`, "webtransport", async (s) => {
    s.defer(passUdp);
    const host = await ownHost(s);
    const { white, black } = await playChess({
      host, a: await peer(s, browser, "anne"), b: await peer(s, browser, "ben"),
      between: async (ply, tabs) => {
        if (ply === 1) for (const tab of Object.values(tabs)) await on(tab, "webtransport");
        if (ply === 2) dropUdp();
      },
    });
    for (const tab of [white, black]) {
      await on(tab, "websocket");
      assert.deepEqual(await tab.evaluate(() => [isSecureContext, location.origin]), [true, host.url]);
    }
    keep(host);
  });

  scene(`a quiet cut of ${browser} over https without UDP`, "websocket", async (s) => {
    s.defer(passUdp);
    dropUdp();
    const { cert, key } = await certificate(s);
    const args = ["--listen", "10.77.0.1:443", "--tls-cert", cert, "--tls-key", key];
    const host = await s.host({ ...HUB, site: SITE, origin: `https://${NAME}`, args });
    const page = await (await peer(s, browser, "page")).open(host.url);
    await on(page, "websocket");
    const other = await (await peer(s, "chromium", "other", { hub: true })).open(host.url);
    await quietCut({ page, other, cut, heal, log: s.log });
  });
}

/** The configuration of docs/operating.md for a proxy, as an operator would change it. */
function configuration(language, changes) {
  const block = new RegExp("^```" + language + "\\n([^`]*quiz\\.example\\.org[^`]*127\\.0\\.0\\.1:7780[^`]*)^```", "m");
  let text = readFileSync(join(root, "docs/operating.md"), "utf8").match(block)[1];
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(text.includes(from), `the documented configuration has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Runs a proxy in the hub until the scene ends. */
function proxy(s, command, args) {
  const child = spawn("ip", ["netns", "exec", "hub", command, ...args], { env: {
    ...process.env, HOME: s.folder, XDG_DATA_HOME: s.folder, XDG_CONFIG_HOME: s.folder,
    PATH: [process.env.PATH, ...["sbin", "bin"].map((d) => join(root, "bin/proxies/usr", d))].join(":"), // see build.sh
  } });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => s.log(`${command}: ${text.trimEnd()}`));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  s.defer(async () => {
    child.kill();
    await exited;
  });
}

const PROXIES = {
  nginx: async (s, at) => {
    const { cert, key } = await certificate(s);
    const text = configuration("nginx", {
      "quiz.example.org": NAME, "127.0.0.1:7780": at, "/etc/ssl/quiz/fullchain.pem": cert, "/etc/ssl/quiz/privkey.pem": key,
    });
    const file = join(s.folder, "nginx.conf");
    writeFileSync(file, `daemon off;\npid ${s.folder}/pid;\nerror_log stderr;\nuser root;\nevents {}\nhttp {\naccess_log off;\n` +
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((k) => `${k}_temp_path ${s.folder}/${k};\n`).join("") + `${text}\n}\n`);
    proxy(s, "nginx", ["-e", "stderr", "-c", file]);
  },
  caddy: async (s, at) => {
    // It would get a certificate of its own, but Debian's Caddy cannot read all that Pebble answers.
    const { cert, key } = await certificate(s);
    const text = configuration("", { "quiz.example.org": NAME, "reverse_proxy 127.0.0.1:7780": `tls ${cert} ${key}\n\treverse_proxy ${at}` });
    const file = join(s.folder, "Caddyfile");
    writeFileSync(file, `{\n\tadmin off\n}\n${text}`);
    proxy(s, "caddy", ["run", "--adapter", "caddyfile", "--config", file]);
  },
};

for (const [name, start] of Object.entries(PROXIES)) {
  scene(`behind ${name}, with its documented configuration`, "websocket", async (s) => {
    s.folder = mkdtempSync(join(tmpdir(), "goop-proxy-"));
    s.defer(() => rmSync(s.folder, { recursive: true, force: true }));
    const host = await s.host({ address: "127.0.0.1", hub: true, site: SITE });
    const behind = host.url.replace("http://", "");
    host.origin = `https://${NAME}`;
    await start(s, behind);
    const tabs = [];
    for (const label of ["one", "two"]) {
      const tab = await (await peer(s, "chromium", label)).open();
      for (let tries = 0; ; tries++) { // until the proxy is up
        try {
          await tab.goto(host.url);
          break;
        } catch (e) {
          if (tries === 100) throw e;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      await on(tab, "websocket");
      await tab.evaluate(joinAndListen, "room");
      tabs.push(tab);
    }
    const [one, two] = tabs;
    const told = await one.evaluate(async () => (await fetch("/goop/host.json")).json());
    assert.equal(told.websocket[0], `wss://${NAME}:443/`);
    const large = "x".repeat(50_000);
    await one.evaluate((text) => window.g.send(text), large);
    await two.evaluate(() => window.g.send("back"));
    await two.waitFor((text) => window.got.some((e) => e.payload === text), [large]);
    await one.waitFor(() => window.got.some((e) => e.payload === "back"));
  });
}
