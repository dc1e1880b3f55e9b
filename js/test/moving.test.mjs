// Moving between transports as the network allows it. That the journeys of journey.mjs pass over WebTransport and
// over plain HTTP at a LAN address, session.test.mjs and chess.test.mjs show; here it is where UDP is dropped,
// and what a network may do to pages in one long day.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { get } from "node:http";
import { OPERA, squares } from "./harness/chess.mjs";
import { rotatingKey } from "./harness/hostkey.mjs";
import { NOTICE, playChess, quietCut } from "./harness/journey.mjs";
import { cut, dropUdp, heal, passUdp, readdress } from "./harness/network.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const HUB = { address: "10.77.0.1", hub: true };

/** Waits until all pages are connected that way, and resolves with how long that took. */
async function on(tabs, transport, options) {
  const since = Date.now();
  await Promise.all(tabs.map((tab) => tab.waitFor((want) => Goop.status.transport === want, [transport], { what: transport, ...options })));
  return Date.now() - since;
}

/** In the page: keeps what it is told of its connection as window.seen. */
const listen = () => {
  window.seen = [];
  Goop.on("status", (s) => window.seen.push(s.transport ?? s.state));
};
const seen = (tab) => tab.evaluate(() => window.seen);

/** A browser of each kind whose pages at these hosts are secure contexts. */
const secured = (s, ...hosts) =>
  Promise.all(BROWSERS.map((name) => s.browser(name, { secure: hosts.map((h) => h.url).join() })));

scene("chess and a quiet cut where UDP is dropped", "websocket", async (s) => {
  s.defer(passUdp);
  dropUdp();
  const [host, bench] = [await s.host(HUB), await s.host({ ...HUB, site: SITE })];
  const [chromium, firefox] = await secured(s, host, bench);
  const { white, black } = await playChess({ host, a: await chromium.peer("anne"), b: await firefox.peer("ben") });
  await on([white, black], "websocket");
  const hub = await s.browser("chromium", { hub: true });
  for (const browser of [chromium, firefox]) {
    const page = await (await browser.peer("page")).open(bench.url);
    const other = await (await hub.peer("other")).open(bench.url);
    await on([page], "websocket");
    await quietCut({ page, other, cut, heal, log: s.log });
    await on([page], "websocket");
    await page.close();
    await other.close();
  }
});

scene("UDP dies in the middle of a game, and comes back", "webtransport", async (s) => {
  s.defer(passUdp);
  const host = await s.host(HUB);
  const [chromium, firefox] = await secured(s, host);
  let dead;
  const { white, black } = await playChess({
    host,
    game: squares(OPERA.slice(0, 10)),
    a: await chromium.peer("anne"),
    b: await firefox.peer("ben"),
    between: async (ply, { white, black }) => {
      const tabs = [white, black];
      if (ply === 3) {
        await on(tabs, "webtransport");
        for (const tab of tabs) await tab.evaluate(listen);
        dead = Date.now();
        dropUdp(); // the next move is made into the silence
      }
      if (ply === 4) {
        const took = Date.now() - dead;
        s.log(`the move after the cut was seen after ${took} ms`);
        assert.ok(took < NOTICE, `the move after the cut was seen after ${took} ms, want ${NOTICE}`);
        await on(tabs, "websocket");
      }
      if (ply === 7) {
        passUdp();
        s.log(`WebTransport again after ${await on(tabs, "webtransport", { timeout: 60_000 })} ms`);
      }
    },
  });
  for (const tab of [white, black]) assert.deepEqual(await seen(tab), ["websocket", "webtransport"], "all that the page was told");
});

/** In the page: joins, and counts what it is told beside messages as window.noise. */
const join = async (name) => {
  window.got = [];
  window.noise = 0;
  const g = await Goop.group.join("room", (e) => window.got.push(e.type === "msg" ? e.payload : [e.type]));
  g.on("members", () => window.noise++);
  await Goop.data.watch("moves", { order: ["_id"] }, () => window.noise++);
  window.mark = () => g.send([name, "mark"]);
  window.say = (n) => g.send([name, n]);
};

/** In the page: sends numbers, each when the one before is acknowledged, until window.enough. */
const chatter = () => {
  window.chat = (async () => {
    let n = 0;
    for (; !window.enough; n++) {
      await window.say(n);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return n;
  })();
};

/** How the host says it is reached, asked over a connection of its own: an older one may be that of another address. */
const descriptor = (host) =>
  new Promise((resolve, reject) => {
    get(`${host.url}/goop/host.json`, { agent: false, timeout: 10_000 }, async (answer) => {
      let text = "";
      for await (const part of answer.setEncoding("utf8")) text += part;
      resolve(JSON.parse(text));
    }).on("error", reject).on("timeout", () => reject(new Error("the host did not answer")));
  });

/** Something that answers everything in the place of the host, as a network does that wants a sign-in. */
async function portal(s, host, status) {
  const answer = status === 302 ? '{ location: "http://10.77.0.1:9/login" }' : '{ "content-type": "text/html" }';
  const code = `require("http").createServer((q, r) => { r.writeHead(${status}, ${answer}); r.end("<h1>Welcome to the train</h1>"); })
    .listen(${host.port}, "${host.address}", () => console.log("up"))`;
  const child = spawn("ip", ["netns", "exec", "hub", process.execPath, "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("exit", () => reject(new Error("the portal did not come up")));
  });
  const end = async () => {
    child.kill();
    await gone;
  };
  s.defer(end);
  return end;
}

scene("a long day of a page", "webtransport", async (s) => {
  s.defer(passUdp);
  const { key, at } = rotatingKey(25_000);
  const host = await s.host({ ...HUB, site: SITE, key });
  const before = (await descriptor(host)).webtransport[0].certhashes;
  const [chromium, firefox] = await secured(s, host);
  const tabs = [await (await chromium.peer("c")).open(host.url), await (await firefox.peer("f")).open(host.url)];
  const other = await (await (await s.browser("chromium", { hub: true })).peer("o")).open(host.url);
  const all = [...tabs, other];
  await on(tabs, "webtransport");
  for (const tab of tabs) await tab.evaluate(listen);
  for (const tab of all) await tab.evaluate(join, tab.label);
  for (const tab of all) await tab.evaluate(chatter);
  const heard = async (tab, from, n) => tab.waitFor((from, n) => window.got.filter(([name, what]) => name === from && what === "mark").length >= n, [from, n], { timeout: 60_000 });
  let marks = 0;
  /** What each page says now reaches all others; resolves with how long that took. */
  const reach = async () => {
    const since = Date.now();
    marks++;
    for (const tab of tabs) await tab.evaluate(() => void window.mark());
    await Promise.all(tabs.map((tab) => Promise.all(all.filter((t) => t !== tab).map((t) => heard(t, tab.label, marks)))));
    return Date.now() - since;
  };
  await reach();

  // UDP dies and comes back: two changes of the transport, and nothing else is told.
  const noise = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.noise)));
  dropUdp();
  const away = await on(tabs, "websocket");
  s.log(`over WebSocket ${away} ms after UDP died`);
  assert.ok(away < NOTICE, `${away} ms, want ${NOTICE}`);
  await reach();
  passUdp();
  s.log(`over WebTransport ${await on(tabs, "webtransport", { timeout: 60_000 })} ms after it came back`);
  await reach();
  for (const [i, tab] of tabs.entries()) {
    assert.deepEqual(await seen(tab), ["websocket", "webtransport"], "all that the page was told");
    assert.equal(await tab.evaluate(() => window.noise), noise[i], "rosters and rows were told anew although nothing was new");
  }

  // From one network to another: the host sees another address.
  assert.equal((await descriptor(host)).visitor, "10.77.0.2");
  readdress("10.77.0.2", "10.77.0.3");
  s.defer(() => readdress("10.77.0.3", "10.77.0.2"));
  const moved = await reach();
  s.log(`at another address ${moved} ms after it changed`);
  assert.ok(moved < NOTICE, `at another address after ${moved} ms, want ${NOTICE}`);
  assert.equal((await descriptor(host)).visitor, "10.77.0.3");

  // The certificate that the pages connected with is not shown any more.
  const wait = at - Date.now();
  s.log(`the certificate changes in ${wait} ms`);
  while ((await descriptor(host)).webtransport[0].certhashes.at(-1) === before.at(-1)) {
    assert.ok(Date.now() < at + 20_000, "no other certificate");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await reach();
  cut();
  try {
    await Promise.all(tabs.map((tab) => tab.waitFor(() => Goop.status.state !== "online")));
  } finally {
    heal();
  }
  await on(tabs, "webtransport", { timeout: 60_000 });
  await reach();

  // A network that wants a sign-in: clear words, and it goes on trying.
  await host.kill();
  for (const status of [302, 200]) {
    const end = await portal(s, host, status);
    await Promise.all(tabs.map((tab) => tab.waitFor(() => Goop.status.error?.message.includes("something else answers in the host's place"), [], { timeout: 40_000 })));
    await end();
  }
  await host.start();
  await Promise.all(all.map((tab) => tab.waitFor(() => Goop.status.state === "online", [], { timeout: 60_000 })));
  await reach();

  // Through all of that everything came, once and in order.
  const sent = {};
  for (const tab of all) sent[tab.label] = await tab.evaluate(async () => (window.enough = true, window.chat));
  for (const tab of all) await tab.waitFor((sent) => Object.entries(sent).every(([from, n]) => window.got.some(([name, i]) => name === from && i === n - 1)),
    [Object.fromEntries(Object.entries(sent).filter(([from]) => from !== tab.label))]);
  for (const tab of all) {
    const got = await tab.evaluate(() => window.got);
    assert.deepEqual(got.filter(([, what]) => what === undefined), [], "messages alone, and no gap");
    for (const from of all) {
      const numbers = got.filter(([name, what]) => name === from.label && what !== "mark").map(([, n]) => n);
      assert.deepEqual(numbers, from === tab ? [] : Array.from({ length: sent[from.label] }, (_, i) => i), `what ${tab.label} got of ${from.label}`);
    }
  }
  s.log(`sent ${JSON.stringify(sent)}`);
});
