// What a page is told when the member ends under it, as a Go program does that panics.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./harness/sdk.mjs";

const { Goop, bridge, deliver, end, status } = await load();
const WELCOME = { type: "welcome", payload: { epoch: "e", seq: 1, state: {}, members: [], count: 0, rosterVersion: 1, you: { role: "member" }, limits: {} } };

test("a member that ends leaves nobody waiting", async () => {
  const g = await Goop.group.join("g");
  deliver("g", WELCOME);
  const kept = await Goop.group.join("kept");
  deliver("kept", WELCOME);
  status({ state: "online", transport: "webtransport", peer: "P", host: "H" });
  await Goop.ready;
  const told = [], closes = [], errors = [];
  kept.on("close", (e) => closes.push([e.reason, e.message]));
  kept.on("error", (e) => errors.push(e.code));
  const loop = (async () => {
    const seen = [];
    for await (const e of kept) seen.push(e.type);
    return seen.at(-1);
  })();
  Goop.on("status", (s) => told.push(s));
  bridge.call = bridge.leave = () => new Promise(() => {});
  bridge.post = (entries) => JSON.parse(entries).length;
  bridge.now = () => assert.fail("Go program has already exited");
  const waits = [g.send(1), g.setState({ a: 1 }), Goop.data.query("t"), Goop.group.invite("g", {}), g.leave()];
  await Promise.resolve();
  end();

  const stopped = { name: "GoopError", code: "internal", message: "Goop has stopped: it ended. Reload the page." };
  for (const wait of waits) await assert.rejects(wait, stopped);
  assert.deepEqual(told.map((s) => [s.state, s.error.message]), [["closed", stopped.message]]);
  assert.equal(Goop.status, told[0]);
  assert.deepEqual([closes, errors, await loop, kept.closed], [[["internal", stopped.message]], ["internal"], "close", true]);
  await assert.rejects(Goop.group.join("another"), stopped);
  await assert.rejects(Goop.data.query("t"), stopped);
  assert.equal(typeof Goop.now(), "number", "the page's own clock goes on");
});
