// The host's own page, /goop/reach: the owner sees all addresses and a QR code, a visitor the one by which they
// came; and what goop doctor says where UDP does not get through.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { becomeOwner } from "./harness/chess.mjs";
import { root } from "./harness/host.mjs";
import { dropUdp, passUdp } from "./harness/network.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS } from "./harness/worlds.mjs";

for (const browser of BROWSERS) {
  for (const world of ["webtransport", "websocket"]) {
    scene(`the page that shows how the host is reached, over ${world} in ${browser}`, world, async (s) => {
      const host = await s.host({ site: "chess" });
      const owner = await becomeOwner(host, await s.peer(browser));
      assert.ok(await owner.evaluate(() => {
        const { left, top, bottom } = document.querySelector("#owner-badge").getBoundingClientRect();
        return [top - 10, bottom + 10].every((y) => document.elementFromPoint(left + 5, y)?.id === "owner-badge");
      }), "a finger that comes down beside the small badge means it");
      await owner.click(".ways-in a");
      await owner.see('[data-sees="all"]');
      const seen = await owner.evaluate(() => ({
        links: [...document.querySelectorAll("#links strong")].map((e) => e.innerText),
        large: document.querySelector("#address").href,
        code: document.querySelector("#code svg")?.getAttribute("aria-label") ?? "",
        works: document.querySelector("#works").innerText,
        state: document.querySelector("#state").innerText,
      }));
      assert.deepEqual(seen.links, [`${host.url}/`], "the harness binds one address");
      assert.equal(seen.large, `${host.url}/`);
      assert.match(seen.code, /as a QR code$/);
      assert.match(seen.works, world === "webtransport" ? /^It means the machine on which it is opened/ : /^The site works, and browsers connect over WebSocket/);
      assert.match(seen.state, world === "webtransport" ? /over WebTransport/ : /over WebSocket/);

      const visitor = await (await s.peer(browser)).open(`${host.url}/goop/reach`);
      await visitor.see("#visitor");
      assert.equal(await visitor.evaluate(() => document.querySelector("#address").href), `${host.url}/`);
      assert.equal(await visitor.evaluate(() => document.querySelectorAll("#links li").length), 0);
      assert.equal(await visitor.evaluate(() => Goop.reach().catch((e) => e.code)), "forbidden");
    });
  }
}

scene("goop doctor as a visitor, with and without UDP", "websocket", async (s) => {
  const host = await s.host({ site: "chess" });
  const doctor = (...args) => {
    const { status, stdout } = spawnSync(join(root, "bin/goop"), ["doctor", host.url, ...args], { encoding: "utf8", timeout: 60_000 });
    s.log(stdout);
    return { status, stdout };
  };
  const all = doctor();
  assert.equal(all.status, 0);
  assert.match(all.stdout, /^from this machine  yes  The site works, over WebSocket: browsers do not trust plain http/m);
  assert.match(all.stdout, /^ok    webtransport: WebTransport \(UDP port \d+ of 10\.77\.0\.1\): connected after \d+ ms/m);

  s.defer(passUdp);
  dropUdp();
  const without = doctor("--json");
  assert.equal(without.status, 0, "plain http does without UDP");
  const { ok, findings } = JSON.parse(without.stdout);
  assert.equal(ok, true);
  const of = (area) => findings.find((f) => f.area === area);
  assert.equal(of("webtransport").level, "note");
  assert.match(of("webtransport").seen, /^UDP does not get through/);
  assert.equal(of("websocket").level, "ok");

  passUdp();
  await host.kill();
  const gone = doctor();
  assert.equal(gone.status, 1);
  assert.match(gone.stdout, /^from this machine +NO +They cannot come\.$/m);
});
