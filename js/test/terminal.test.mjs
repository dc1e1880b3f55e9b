// Members that are no pages: terminals, and a program that has nothing of Goop's, beside browsers.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./harness/host.mjs";
import { joinAndListen } from "./harness/journey.mjs";
import { dropUdp, passUdp } from "./harness/network.mjs";
import { everywhere, scene } from "./harness/scene.mjs";
import { Terminal } from "./harness/terminal.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const EXAMPLE = join(root, "docs/examples/js-libp2p/member.mjs");

/** In the page: what the others have said so far. */
const heard = () => window.got.flatMap((e) => e.payload ?? []);

/** @param {any} s @param {string[]} args */
function goop(s, ...args) {
  const t = Terminal.goop(args, { log: s.log });
  s.defer(() => t.kill());
  return t;
}

const isMsg = (payload) => (line) => line.type === "msg" && line.payload === payload;

everywhere("terminal and browser members in one group", async (s) => {
  const host = await s.host({ site: SITE });
  const term = goop(s, "join", "--anonymous", "--label", "Bot", `${host.url}/index.html`, "room");
  const welcome = await term.line((l) => l.type === "welcome");
  const bot = welcome.payload.you.peer;
  assert.equal(term.lines[0].transport, "quic", "native members take QUIC where UDP gets through");
  const watch = goop(s, "watch", "--anonymous", host.url, "_groups", "id=room", "--columns", "members");
  await watch.line((l) => l.type === "rows");

  const tabs = [];
  for (const browser of BROWSERS) {
    const tab = await (await s.peer(browser)).open(host.url);
    await tab.evaluate(joinAndListen, "room");
    await tab.waitFor((p) => window.g.members.some((m) => m.peer === p && m.label === "Bot"), [bot], { what: "the terminal to be in the roster" });
    tabs.push(tab);
  }
  await watch.line((l) => l.changed?.[0]?.members === 3, "that three are in the group");

  // Everybody speaks; everybody hears the others, in one order.
  term.write("t1");
  await term.line(isMsg("t1"));
  for (const [i, tab] of tabs.entries()) {
    await tab.evaluate((text) => window.g.send(text), `b${i}`);
    await term.line(isMsg(`b${i}`));
  }
  await tabs[0].evaluate(() => window.g.setState({ topic: "forks" }));
  assert.deepEqual((await term.line((l) => l.type === "state")).patch, { topic: "forks" });
  term.write('{"t": 2}');
  for (const [i, tab] of tabs.entries()) {
    await tab.waitFor(() => window.got.some((e) => e.payload?.t === 2));
    assert.deepEqual(await tab.evaluate(heard), i === 0 ? ["t1", "b1", { t: 2 }] : ["t1", "b0", { t: 2 }]);
  }

  // The host goes and comes back. What is said meanwhile waits.
  const told = term.lines.length;
  await host.kill();
  await term.line((l) => l.state === "offline", "that it is offline", told);
  term.write("while it was away");
  await host.start();
  await term.line(isMsg("while it was away"));
  for (const tab of tabs) await tab.waitFor(() => window.got.some((e) => e.payload === "while it was away"), [], { timeout: 40_000 });

  // Where UDP ends in the middle, another way is found.
  let said = ["t1", "b0", "b1", { t: 2 }, "while it was away"];
  if (s.world === "websocket") {
    s.defer(passUdp);
    const before = term.lines.length;
    const at = Date.now();
    dropUdp();
    await term.line((l) => l.transport === "websocket", "that it is back over WebSocket", before);
    s.log(`back over WebSocket after ${Date.now() - at} ms`);
    term.write("over TCP");
    await tabs[0].waitFor(() => window.got.some((e) => e.payload === "over TCP"));
    await term.line(isMsg("over TCP"));
    passUdp();
    await term.line((l) => l.transport === "quic", "that it has climbed back", before);
    said = [...said, "over TCP"];
  }

  assert.equal(await term.end(), 0, term.errors);
  assert.deepEqual(term.payloads, said, "all messages, in the group's order, each once");
  assert.deepEqual(term.lines.filter((l) => l.type === "gap" || l.type === "error"), []);
  for (const tab of tabs) await tab.waitFor((p) => !window.g.members.some((m) => m.peer === p), [bot], { what: "the terminal to have left" });
  await watch.kill("SIGINT");
});

// js-libp2p over WebSocket, which every host has, and over TCP.
for (const over of ["websocket", "tcp"]) {
  scene(`a member on js-libp2p alone, over ${over}`, "webtransport", async (s) => {
    const folder = mkdtempSync(join(tmpdir(), "goop-foreign-"));
    s.defer(() => rmSync(folder, { recursive: true }));
    const host = await s.host({ site: SITE, args: over === "tcp" ? ["--listen-tcp", "127.0.0.1:0"] : [] });
    const foreign = () => {
      const t = new Terminal([process.execPath, EXAMPLE, host.url, "room", join(folder, "key")], { log: s.log });
      s.defer(() => t.kill());
      return t;
    };
    const term = goop(s, "join", "--anonymous", host.url, "room");
    const { peer } = (await term.line((l) => l.type === "welcome")).payload.you;
    let member = foreign();
    const self = (await member.line((l) => l.type === "welcome")).payload.you.peer;
    await term.line((l) => l.payload?.joined?.some((m) => m.peer === self && m.label === "js-libp2p"), "the member in the roster");

    member.write("hello");
    await term.line(isMsg("hello"));
    term.write("and hello to you");
    await member.line(isMsg("and hello to you"));
    member.write('{"move": "e4"}');
    await term.line((l) => l.payload?.move === "e4");

    // Words at once that are for somebody else, whom the member tells apart from lost ones. They are of a program with its parts.
    const { createNode, dial, Group } = await import(EXAMPLE);
    const node = await createNode();
    s.defer(() => node.stop());
    const whisperer = new Group("room");
    const attended = whisperer.attend((await dial(node, host.url)).connection);
    await Promise.all([1, 2, 3].map((n) => whisperer.send({ psst: n }, { to: peer })));
    whisperer.leave();
    await attended;
    await term.line((l) => l.payload?.psst === 3);
    await member.line((l) => l.type === "state" && l.seq === 6);

    // The host goes and comes back; both said something meanwhile.
    const told = term.lines.length;
    await host.kill();
    await term.line((l) => l.state === "offline", "that it is offline", told);
    member.write("m2");
    term.write("t2");
    await host.start();
    for (const text of ["m2", "t2"]) for (const each of [member, term]) await each.line(isMsg(text));
    member.write("m3");
    await term.line(isMsg("m3"));
    assert.equal(await member.end(), 0, member.errors);
    assert.equal(await term.end(), 0, term.errors);

    // Both have seen the same log, whole and once, and the member's data stream was good for a question.
    const seqs = (t) => t.lines.filter((l) => l.type === "msg" && !l.to).map((l) => [l.seq, JSON.stringify(l.payload)]);
    assert.deepEqual(seqs(member), seqs(term));
    assert.deepEqual(seqs(term).map(([seq]) => seq), [1, 2, 3, 7, 8, 9]);
    assert.doesNotMatch(member.errors, /missing/);
    assert.match(member.errors, over === "tcp" ? /connected to \S+\/tcp\/\d+\/p2p\// : /connected to \S+\/tcp\/\d+\/ws\/p2p\//);
    assert.match(member.errors, /groups: \[.*"name":"Room"/);

    // The key is the identity.
    member = foreign();
    assert.equal((await member.line((l) => l.type === "welcome")).payload.you.peer, self);
    member.write("once more");
    assert.equal(await member.end(), 0, member.errors);
    assert.ok(member.lines.some((l) => l.own && l.payload === "once more"), "what was sent before the end is acknowledged");
  });
}
