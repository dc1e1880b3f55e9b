// goop.js against careless pages and malformed links.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./harness/sdk.mjs";

// The link is one that nobody can decode: the page has Goop all the same.
const { Goop, bridge, deliver, status } = await load("http://host.test/#goop-owner=%E0%A4%A&tab=2");

const WELCOME = {
  type: "welcome",
  payload: { epoch: "e", seq: 1, state: { list: [1, 2], deep: { x: 1 } }, members: [], count: 1, rosterVersion: 1, you: { role: "member" }, limits: {} },
};

test("a link that cannot be decoded does not keep Goop from the page", () => {
  assert.equal(typeof Goop.group.join, "function");
});

test("a page that writes into what it is given does not change the group's state", async () => {
  const g = await Goop.group.join("aliased", (e) => {
    if (e.type !== "state" || !e.patch) return;
    for (const write of [() => e.patch.added.push("page"), () => (e.patch.added[0].n = "page"), () => (e.state.deep.x = "page")]) {
      try {
        write();
      } catch (err) {
        assert.ok(err instanceof TypeError, "it may be refused");
      }
    }
  });
  deliver("aliased", WELCOME);
  for (const write of [() => (g.state.mine = 1), () => g.state.list.push("page"), () => (g.state.deep.x = "page")]) {
    try {
      write();
    } catch (err) {
      assert.ok(err instanceof TypeError, "it may be refused");
    }
  }
  deliver("aliased", { type: "state", seq: 2, from: "A", time: 1, patch: { added: [{ n: 1 }] } }, { type: "state", seq: 3, from: "A", time: 1, patch: { deep: { y: 2 } } });
  assert.deepEqual(JSON.parse(JSON.stringify(g.state)), { list: [1, 2], deep: { x: 1, y: 2 }, added: [{ n: 1 }] });
  deliver("aliased", { type: "state", seq: 9, payload: { epoch: "e", state: { whole: { x: 1 } }, stateSeq: 9 } });
  try {
    g.state.whole.x = "page";
  } catch {}
  assert.deepEqual(JSON.parse(JSON.stringify(g.state)), { whole: { x: 1 } });
});

test("a watch that is given up while it begins is ended, and calls nobody", async () => {
  let answer, begun;
  let ended = 0;
  const told = [];
  bridge.watch = (request, deliver) => {
    answer = deliver;
    return new Promise((resolve) => (begun = () => resolve(() => ended++)));
  };
  const controller = new AbortController();
  const watching = Goop.data.watch("moves", { signal: controller.signal }, (e) => told.push(e));
  while (!begun) await new Promise((resolve) => setTimeout(resolve));
  controller.abort();
  await assert.rejects(watching, { name: "AbortError" });
  answer(JSON.stringify({ id: 1, rows: [] }), true);
  begun();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([ended, told], [1, []]);
});

test("a watch that was stopped leaves nothing at its signal", async () => {
  let ended = 0;
  bridge.watch = async () => () => ended++;
  const listening = new Set();
  const signal = new AbortController().signal;
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  signal.addEventListener = function (type, fn, o) { listening.add(fn); return addEventListener.call(this, type, fn, o); };
  signal.removeEventListener = function (type, fn, o) { listening.delete(fn); return removeEventListener.call(this, type, fn, o); };
  const stop = await Goop.data.watch("moves", { signal }, () => {});
  stop();
  stop();
  assert.deepEqual([ended, listening.size], [1, 0]);
});

test("steps of a loop that are asked for together each get their event, and end with it", async () => {
  const g = await Goop.group.join("stepped");
  deliver("stepped", WELCOME);
  const steps = g[Symbol.asyncIterator]();
  const both = [steps.next(), steps.next(), steps.next()];
  deliver("stepped", { type: "msg", seq: 2, payload: "a" }, { type: "msg", seq: 3, payload: "b" });
  await steps.return();
  const got = await Promise.race([Promise.all(both), new Promise((resolve) => setTimeout(resolve, 1000, "nothing"))]);
  assert.deepEqual(got.map?.((r) => (r.done ? "done" : r.value.payload)) ?? got, ["a", "b", "done"]);
});

test("a join that fails does not take the place of the group that was joined last", async () => {
  const left = [];
  const { join } = bridge;
  bridge.leave = async (session) => void left.push(session);
  const before = await Goop.group.join("kept");
  deliver("kept", WELCOME);
  bridge.join = async (id, ...rest) => {
    if (id === "nowhere") throw Object.assign(new Error("no such group"), { code: "no_such_group" });
    return join(id, ...rest);
  };
  const failing = [Goop.group.join("nowhere"), Goop.group.join(7), Goop.group.leave()];
  const codes = (await Promise.allSettled(failing)).map((r) => r.reason?.code);
  assert.deepEqual(codes, ["no_such_group", "invalid_value", "invalid_value"], "what is called before a join is through shares its end");
  await Goop.group.leave();
  assert.equal(before.closed, true);
  assert.equal(left.length, 1);
  bridge.join = join;
});

test("a page learns from a refusal that it is no owner any more", async () => {
  const before = bridge.call;
  let role = "owner";
  bridge.call = async (request) => {
    if (JSON.parse(request).op === "role") return JSON.stringify({ role });
    throw new Goop.GoopError("forbidden", "only the site's owner may create groups here");
  };
  const changed = () => new Promise((resolve) => { const off = Goop.on("me", () => (off(), resolve())); });
  const known = changed();
  status({ state: "online", peer: "me", host: "it" });
  await known;
  assert.equal(Goop.me.role, "owner");
  role = "visitor";
  const told = changed();
  await assert.rejects(Goop.group.create({ name: "mine" }), { code: "forbidden" });
  await told;
  assert.equal(Goop.me.role, "visitor");
  bridge.call = before;
});
