// goop.js reads the golden frames that Go reads too (shared/wire/testdata), and folds them as it should.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./harness/host.mjs";
import { DESCRIPTOR, load, Session } from "./harness/sdk.mjs";

const lines = (name) => readFileSync(join(root, "shared/wire/testdata", name), "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l));
const golden = lines("frames.jsonl").map(({ name, way, line }) => ({ name, way, frame: JSON.parse(line) }));
const { Goop, again, bridge, deliver, early, outcomes, status } = await load("http://host.test/#goop-invite=club.of-two.TOKEN");

/** A welcome whose roster is whole and older than that of any other frame. */
const WELCOME = structuredClone(golden.find((g) => g.name === "welcome").frame);
delete WELCOME.payload.more;
WELCOME.payload.rosterVersion = 0;
let n = 0;

/** A group that was just welcomed, with all that it tells. */
async function joined(welcome = WELCOME) {
  const id = `g${++n}`;
  const told = [];
  const events = { members: [], state: [], redact: [], error: [] };
  const g = await Goop.group.join(id, (e) => told.push(e), { echo: true });
  for (const type of Object.keys(events)) g.on(type, (e) => events[type].push(e));
  deliver(id, welcome);
  return { id, g, told, events };
}

/** RFC 7396, once more and in its plainest form, to hold the script's against. */
function merged(target, patch) {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const out = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete out[key];
    else out[key] = merged(out[key], patch[key]);
  }
  return out;
}

const CHECKS = {
  async welcome(frame) {
    const { g } = await joined(frame);
    const p = frame.payload;
    assert.deepEqual(
      [g.name, g.role, g.rights, g.durable, g.access, g.maxMembers, g.limits, g.seq, g.count],
      [p.name, p.you.role, p.you.rights, p.durable, p.access, p.maxMembers, p.limits, p.seq, p.count]);
    assert.deepEqual(g.members, p.members);
    assert.deepEqual(g.state, p.resumed ? {} : p.state);
  },
  async members(frame) {
    const { id, g, events } = await joined();
    const before = new Map(g.members.map((m) => [m.peer, m]));
    const told = events.members.length;
    deliver(id, frame);
    const p = frame.payload;
    if (p.members) before.clear();
    for (const m of [...(p.members ?? []), ...(p.joined ?? []), ...(p.updated ?? [])]) before.set(m.peer, m);
    for (const { peer } of p.left ?? []) before.delete(peer);
    assert.deepEqual(new Map(g.members.map((m) => [m.peer, m])), before);
    assert.equal(g.count, p.count);
    const you = p.you ?? WELCOME.payload.you;
    assert.deepEqual([g.role, g.rights], [you.role, you.rights]);
    if (!p.more) assert.deepEqual(events.members.at(-1).left, p.left ?? []);
    assert.equal(events.members.length - told, p.more ? 0 : 1, "a roster is told when it is whole");
  },
  async msg(frame) {
    if (frame.ack) return; // answers the member, which does not hand it on
    const { id, g, told, events } = await joined();
    deliver(id, frame);
    const { redact, ...rest } = frame;
    assert.deepEqual(told, [redact ? { ...rest, type: "redact", target: redact } : frame]);
    assert.deepEqual(events.redact, redact ? told : []);
    assert.equal(g.seq, frame.seq ?? WELCOME.payload.seq);
  },
  async state(frame) {
    if (frame.ack) return;
    const { id, g, told } = await joined();
    deliver(id, frame);
    assert.equal(g.seq, frame.seq);
    const want = frame.payload?.state ?? merged(WELCOME.payload.state, frame.patch ?? {});
    assert.deepEqual(g.state, want);
    if (!frame.payload && !frame.patch) assert.deepEqual(told, []);
    else assert.deepEqual(told.map((e) => [e.type, e.seq, e.state, e.patch]), [["state", frame.seq, want, frame.patch]]);
  },
  async close(frame) {
    const { id, g, told } = await joined();
    deliver(id, frame);
    assert.equal(g.closed, true);
    assert.deepEqual(told, [{ type: "close", group: id, ...frame.payload }]);
    await assert.rejects(g.send(1), { name: "GoopError", code: "closed" });
  },
  async error(frame) {
    const { id, g, told, events } = await joined();
    deliver(id, frame);
    const { code, message, fatal, retryAfter, seq } = frame.payload;
    const [error] = events.error;
    assert.ok(error instanceof Goop.GoopError);
    assert.deepEqual([error.code, error.message, error.retryAfter, error.seq], [code, message, retryAfter, seq]);
    assert.equal(g.closed, fatal);
    assert.deepEqual(told, fatal ? [{ type: "close", group: id, reason: code, message }] : []);
  },
};

for (const { name, way, frame } of golden) {
  if (way === "H>M") test(`golden frame: ${name}`, () => CHECKS[frame.type](frame));
}

test("the golden frames cover every row of the protocol that a page sees", () => {
  const seen = new Set(golden.filter((g) => g.way === "H>M" && !g.frame.ack).map((g) => g.frame.type));
  assert.deepEqual([...seen].sort(), Object.keys(CHECKS).sort());
});

test("merge patches fold as they do in Go", async (t) => {
  const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);
  const vectors = lines("merge.jsonl").filter((v) => isObject(v.target) && isObject(v.patch));
  assert.ok(vectors.length > 10, `only ${vectors.length} vectors`);
  for (const { name, target, patch, result } of vectors) {
    await t.test(name ?? JSON.stringify([target, patch]), async () => {
      const { id, g } = await joined({ ...WELCOME, payload: { ...WELCOME.payload, state: target } });
      const before = JSON.stringify(g.state);
      const kept = g.state;
      deliver(id, { type: "state", group: id, seq: 18, from: "12D3KooWA", time: 1, patch });
      assert.deepEqual(g.state, result);
      assert.equal(JSON.stringify(kept), before, "the state before stays as it was");
    });
  }
});

test("a roster in parts counts when it is whole", async () => {
  const { id, g, events } = await joined();
  const member = (peer) => ({ peer, label: peer, role: "member", sessions: 1, joined: 1 });
  const told = events.members.length;
  deliver(id, { type: "members", payload: { version: 9, members: [member("A")], count: 2, more: true } });
  assert.equal(events.members.length, told);
  deliver(id, { type: "members", payload: { version: 9, members: [member("B")], count: 2 } });
  assert.deepEqual(g.members.map((m) => m.peer), ["A", "B"]);
  assert.equal(events.members.length, told + 1);
});

test("a count without names takes those away that are known, in the middle of a roster too", async () => {
  const { id, g, events } = await joined();
  const member = (peer) => ({ peer, label: peer, role: "member", sessions: 1, joined: 1 });
  deliver(id, { type: "members", payload: { version: 9, members: [member("A"), member("B")], count: 2 } });
  deliver(id, { type: "members", payload: { version: 10, members: [], count: 1001 } });
  assert.deepEqual([g.members, g.count], [[], 1001]);
  deliver(id, { type: "members", payload: { version: 11, members: [member("A")], count: 2, more: true } });
  deliver(id, { type: "members", payload: { version: 11, members: [], count: 2, you: { ...WELCOME.payload.you, rights: ["send"] } } });
  assert.deepEqual([g.members, g.count, g.rights], [[], 2, ["send"]]);
  assert.deepEqual(events.members.at(-1), { type: "members", group: id, members: [], count: 2, left: [] });
});

test("a loop gets what the callback gets, and ends with the group", async () => {
  const { id, g, told } = await joined();
  const loop = (async () => {
    const got = [];
    for await (const event of g) got.push(event);
    return got;
  })();
  deliver(id, { type: "msg", group: id, seq: 18, from: "A", time: 1, payload: 1 }, { type: "gap", from: 19, to: 40 });
  deliver(id, { type: "close", payload: { reason: "closed" } });
  assert.deepEqual(await loop, told);
  assert.deepEqual(told.map((e) => e.type), ["msg", "gap", "close"]);
});

test("a key named __proto__ is a key like any other", async () => {
  const { id, g } = await joined();
  deliver(id, { type: "state", seq: 18, patch: JSON.parse('{"__proto__": {"x": 1}}') });
  assert.equal(JSON.stringify(g.state["__proto__"]), '{"x":1}');
  assert.equal({}.x, undefined);
});

test("an invite link is for one group, and is used up by its join", async () => {
  assert.equal(Goop.group.invited, "club.of-two");
  const joins = [];
  const join = bridge.join;
  bridge.join = (id, options, deliver) => (joins.push([id, JSON.parse(options).invite]), join(id, options, deliver));
  await Goop.group.join("elsewhere");
  assert.equal(Goop.group.invited, "club.of-two", "it is not for another group");
  await Goop.group.join("club.of-two");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(Goop.group.invited, undefined);
  await (await Goop.group.join("club.of-two")).leave();
  await Goop.group.join("club.of-two");
  assert.deepEqual(joins, [["elsewhere", ""], ["club.of-two", "TOKEN"], ["club.of-two", ""]]);
  bridge.join = join;
});

test("invites are asked for as the host knows them", async () => {
  const call = bridge.call;
  const asked = [];
  bridge.call = async (text) => (asked.push(JSON.parse(text)), JSON.stringify({ invite: { token: "T", url: "u" }, revoked: "r" }));
  const { token, url } = await Goop.group.invite("club", { uses: 5, expires: new Date(1e12), role: "viewer" });
  assert.deepEqual([token, url], ["T", "u"]);
  await Goop.group.invite("club", { peer: "P", as: "moderator" });
  const { id, g } = await joined();
  await g.invite({ peer: "P", role: "viewer" });
  await g.revoke("0f5a44e1c2b39d87");
  await g.revoke("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  assert.deepEqual(asked, [
    { op: "group.invite", group: "club", uses: 5, expires: 1e12, role: "viewer" },
    { op: "group.invite", group: "club", peer: "P", role: "moderator" },
    { op: "group.invite", group: id, peer: "P", role: "viewer" },
    { op: "group.revoke", group: id, invite: "0f5a44e1c2b39d87" },
    { op: "group.revoke", group: id, token: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
  ]);
  bridge.call = call;
});

test("history has events as the group has them", async () => {
  const call = bridge.call;
  bridge.call = async () => JSON.stringify({ rows: [
    { type: "msg", seq: 3, from: "A", time: 1, redacted: true }, { type: "msg", seq: 4, from: "A", time: 2, payload: 1 },
    { type: "msg", seq: 5, from: "B", time: 3, redact: 3 },
  ] });
  assert.deepEqual(await Goop.group.history("lobby"), [
    { type: "msg", group: "lobby", seq: 3, from: "A", time: 1, redacted: true },
    { type: "msg", group: "lobby", seq: 4, from: "A", time: 2, payload: 1 },
    { type: "redact", group: "lobby", seq: 5, from: "B", time: 3, target: 3 },
  ]);
  bridge.call = call;
});

test("what was begun while the member was loaded is the member's, once", async () => {
  assert.equal(await early().descriptor, DESCRIPTOR);
  const [session, ...more] = Session.all;
  assert.deepEqual([session.url, more], ["https://host.test:1/wt", []]);
  assert.deepEqual(session.options.serverCertificateHashes.map((h) => [h.algorithm, ...h.value]), [["sha-256", 0x00, 0xff]]);
  assert.equal(early().session("https://other.test:1/wt"), undefined, "that is another address");
  assert.equal(early().session(session.url), session);
  assert.equal(early().session(session.url), undefined, "it was given away");
  assert.equal(session.over, undefined);
});

test("a page that has the script twice has one Goop, and loads the member once", () => {
  const { fetch } = globalThis;
  const fetched = [];
  globalThis.fetch = async (url) => (fetched.push(url), new Response(""));
  again();
  globalThis.fetch = fetch;
  assert.equal(globalThis.Goop, Goop);
  assert.deepEqual(fetched, []);
});

test("what is posted in one turn goes to the member together and in order, and each outcome to its sender", async () => {
  const { g } = await joined();
  const crossings = [];
  bridge.post = (entries) => crossings[crossings.push(JSON.parse(entries)) - 1].length;
  const gone = new AbortController();
  const sent = [
    g.send({ a: "\u2028" }, { to: "B", key: 'k"', volatile: true }), g.setState({ x: null }, { ifSeq: 7 }), g.redact(3),
    g.send(1, { signal: gone.signal }), g.send(2, { unreliable: true }),
  ];
  await Promise.resolve();
  const [entries, ...more] = crossings;
  const first = entries[0].n;
  const { session } = entries[0];
  assert.deepEqual([entries, more], [[
    { n: first, session, payload: { a: "\u2028" }, to: "B", key: 'k"', volatile: true },
    { n: first + 1, session, patch: { x: null }, ifSeq: 7 },
    { n: first + 2, session, redact: 3 },
    { n: first + 3, session, payload: 1 },
    { n: first + 4, session, payload: 2, unreliable: true },
  ], []]);
  gone.abort(new Error("enough"));
  outcomes([first, 0, 0], [first + 2, { code: "forbidden", message: "no", fatal: false }], [first + 1, 8, 1e12], [first + 3, 9, 1e12], [first + 4, 0, 0]);
  assert.deepEqual(await sent[0], { seq: 0, time: 0 });
  assert.deepEqual(await sent[1], { seq: 8, time: 1e12 });
  await assert.rejects(sent[2], { name: "GoopError", code: "forbidden", message: "no" });
  await assert.rejects(sent[3], { message: "enough" });
  await sent[4];
  await assert.rejects(g.send(1, { signal: AbortSignal.abort(new Error("before")) }), { message: "before" });
  await assert.rejects(g.send(undefined), { code: "invalid_value" });
  assert.equal(crossings.length, 1, "what was given up before is not posted");
});

test("a signal that outlives what it was given to is not held on to", async () => {
  const { signal } = new AbortController();
  const { g } = await joined();
  let n;
  bridge.post = (entries) => (n = JSON.parse(entries)[0].n, 1);
  const sent = g.send(1, { signal });
  await Promise.resolve();
  const asked = Goop.reach({ signal });
  assert.equal(getEventListeners(signal, "abort").length, 2);
  outcomes([n, 5, 1]);
  await Promise.all([sent, asked]);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("an entry that the member cannot read is refused, and those behind it are posted all the same", async () => {
  const { g } = await joined();
  const crossings = [];
  bridge.post = (entries) => {
    const list = JSON.parse(entries);
    crossings.push(list.map((e) => e.payload));
    const bad = list.findIndex((e) => Array.isArray(e.payload));
    list.slice(0, bad < 0 ? list.length : bad).forEach((e) => outcomes([e.n, e.payload, 1]));
    return bad < 0 ? list.length : bad;
  };
  const sent = await Promise.allSettled([g.send(1), g.send([]), g.send(2), g.send([]), g.send([]), g.send(3), g.send([])]);
  assert.deepEqual(sent.map((s) => s.value?.seq ?? s.reason.code), [
    1, "invalid_value", 2, "invalid_value", "invalid_value", 3, "invalid_value",
  ]);
  assert.deepEqual(crossings, [[1, [], 2, [], [], 3, []], [2, [], [], 3, []], [[], 3, []], [3, []]]);
});

test("what cannot be a seq is refused before it is posted", async () => {
  const { g } = await joined();
  bridge.post = () => assert.fail("it was posted");
  for (const ifSeq of [NaN, Infinity, 1e21, -1]) await assert.rejects(g.setState({}, { ifSeq }), { code: "invalid_value" });
  for (const seq of [0, -1, 1.5]) await assert.rejects(g.redact(seq), { code: "invalid_value" });
});

test("a move to another transport tells a page nothing but what is new", async () => {
  const on = (transport) => status({ state: "online", transport, peer: "P", host: "H" });
  on("webtransport");
  const told = [];
  Goop.on("status", (s) => told.push(s.transport ?? s.state));
  const { id, g, events } = await joined();
  let tell;
  bridge.watch = async (_, fn) => ((tell = fn), () => {});
  const rows = [];
  await Goop.data.watch("t", (change) => rows.push(change));
  const again = { ...WELCOME, payload: { ...WELCOME.payload, resumed: true } };
  const result = (...list) => tell(JSON.stringify({ id: 7, rows: list }), true);
  result({ _id: 1, a: "x" });

  on("websocket");
  deliver(id, again);
  result({ _id: 1, a: "x" });
  assert.deepEqual([told, events.members.length, rows.length], [["websocket"], 1, 1]);
  assert.deepEqual(g.members, WELCOME.payload.members);

  deliver(id, { ...again, payload: { ...again.payload, members: again.payload.members.slice(1), count: 1 } });
  result({ _id: 1, a: "y" });
  assert.deepEqual([events.members.length, rows.length, rows[1]?.fresh, rows[1]?.changed], [2, 2, true, [{ _id: 1, a: "y" }]]);

  status({ state: "offline", error: { code: "offline", message: "gone" } });
  on("websocket");
  deliver(id, again, again);
  result({ _id: 1, a: "y" });
  assert.deepEqual([told, events.members.length, rows.length], [["websocket", "offline", "websocket"], 3, 3], "after a loss all is told");
});
