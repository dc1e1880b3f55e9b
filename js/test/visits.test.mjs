// What a page has sent and nobody has acknowledged outlasts the page: in real browsers, against the real
// binary.

import assert from "node:assert/strict";
import { everywhere, scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

/** In the page: joins a group and keeps what comes as window.got. */
const joinAndListen = async (id, options) => {
  window.got = [];
  window.unsent = [];
  window.g = await Goop.group.join(id, (event) => window.got.push(event), options);
  window.g.on("error", (e) => window.unsent.push([e.code, e.unsent]));
  return Goop.me.peer;
};
const send = async (...payloads) => {
  for (const p of payloads) window.g.send(p).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  return window.g.waiting;
};
const gone = () => Goop.status.state !== "online";
const none = () => window.g.waiting === 0;
const payloads = () => window.got.map((m) => m.payload);

/** In the page: the messages that the browser has stored, in their order. */
const stored = () =>
  new Promise((resolve, reject) => {
    const open = indexedDB.open("goop");
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const get = open.result.transaction("values").objectStore("values").getAllKeys();
      get.onsuccess = () => {
        open.result.close();
        resolve(get.result.filter((key) => key.includes("/outbox/")).length);
      };
    };
  });

for (const browser of BROWSERS) {
  everywhere(`what ${browser} sends while offline outlasts the tab`, async (s) => {
    const host = await s.host({ site: SITE });
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await other.evaluate(joinAndListen, "room");
    const profile = await s.peer(browser);
    const one = await profile.open(host.url);
    await one.evaluate(joinAndListen, "room");
    await one.evaluate(() => window.g.send("before"));

    await host.kill();
    await one.waitFor(gone, [], { timeout: 5_500 });
    assert.equal(await one.evaluate(send, 1, 2, { three: "é\u2028\n" }), 3);
    await one.evaluate(() => void window.g.setState({ topic: "later" }).catch(() => {}));
    await one.waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 4], { what: "four stored messages" });
    await one.close();

    await host.start();
    await other.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
    const opened = Date.now();
    const two = await profile.open(host.url);
    await two.evaluate(joinAndListen, "room");
    await two.evaluate(() => window.g.send(4));
    await other.waitFor(() => window.got.at(-1)?.payload === 4);
    s.log(`it was there ${Date.now() - opened} ms after the next visit began`);
    const got = await other.evaluate(() => window.got.map((m) => m.payload ?? m.patch));
    assert.deepEqual(got, ["before", 1, 2, { three: "é\u2028\n" }, { topic: "later" }, 4], "in the order of the calls");
    assert.deepEqual((await two.evaluate(() => window.got.map((m) => m.payload ?? m.patch))).slice(-4), got.slice(1, 5),
      "the page that is there now gets what it did not send itself");
    assert.equal(await two.evaluate(() => window.g.state.topic), "later");
    await two.waitFor(none);
    await two.waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 0], { what: "nothing to be stored" });

    await two.reload();
    await two.evaluate(joinAndListen, "room");
    await two.evaluate(() => window.g.send("end"));
    await other.waitFor(() => window.got.at(-1)?.payload === "end");
    assert.equal((await other.evaluate(payloads)).length, 7, "nothing twice");
    assert.deepEqual(await two.evaluate(() => window.unsent), []);
  });

  everywhere(`two tabs of ${browser} that are offline send once what they have`, async (s) => {
    const host = await s.host({ site: SITE });
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await other.evaluate(joinAndListen, "room");
    const profile = await s.peer(browser);
    const tabs = [await profile.open(host.url), await profile.open(host.url), await profile.open(host.url)];
    for (const tab of tabs) await tab.evaluate(joinAndListen, "room");
    await host.kill();
    for (const [i, tab] of tabs.entries()) {
      await tab.waitFor(gone, [], { timeout: 5_500 });
      await tab.evaluate(send, `${i} a`, `${i} b`);
    }
    await tabs[0].waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 6], { what: "six stored messages" });
    await tabs[0].close(); // its messages are for one of the others, or for whoever comes
    await host.start();
    const late = await profile.open(host.url);
    await late.evaluate(joinAndListen, "room");
    await other.waitFor(() => window.got.length >= 6, [], { timeout: 60_000 });
    await late.waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 0], { what: "nothing to be stored" });
    await late.evaluate(() => window.g.send("end"));
    await other.waitFor(() => window.got.at(-1)?.payload === "end");
    const got = await other.evaluate(payloads);
    assert.deepEqual([...got].sort(), ["0 a", "0 b", "1 a", "1 b", "2 a", "2 b", "end"]);
    for (const i of [0, 1, 2]) assert.ok(got.indexOf(`${i} a`) < got.indexOf(`${i} b`), `the order of tab ${i}: ${got}`);
    for (const tab of tabs.slice(1)) await tab.waitFor(none);
  });

  scene(`${browser} stores the last words of a page that is left`, "webtransport", async (s) => {
    const host = await s.host({ site: SITE });
    const other = await (await s.peer("chromium", "other")).open(host.url);
    await other.evaluate(joinAndListen, "room");
    const profile = await s.peer(browser);
    const one = await profile.open(host.url);
    await one.evaluate(joinAndListen, "room");
    await one.evaluate(() => window.g.send("before"));
    await host.kill();
    await one.evaluate(() => {
      window.g.send("last words").catch(() => {});
      location.href = "about:blank"; // long before the page notices that there is no host
    });
    await one.waitFor(() => location.href === "about:blank");
    await host.start();
    const two = await profile.open(host.url);
    const began = Date.now();
    await two.evaluate(joinAndListen, "room");
    await two.evaluate(() => window.g.send("next"));
    const took = Date.now() - began;
    assert.ok(took < 5_000, `the next visit waited ${took} ms for a page that had said that it goes`);
    await other.waitFor(() => window.got.at(-1)?.payload === "next", [], { timeout: 40_000 });
    assert.deepEqual(await other.evaluate(payloads), ["before", "last words", "next"]);
  });

  scene(`a group that was made anew does not get what ${browser} had for the old one`, "webtransport", async (s) => {
    const host = await s.host({ site: SITE });
    const owner = await (await s.peer("chromium", "owner")).open(await host.ownerLink());
    await owner.waitFor(() => Goop.me.role === "owner");
    const make = () => Goop.group.create({ id: "club", type: "persistent" });
    await owner.evaluate(make);
    const profile = await s.peer(browser);
    const one = await profile.open(host.url);
    await one.evaluate(joinAndListen, "club");
    await host.kill();
    await one.waitFor(gone, [], { timeout: 5_500 });
    await one.evaluate(send, { text: "for the old club" });
    await one.waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 1], { what: "a stored message" });
    await one.close();
    await host.start();
    await owner.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
    await owner.evaluate(() => Goop.group.close("club"));
    await owner.evaluate(make);
    const two = await profile.open(host.url);
    await two.evaluate(joinAndListen, "club");
    assert.deepEqual(await two.waitFor(() => window.unsent.length && window.unsent),
      [["epoch_changed", { type: "msg", payload: { text: "for the old club" } }]]);
    await two.evaluate(() => window.g.send("new"));
    assert.equal(await two.evaluate(() => window.g.seq), 1);
  });

  scene(`acknowledged messages cost ${browser} no storage`, "webtransport", async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    await tab.evaluate(joinAndListen, "room");
    const [writes, rounds] = await tab.evaluate(async () => {
      let writes = 0;
      for (const name of ["put", "delete"]) {
        const real = IDBObjectStore.prototype[name];
        IDBObjectStore.prototype[name] = function (...args) {
          writes++;
          return real.apply(this, args);
        };
      }
      const rounds = 100;
      for (let i = 0; i < rounds; i++) await window.g.send({ i });
      await new Promise((resolve) => setTimeout(resolve, 200));
      return [writes, rounds];
    });
    s.log(`${writes} rows were written or deleted for ${rounds} messages`);
    assert.ok(writes < rounds / 2, `${writes} rows were written or deleted for ${rounds} messages`); // none unless the machine is busy
  });
}

scene("what a tab that crashes had stored goes out in front of what the next one sends", "webtransport", async (s) => {
  const host = await s.host({ site: SITE });
  const other = await (await s.peer("chromium", "other")).open(host.url);
  await other.evaluate(joinAndListen, "room");
  const profile = await s.peer("chromium");
  const one = await profile.open(host.url);
  await one.evaluate(joinAndListen, "room");
  await host.kill();
  await one.waitFor(gone, [], { timeout: 5_500 });
  await one.evaluate(send, 1, 2);
  await one.waitFor(async (count, n) => (await eval(count)()) === n, [stored.toString(), 2], { what: "two stored messages" });
  const crashed = new Promise((resolve) => one.page.once("crash", resolve));
  one.page.goto("chrome://crash").catch(() => {});
  await crashed;
  await host.start();
  const two = await profile.open(host.url);
  await two.evaluate(joinAndListen, "room");
  const began = Date.now();
  await two.evaluate(() => window.g.send(3)); // until the lease of the crashed one has run out
  const took = Date.now() - began;
  assert.ok(took < 12_000, `it took ${took} ms`);
  await other.waitFor(() => window.got.at(-1)?.payload === 3, [], { timeout: 40_000 });
  assert.deepEqual(await other.evaluate(payloads), [1, 2, 3]);
});
