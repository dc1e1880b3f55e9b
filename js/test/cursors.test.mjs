// What changes many times a second: volatile and unreliable messages, which may be lost, but never go back.

import assert from "node:assert/strict";
import { everywhere } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

/** In the page: joins and keeps what comes as window.got. */
const join = async () => {
  window.got = [];
  window.g = await Goop.group.join("room", (event) => window.got.push(event));
  return [Goop.me.peer, Goop.status.transport];
};

/** In the page: moves two cursors n times, as fast as frames are drawn, from place first on. Part tells apart what comes late. */
const draw = async (part, first, n, options) => {
  const receipts = [];
  for (let x = first; x < first + n; x++) {
    await new Promise((next) => setTimeout(next, 10));
    for (const key of ["left", "right"]) receipts.push(window.g.send({ x, part }, { ...options, key }));
  }
  return [...new Set((await Promise.all(receipts)).map((r) => r.seq))];
};

/** In the page: whether both cursors have come that far. */
const arrived = (part, from, x) =>
  ["left", "right"].every((key) => window.got.some((m) => m.from === from && m.key === key && m.payload.part === part && m.payload.x >= x));

/** In the page: what came of one peer's cursors in that part, since the last call. */
const take = (from, part) => {
  const of = window.got.filter((m) => m.from === from && m.payload.part === part);
  window.got = [];
  return of;
};

/** Checks what has come of one peer: each of the kind that it is to be, in order for each key, the last one too. */
function check(events, want, what) {
  for (const key of ["left", "right"]) {
    const xs = events.filter((m) => m.key === key).map((m) => m.payload.x);
    assert.deepEqual(xs, [...new Set(xs)].sort((a, b) => a - b), `${what}: ${key} goes back`);
  }
  for (const { type, volatile, unreliable, seq } of events) {
    assert.deepEqual({ type, volatile, unreliable, seq }, { type: "msg", volatile: true, seq: undefined, ...want }, what);
  }
}

for (const browser of BROWSERS) {
  everywhere(`cursors of ${browser}`, async (s) => {
    const host = await s.host({ site: SITE });
    // A busy machine could lose WebTransport's head start.
    const over = (transport) => `${host.url}/?goop-transport=${transport}`;
    const drawer = await (await s.peer(browser, "drawer")).open(over(s.world));
    const watcher = await (await s.peer("chromium", "watcher")).open(over(s.world));
    const plain = await (await s.peer("chromium", "plain")).open(over("websocket"));
    const [me, transport] = await drawer.evaluate(join);
    assert.equal(transport, s.world);
    const [other] = await watcher.evaluate(join);
    const [third, narrow] = await plain.evaluate(join);
    assert.equal(narrow, "websocket");

    // The last ones may be lost like any other, so they move until both have seen them far enough.
    let part = 0;
    const until = async (tab, from, to, options, far) => {
      let x = 0;
      part++;
      assert.deepEqual(await tab.evaluate(draw, part, x, 20, options), [0], "a receipt has no place in the order");
      x += 20;
      for (let round = 0; ; round++) {
        const there = await Promise.all(to.map((t) => t.evaluate(arrived, part, from, far)));
        if (there.every(Boolean)) return;
        assert.ok(round < 100, "nothing arrives");
        await tab.evaluate(draw, part, x, 2, options);
        x += 2;
      }
    };

    await until(drawer, me, [watcher, plain], { volatile: true }, 19);
    check(await watcher.evaluate(take, me, part), { unreliable: undefined }, "volatile");
    check(await plain.evaluate(take, me, part), { unreliable: undefined }, "volatile over a WebSocket");

    const some = s.world === "webtransport" ? true : undefined;
    await until(drawer, me, [watcher, plain], { unreliable: true }, 19);
    check(await watcher.evaluate(take, me, part), { unreliable: some }, "unreliable");
    check(await plain.evaluate(take, me, part), { unreliable: undefined }, "unreliable, to a WebSocket");

    await until(watcher, other, [drawer], { unreliable: true }, 19);
    check(await drawer.evaluate(take, other, part), { unreliable: some }, "unreliable the other way");
    await until(plain, third, [drawer], { unreliable: true }, 19);
    check(await drawer.evaluate(take, third, part), { unreliable: undefined }, "unreliable, from a WebSocket");

    // To one peer it is a volatile line, and nobody hears his own.
    await drawer.evaluate((to) => window.g.send({ x: 1 }, { unreliable: true, to }), other);
    await watcher.waitFor((p) => window.got.some((m) => m.from === p && m.to && m.volatile && !m.unreliable), [me]);
    assert.deepEqual(await drawer.evaluate(take, me), []);

    const code = await drawer.evaluate(() =>
      window.g.send("x".repeat(window.g.limits.datagram), { unreliable: true }).then(() => "sent", (e) => e.code));
    assert.equal(code, "too_large");

    // What counts goes on as before.
    const { seq } = await drawer.evaluate(() => window.g.send("counts"));
    assert.ok(seq > 0);
    await watcher.waitFor(() => window.got.some((m) => m.payload === "counts"));
  });
}
