// What the page API promises, in real browsers against the real binary.

import assert from "node:assert/strict";
import { joinAndListen, quietCut } from "./harness/journey.mjs";
import { cut, heal } from "./harness/network.mjs";
import { everywhere, scene } from "./harness/scene.mjs";
import { BROWSERS, SITE, WORLDS } from "./harness/worlds.mjs";

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

  everywhere(`${browser} gets and sends what passed while it was offline, once and in order`, async (s) => {
    // Here the page's own network is cut, which needs a network between it and the host; where a LAN
    // address would be no secure context, the browser is told to take it for one.
    const host = await s.host({ site: SITE, address: "10.77.0.1", hub: true });
    const own = await s.browser(browser, WORLDS[s.world].secure ? { secure: host.url } : {});
    const page = await (await own.peer()).open(host.url);
    const other = await (await (await s.browser("chromium", { hub: true })).peer("other")).open(host.url);
    await page.waitFor((world) => Goop.status.transport === world, [s.world]);
    await quietCut({ page, other, cut, heal, log: s.log });
  });

  everywhere(`what passes ${browser} while there is no host arrives once`, async (s) => {
    const host = await s.host({ site: SITE });
    const page = await (await s.peer(browser)).open(host.url);
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await quietCut({ page, other, cut: () => host.kill(), heal: () => host.start(), log: s.log });
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

  scene(`a member that panics leaves nobody waiting in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    const found = await tab.evaluate(async () => {
      const g = await Goop.group.join("room");
      const told = [];
      Goop.on("status", (s) => told.push(s.state));
      // What the member calls throws, which no Go program expects.
      const { parse } = JSON;
      JSON.parse = () => {
        throw new Error("a page that breaks JSON");
      };
      const refused = async (wait) => wait.then(() => "", (e) => `${e.code}: ${e.message}`);
      const sent = await refused(g.send(1));
      JSON.parse = parse;
      return { sent, told, later: await refused(Goop.data.query("moves")), now: typeof Goop.now() };
    });
    const stopped = "internal: Goop has stopped: it ended. Reload the page.";
    assert.deepEqual(found, { sent: stopped, told: ["closed"], later: stopped, now: "number" });
  });
}
