// A host at home, behind a router that forwards one UDP port to it: visitors of the internet come through a door.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./harness/host.mjs";
import { HOST_PORT, Household, MACHINE, NAME, PORT, ROUTER } from "./harness/household.mjs";
import { playChess } from "./harness/journey.mjs";
import { scene } from "./harness/scene.mjs";
import { Terminal } from "./harness/terminal.mjs";

const BIN = join(root, "bin/goop");

scene("a home router forwards a port, and the internet comes through the door", "webtransport", async (s) => {
  const home = await Household.start(s.log);
  s.defer(() => home.stop());
  const env = { SSL_CERT_FILE: home.ca };
  const args = ["--listen", `${MACHINE}:${HOST_PORT}`, "--door", `https://${NAME}`, "--router-port", String(PORT)];
  const host = await s.host({ site: "chess", netns: "machine", address: MACHINE, env, args });
  const at = ["--data", host.data];
  const { door } = JSON.parse(execFileSync(BIN, ["status", "--json", ...at], { encoding: "utf8" }));
  assert.deepEqual([door.reach, door.router, door.problem], ["everybody", `${ROUTER}:${PORT}`, undefined]);
  const url = new URL(door.page).origin;
  home.named(new URL(url).hostname);

  /** By which way a native member in a namespace comes in. */
  const member = async (...prefix) => {
    const t = new Terminal([...prefix, BIN, "watch", "--anonymous", `${url}/`, "_groups"], { env, log: s.log });
    s.defer(() => t.kill());
    await t.line((l) => l.type === "rows");
    return t.lines.find((l) => l.state === "online").transport;
  };
  assert.equal(await member("env"), "quic", "from the internet");
  assert.equal(await member("ip", "netns", "exec", "sofa"), "quic", "from the house, where the router's address leads nowhere");

  const doctor = () => {
    const { status, stdout } = spawnSync("ip", ["netns", "exec", "machine", BIN, "doctor", ...at], { encoding: "utf8", env: { ...process.env, ...env }, timeout: 60_000 });
    s.log(stdout);
    assert.equal(status, 0);
    return stdout;
  };
  assert.match(doctor(), /^on the internet +\? +Perhaps, at https:[^]*^note +door: The door sends visitors to UDP port 44\.1\.1\.3:7999 of the router\. From this machine it does not answer/m);
  home.hairpin();
  assert.match(doctor(), /^on the internet +yes +The site works at https:[^]*^ok +door: .*7999 of the router, which leads here\. WebTransport: connected/m);

  const browser = async (name) => (await s.browser(name, { root: home.ca })).peer(name);
  const { white, black } = await playChess({ host, url, a: await browser("chromium"), b: await browser("firefox") });
  for (const tab of [white, black]) {
    assert.deepEqual(await tab.evaluate(() => [location.origin, Goop.status.transport, !!navigator.serviceWorker.controller]), [url, "webtransport", true]);
    const { webtransport } = await tab.evaluate(() => fetch("/goop/host.json").then((r) => r.json()));
    assert.deepEqual(webtransport.map((w) => new URL(w.url).host), [`${ROUTER}:${PORT}`]);
  }
});
