// What goop.js makes of the calls of Goop.data: the requests that go to the host, and what the answers
// become. How the host does them is tested on the host.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./harness/host.mjs";
import { load } from "./harness/sdk.mjs";

const { Goop, bridge } = await load();
const { data } = Goop;

/** Does something while the host answers like this, and returns what it resolves with and what was asked. */
async function asking(fn, ...answers) {
  const asked = [];
  bridge.call = async (text) => {
    asked.push(JSON.parse(text));
    return JSON.stringify({ id: asked.length, ...answers.shift() });
  };
  return { got: await fn(), asked };
}

const row = { _id: 1, text: "x" };

for (const [name, fn, request, answer, want] of [
  ["insert", () => data.insert("t", { text: "x" }), { op: "insert", table: "t", values: { text: "x" } }, { row }, row],
  ["insertMany", () => data.insertMany("t", [{ text: "x" }]), { op: "insertMany", table: "t", rows: [{ text: "x" }] }, { rows: [row] }, [row]],
  ["update", () => data.update("t", 1, { text: "x" }), { op: "update", table: "t", row: 1, values: { text: "x" } }, { row }, row],
  ["updateWhere", () => data.updateWhere("t", { a: 1 }, { a: 2 }), { op: "updateWhere", table: "t", where: { a: 1 }, values: { a: 2 } }, { updated: 3 }, 3],
  ["remove", () => data.remove("t", 1), { op: "remove", table: "t", row: 1 }, { removed: 1 }, undefined],
  ["removeWhere", () => data.removeWhere("t", {}), { op: "removeWhere", table: "t", where: {} }, { removed: 9 }, 9],
  ["upsert", () => data.upsert("t", { text: "x" }, { on: ["text"] }), { op: "upsert", table: "t", values: { text: "x" }, on: ["text"] },
    { row, inserted: true }, { row, inserted: true }],
  ["upsert without on", () => data.upsert("t", {}), { op: "upsert", table: "t", values: {} }, { row, inserted: false }, { row, inserted: false }],
  ["increment", () => data.increment("t", 1, { n: -2 }), { op: "increment", table: "t", row: 1, values: { n: -2 } }, { row }, row],
  ["get with columns", () => data.get("t", 1, { columns: ["text"] }), { op: "get", table: "t", row: 1, columns: ["text"] }, { row }, row],
  ["aggregate", () => data.aggregate("t", { by: ["a"], compute: { n: "count" } }), { op: "aggregate", table: "t", by: ["a"], compute: { n: "count" } },
    { rows: [{ a: 1, n: 2 }] }, [{ a: 1, n: 2 }]],
  ["sql", () => data.sql("SELECT ?", [1]), { op: "sql", text: "SELECT ?", params: [1] }, { columns: ["?"], rows: [[1]], changes: 0 },
    { columns: ["?"], rows: [[1]], changes: 0 }],
  ["a key of one's own", () => data.insert("t", {}, { key: "0123456789abcdef" }), { op: "insert", table: "t", values: {}, key: "0123456789abcdef" }, { row }, row],
]) {
  test(name, async () => {
    const { got, asked } = await asking(fn, answer);
    assert.deepEqual(asked, [request]);
    assert.deepEqual(got, want);
  });
}

test("a batch resolves with what each operation alone would", async () => {
  const operations = [
    { op: "insert", table: "t", values: {} },
    { op: "remove", table: "t", row: { $row: 0 } },
    { op: "removeWhere", table: "t", where: {} },
    { op: "upsert", table: "t", values: {} },
    { op: "send", group: "g", payload: 1 },
  ];
  const results = [{ row }, { removed: 1 }, { removed: 4 }, { row, inserted: true }, { seq: 7, time: 8 }];
  const { got, asked } = await asking(() => data.batch(operations), { results });
  assert.deepEqual(asked, [{ op: "batch", operations }]);
  assert.deepEqual(got, [row, undefined, 4, { row, inserted: true }, { seq: 7, time: 8 }]);
});

test("a Date is a time and bytes are a blob, wherever they stand", async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i);
  const { asked } = await asking(() => data.insert("t", { at: new Date(5), few: new Uint8Array([1, 2, 255]), many: bytes.buffer, none: new Uint8Array() }), { row });
  assert.deepEqual(asked[0].values, { at: 5, few: "AQL/", many: Buffer.from(bytes).toString("base64"), none: "" });
  const within = await asking(() => data.query("t", { where: { at: { ">": new Date(9) } } }), { rows: [] });
  assert.deepEqual(within.asked[0].where, { at: { ">": 9 } });
  await assert.rejects(data.insert("t", { at: new Date("never") }), { name: "GoopError", code: "invalid_value", message: /"at"/ });
});

test("pages go on from the cursor", async () => {
  const { got, asked } = await asking(async () => {
    const first = await data.query("t", { limit: 1 });
    assert.deepEqual(Object.keys(first), ["0"], "the cursor is no row");
    return first.cursor;
  }, { rows: [row], cursor: "abc" });
  assert.equal(got, "abc");
  assert.deepEqual(asked, [{ op: "query", table: "t", limit: 1 }]);

  const all = await asking(async () => {
    const seen = [];
    for await (const each of data.each("t", { limit: 2, order: ["a"] })) seen.push(each._id);
    return seen;
  }, { rows: [{ _id: 1 }, { _id: 2 }], cursor: "abc" }, { rows: [{ _id: 3 }] });
  assert.deepEqual(all.got, [1, 2, 3]);
  assert.deepEqual(all.asked.map((q) => q.after), [undefined, "abc"]);
});

// The same lines lead Go from one result to the next (shared/wire/testdata).
for (const line of readFileSync(join(root, "shared/wire/testdata/data/follow.jsonl"), "utf8").split("\n").filter(Boolean)) {
  const { name, before, event, after } = JSON.parse(line);
  test(`a live query follows: ${name}`, async () => {
    let tell;
    bridge.watch = async (_, fn) => {
      tell = fn;
      return () => {};
    };
    const seen = [];
    await data.watch("t", (change) => seen.push(change));
    tell(JSON.stringify({ id: 7, rows: before }), true);
    tell(JSON.stringify(event), false);
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(seen.map((s) => s.rows), [before, after]);
    assert.deepEqual(seen[1].removed, before.filter((row) => event.removed?.includes(row._id)));
  });
}
