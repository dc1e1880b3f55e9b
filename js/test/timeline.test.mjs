// The pure parts of the study site: the messages as a page knows them, and two changes of one text. No
// browser is needed for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { merge3 } from "../../host/templates/study/merge3.js";
import { linksOf, nameOf } from "../../host/templates/study/shared.js";
import { lines, Timeline } from "../../host/templates/study/timeline.js";

const msg = (seq, from = "A", time = seq * 1000) => ({ type: "msg", seq, from, time, payload: { text: `m${seq}` } });

test("each message once and in order, however it came", () => {
  const t = new Timeline();
  assert.equal(t.add(msg(7)), true);
  t.addPage([msg(5), msg(6), msg(7)]);
  t.addPage([msg(3), msg(4)]);
  assert.equal(t.complete, false, "a short page need not be the last one");
  t.addPage([]);
  assert.equal(t.complete, true);
  assert.equal(t.add(msg(5)), false);
  assert.equal(t.add({ ...msg(8), seq: undefined }), false, "a volatile message has no place");
  assert.deepEqual(t.entries.map((e) => e.seq), [3, 4, 5, 6, 7]);
  assert.deepEqual([t.first, t.last], [3, 7]);
  t.clear();
  assert.deepEqual([t.first, t.last, t.complete], [0, 0, false]);
});

test("a message that was taken away keeps its place", () => {
  const t = new Timeline();
  t.addPage([msg(1), msg(2), { type: "redact", seq: 3, from: "B", target: 1 }, { ...msg(4), redacted: true }]);
  assert.deepEqual(t.entries.map((e) => [e.seq, !!e.redacted, e.payload?.text]), [[1, true, undefined], [2, false, "m2"], [4, true, undefined]]);
  assert.equal(t.redact(2), true);
  assert.equal(t.redact(2), false);
  assert.equal(t.redact(99), false);
  assert.equal(t.unread(0, "B"), 0);
  assert.equal(t.complete, true, "nothing stands before the first entry");
});

test("what is unread is what others have said", () => {
  const t = new Timeline();
  t.addPage([msg(1), msg(2, "me"), msg(3), msg(4)]);
  assert.equal(t.unread(1, "me"), 2);
  assert.equal(t.unread(4, "me"), 0);
});

test("days, the mark of what is new, and names where they change", () => {
  const day = (time) => (time < 100_000 ? "one" : "two");
  const shown = (readUpTo) => lines([msg(1), msg(2), msg(3, "me"), msg(4, "B"), msg(150, "B"), msg(500, "B")], { me: "me", readUpTo, day })
    .map((l) => (l.kind === "message" ? `${l.entry.seq}${l.named ? "n" : ""}${l.mine ? "m" : ""}` : l.kind));
  assert.deepEqual(shown(0), ["day", "1n", "2", "3nm", "4n", "day", "150n", "500n"]);
  assert.deepEqual(shown(2), ["day", "1n", "2", "3nm", "new", "4n", "day", "150n", "500n"], "one's own message is not new");
  assert.deepEqual(shown(500).includes("new"), false);
  assert.deepEqual(lines([], { me: "me", readUpTo: 0, day }), []);
});

test("changes in different places go together, and those that meet do not", () => {
  const base = "a\nb\nc\nd";
  for (const [mine, theirs, want] of [
    [base, "x\nb\nc\nd", "x\nb\nc\nd"],
    ["x\nb\nc\nd", base, "x\nb\nc\nd"],
    ["A\nb\nc\nd", "a\nb\nc\nD", "A\nb\nc\nD"],
    ["a\nb\nc\nd\ne", "0\na\nb\nc\nd", "0\na\nb\nc\nd\ne"],
    ["a\nc\nd", "a\nb\nc\nd\ne", "a\nc\nd\ne"],
    ["a\nb\nc\nD", "a\nb\nc\nX", null],
    ["a\nb\nc\nd\nmine", "a\nb\nc\nd\ntheirs", null],
    ["a\nb", "a\nb\nC\nd", null],
    ["same", "same", "same"],
    ["", "a\nb\nc\nd\ne", "\ne"],
  ]) {
    assert.equal(merge3(base, mine, theirs), want, JSON.stringify([mine, theirs]));
    assert.equal(merge3(base, theirs, mine), want, "the other way round");
  }
});

test("whatever a member puts into the state, the others can read the page", () => {
  const odd = { toString: 1, valueOf: 1 };
  assert.deepEqual(linksOf({
    links: {
      a: { url: "example.org/x", title: odd, by: odd, at: odd }, b: { url: odd }, c: null, d: "text", e: { url: "javascript:alert(1)" },
      f: { url: "https://b.example/", title: "B", by: "A", at: 2 }, g: { url: "" }, h: {},
    },
  }), [
    { id: "f", href: "https://b.example/", host: "b.example", title: "B", by: "A" },
    { id: "a", href: "https://example.org/x", host: "example.org", title: "", by: "" },
  ]);
  for (const links of [undefined, null, odd, "text", 7, ["https://a.example"]]) assert.deepEqual(linksOf({ links }), [], JSON.stringify(links));
  for (const people of [undefined, "text", odd, { A: odd }]) {
    assert.equal(nameOf({ members: [], state: { people } }, "A"), "Somebody");
    assert.equal(nameOf({ members: [], state: { people } }, odd), "Somebody");
  }
});
