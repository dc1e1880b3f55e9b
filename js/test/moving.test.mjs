// Moving between transports as the network allows it: the journeys of journey.mjs on each of them, UDP that
// dies and comes back in the middle of a game, and a change of the visitor's address.

import { playChess, quietCut } from "./harness/journey.mjs";
import { cut, dropUdp, heal, passUdp } from "./harness/network.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

/** The ways to a host in another machine: what the page is told to be, and what becomes of UDP. */
const WAYS = {
  "WebTransport": { secure: true, udp: true, transport: "webtransport" },
  "WebSocket because UDP is dropped": { secure: true, udp: false, transport: "websocket" },
  "plain HTTP at a LAN address": { secure: false, udp: true, transport: "websocket" },
};

const HUB = { address: "10.77.0.1", hub: true };
const on = (tab, transport, options) => tab.waitFor((want) => Goop.status.transport === want, [transport], { what: transport, ...options });

for (const browser of BROWSERS) {
  for (const [name, way] of Object.entries(WAYS)) {
    scene(`chess and a quiet cut of ${browser}: ${name}`, way.transport, async (s) => {
      s.defer(passUdp);
      if (!way.udp) dropUdp();
      const host = await s.host(HUB);
      const own = await s.browser(browser, way.secure ? { secure: host.url } : {});
      const { white } = await playChess({ host, a: await own.peer("anne"), b: await own.peer("ben") });
      await on(white, way.transport);

      const bench = await s.host({ ...HUB, site: SITE });
      const page = await (await (await s.browser(browser, way.secure ? { secure: bench.url } : {})).peer("page")).open(bench.url);
      await on(page, way.transport);
      const other = await (await (await s.browser("chromium", { hub: true })).peer("other")).open(bench.url);
      await quietCut({ page, other, cut, heal, log: s.log });
    });
  }
}
