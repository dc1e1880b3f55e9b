// Moving between transports as the network allows it: the journeys of journey.mjs on each of them, UDP that
// dies and comes back in the middle of a game, and a change of the visitor's address.

import assert from "node:assert/strict";
import { OPERA, squares } from "./harness/chess.mjs";
import { playChess, quietCut } from "./harness/journey.mjs";
import { cut, dropUdp, heal, passUdp } from "./harness/network.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const HUB = { address: "10.77.0.1", hub: true };
const on = (tab, transport, options) => tab.waitFor((want) => Goop.status.transport === want, [transport], { what: transport, ...options });

// The same over WebTransport and over plain HTTP at a LAN address is in session.test.mjs and chess.test.mjs.
for (const browser of BROWSERS) {
  scene(`chess and a quiet cut of ${browser} where UDP is dropped`, "websocket", async (s) => {
    s.defer(passUdp);
    dropUdp();
    const host = await s.host(HUB);
    const own = await s.browser(browser, { secure: host.url });
    const { white, black } = await playChess({ host, a: await own.peer("anne"), b: await own.peer("ben") });
    for (const tab of [white, black]) await on(tab, "websocket");

    const bench = await s.host({ ...HUB, site: SITE });
    const page = await (await (await s.browser(browser, { secure: bench.url })).peer("page")).open(bench.url);
    const other = await (await (await s.browser("chromium", { hub: true })).peer("other")).open(bench.url);
    await on(page, "websocket");
    await quietCut({ page, other, cut, heal, log: s.log });
    await on(page, "websocket");
  });
}

/** In the page: keeps what it is told of its connection as window.seen. */
const listen = () => {
  window.seen = [];
  Goop.on("status", (s) => window.seen.push(s.transport ?? s.state));
};

for (const browser of BROWSERS) {
  scene(`UDP dies in the middle of a game of ${browser}, and comes back`, "webtransport", async (s) => {
    s.defer(passUdp);
    const host = await s.host(HUB);
    const own = await s.browser(browser, { secure: host.url });
    const game = squares(OPERA.slice(0, 10));
    await playChess({
      host, game, a: await own.peer("anne"), b: await own.peer("ben"),
      between: async (ply, { white, black }) => {
        if (ply === 3) {
          for (const tab of [white, black]) {
            await on(tab, "webtransport");
            await tab.evaluate(listen);
          }
          dropUdp();
          const cutAt = Date.now();
          await Promise.all([white, black].map((tab) => on(tab, "websocket")));
          const took = Date.now() - cutAt;
          s.log(`both were back over WebSocket ${took} ms after the cut`);
          assert.ok(took < 5_500, `back over WebSocket after ${took} ms, want within 5 s`);
        }
        if (ply === 6) {
          passUdp();
          const back = Date.now();
          await Promise.all([white, black].map((tab) => on(tab, "webtransport", { timeout: 60_000 })));
          s.log(`both were on WebTransport again ${Date.now() - back} ms after UDP was back`);
          for (const tab of [white, black]) assert.deepEqual(await tab.evaluate(() => window.seen), ["websocket", "webtransport"], "all that the page was told");
        }
      },
    });
  });
}
