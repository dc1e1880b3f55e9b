// What the page API promises, in real browsers against the real binary.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { everywhere } from "./harness/scene.mjs";
import { BROWSERS, SITE, WORLDS } from "./harness/worlds.mjs";

/** In the page: joins a group and keeps what comes as window.got. */
const joinAndListen = async (id, options) => {
  window.got = [];
  window.g = await Goop.group.join(id, (event) => window.got.push(event), options);
  return Goop.me.peer;
};
const online = () => Goop.status.state === "online";

for (const browser of BROWSERS) {
  everywhere(`the first connection of ${browser}`, async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    const found = await tab.evaluate(async () => {
      await Goop.ready;
      return {
        secure: isSecureContext, transport: Goop.status.transport, peer: Goop.me.peer, role: Goop.me.role, name: Goop.host.name,
        groups: (await Goop.data.query("_groups")).map((g) => g.id).sort(),
      };
    });
    const { peer, ...rest } = found;
    assert.match(peer, /^12D3Koo\w{45}$/);
    assert.deepEqual(rest, {
      secure: WORLDS[s.world].secure, transport: s.world, role: "visitor", name: "Test bench", groups: ["chess-42", "lobby", "room"],
    });

    // A reload is the same peer, and another profile is not.
    await tab.reload();
    assert.equal(await tab.evaluate(async () => (await Goop.ready, Goop.me.peer)), peer);
    const other = await (await s.peer(browser, "other")).open(host.url);
    assert.notEqual(await other.evaluate(async () => (await Goop.ready, Goop.me.peer)), peer);
  });

  everywhere(`the four lines in ${browser}`, async (s) => {
    const host = await s.host({ site: SITE });
    const watcher = await (await s.peer("chromium", "watcher")).open(host.url);
    await watcher.evaluate(joinAndListen, "chess-42");

    const page = await s.peer(browser, "page");
    const tab = await page.open(`${host.url}/four-lines.html`);
    await tab.waitFor(() => document.body.dataset.groups?.split(" ").sort().join(" ") === "chess-42 lobby room");
    const peer = await tab.evaluate(() => Goop.me.peer);
    const got = await watcher.waitFor(() => window.got.length > 0 && window.got);
    assert.equal(got.length, 1);
    assert.equal(got[0].from, peer);
    assert.deepEqual(got[0].payload, { move: "e2e4" });

    // It left: the roster's grace for those who lost their connection does not count here.
    await watcher.waitFor((p) => !window.g.members.some((m) => m.peer === p), [peer]);
    assert.deepEqual(tab.console.filter((line) => line.includes("Received")), [], "a page's own message comes back only with echo");

    const rows = await watcher.evaluate(() => Goop.data.query("moves", { where: { game: "chess-42" } }));
    assert.deepEqual(rows.map((r) => [r.move, r._owner]), [["e2e4", peer]]);
  });

  everywhere(`two tabs of ${browser} are one peer`, async (s) => {
    const host = await s.host({ site: SITE });
    const profile = await s.peer(browser);
    const [one, two] = [await profile.open(host.url), await profile.open(host.url)];
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await other.evaluate(joinAndListen, "room");
    const peer = await one.evaluate(joinAndListen, "room");
    assert.equal(await two.evaluate(joinAndListen, "room"), peer);

    await other.waitFor((p, n) => window.g.members.find((m) => m.peer === p)?.sessions === n, [peer, 2], { what: "two sessions" });
    assert.equal(await other.evaluate(() => window.g.count), 2);

    // What one tab sends, the other tab of the same peer gets, and the sender does not.
    await one.evaluate(() => window.g.send("from one"));
    await two.waitFor(() => window.got.some((m) => m.payload === "from one"));
    await other.waitFor(() => window.got.some((m) => m.payload === "from one"));
    assert.deepEqual(await one.evaluate(() => window.got.map((m) => m.payload)), []);

    await one.close();
    await other.waitFor((p, n) => window.g.members.find((m) => m.peer === p)?.sessions === n, [peer, 1], { what: "one session" });
    await two.evaluate(() => window.g.send("from two"));
    await other.waitFor(() => window.got.some((m) => m.payload === "from two"));
    await other.evaluate(() => window.g.send("to two"));
    await two.waitFor(() => window.got.some((m) => m.payload === "to two"));
  });

  everywhere(`${browser} gets what passed while it was offline, once and in order`, async (s) => {
    // Here the page's own network is cut, which needs a network between it and the host; where a LAN
    // address would be no secure context, the browser is told to take it for one.
    const host = await s.host({ site: SITE, address: "10.77.0.1", hub: true });
    const own = await s.browser(browser, WORLDS[s.world].secure ? { secure: host.url } : {});
    const tab = await (await own.peer()).open(host.url);
    const sender = await (await (await s.browser("chromium", { hub: true })).peer("sender")).open(host.url);
    await tab.evaluate(joinAndListen, "room");
    await sender.evaluate(joinAndListen, "room");
    assert.equal(await tab.evaluate(() => Goop.status.transport), s.world);
    await sender.evaluate(() => window.g.send(0));
    await tab.waitFor(() => window.got.length === 1);

    const bridge = (...to) => execFileSync("ip", ["netns", "exec", "hub", "ip", "link", "set", "port0", ...to]);
    bridge("nomaster");
    const cut = Date.now();
    try {
      await tab.waitFor(() => Goop.status.state !== "online", [], { what: "the page to notice" });
      const noticed = Date.now() - cut;
      assert.ok(noticed < 5_500, `the page noticed after ${noticed} ms, want within 5 s`);
      for (let i = 1; i <= 10; i++) await sender.evaluate((n) => window.g.send(n), i);
    } finally {
      bridge("master", "br0");
    }
    const healed = Date.now();
    await tab.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000, what: "the page to be back" });
    s.log(`the page was back ${Date.now() - healed} ms after its network`);
    await sender.evaluate(() => window.g.send(11));
    await tab.waitFor(() => window.got.at(-1)?.payload === 11);
    const got = await tab.evaluate(() => window.got);
    assert.deepEqual(got.map((e) => e.type), Array(12).fill("msg"), "messages alone, and no gap");
    assert.deepEqual(got.map((e) => e.payload), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert.deepEqual(got.map((e) => e.seq - got[0].seq), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  everywhere(`what ${browser} sends while offline arrives once`, async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await other.evaluate(joinAndListen, "room");
    await tab.evaluate(joinAndListen, "room");
    await tab.evaluate(() => window.g.send("before"));
    await host.kill();
    await tab.waitFor(() => Goop.status.state !== "online", [], { timeout: 5_500 });
    await tab.evaluate(() => void (window.sent = Promise.all([1, 2, 3].map((n) => window.g.send(n)))));
    await host.start();
    const receipts = await tab.evaluate(() => window.sent);
    await other.waitFor(() => window.got.length === 4);
    assert.deepEqual(await other.evaluate(() => window.got.map((m) => m.payload)), ["before", 1, 2, 3]);
    assert.deepEqual(await other.evaluate(() => window.got.slice(1).map((m) => m.seq)), receipts.map((r) => r.seq));
  });

  everywhere(`refusals arrive in ${browser} with code and message`, async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    await tab.evaluate(joinAndListen, "room");
    const refusal = async (fn) => tab.evaluate(`async () => {
      try {
        await (${fn})();
        return "no refusal";
      } catch (e) {
        return { goop: e instanceof Goop.GoopError && e instanceof Error, code: e.code, message: e.message };
      }
    }`);
    for (const [what, fn, code, message] of [
      ["an unknown group", () => Goop.group.join("nowhere"), "no_such_group", /no such group/],
      ["an id that is none", () => Goop.group.join("no spaces!"), /no_such_group|invalid_value|bad_message/, /./],
      ["an unknown table", () => Goop.data.query("nothing"), "no_such_table", /nothing/],
      ["an unknown column", () => Goop.data.query("moves", { where: { colour: "white" } }), "no_such_column", /colour/],
      ["an unknown operator", () => Goop.data.query("moves", { where: { n: { "~": 1 } } }), "bad_query", /~/],
      ["too many rows", () => Goop.data.query("moves", { limit: 1001 }), /bad_query|limit_exceeded|invalid_value/, /1,?000/],
      ["a row that is not there", () => Goop.data.get("moves", 12345), "not_found", /./],
      ["a table of the owner's", () => Goop.data.query("secrets"), /forbidden|no_such_table/, /./],
      ["a row for a game that one is not in", () => Goop.data.insert("moves", { game: "lobby", move: "e4" }), "forbidden", /./],
      ["a value of another type", () => Goop.data.insert("moves", { game: "room", n: "three" }), "invalid_value", /n/],
      ["a message that is too large", () => window.g.send("x".repeat(100_000)), "too_large", /./],
      ["a message that is no JSON", () => window.g.send(() => 1), "invalid_value", /function/],
      ["a state that is older", async () => {
        const before = window.g.seq;
        await window.g.setState({ a: 1 });
        await window.g.setState({ a: 2 }, { ifSeq: before });
      }, "conflict", /./],
      ["a group that a visitor may not make", () => Goop.group.create({ name: "Mine" }), "forbidden", /./],
      ["a group that a visitor may not close", () => Goop.group.close("lobby"), "forbidden", /./],
      ["an invite that a member may not make", () => Goop.group.invite("room"), "forbidden", /invite/],
      ["a role that there is not", () => Goop.group.invite("room", { role: "king" }), "invalid_value", /moderator/],
      ["somebody whom a member may not send away", () => Goop.group.kick("room", Goop.me.peer), "forbidden", /kick/],
      ["a message that a member may not take away", async () => window.g.redact((await window.g.send("x")).seq), "forbidden", /redact/],
      ["the history of a group that is not there", () => Goop.group.history("nowhere"), "no_such_group", /no such group/],
      ["too much history", () => window.g.history({ limit: 501 }), /bad_query|bad_message|invalid_value/, /500/],
    ]) {
      const got = await refusal(fn);
      assert.equal(got.goop, true, `${what}: want a GoopError, got ${JSON.stringify(got)}`);
      if (typeof code === "string") assert.equal(got.code, code, `${what}: ${got.message}`);
      else assert.match(got.code, code, `${what}: ${got.message}`);
      assert.match(got.message, message, what);
    }

    // None of it ended anything.
    assert.equal(await tab.evaluate(online), true);
    assert.ok((await tab.evaluate(() => window.g.send("still here"))).seq > 0);
    assert.deepEqual(await tab.evaluate(() => Goop.data.query("moves")), []);
  });
}
