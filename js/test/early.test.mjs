// What goop.js begins while the member is on its way, when the member never comes. sdk.test.mjs has the rest.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load, Session } from "./harness/sdk.mjs";

const { Goop } = await load("http://host.test/", { wasm: false });

test("a session that was begun for a member that cannot be loaded is closed", async () => {
  await assert.rejects(Goop.ready, { name: "GoopError", code: "internal" });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(Session.all.map((s) => s.over), [true]);
});
