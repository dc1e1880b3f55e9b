// A todo page with two users: what author rules, conditions, hidden and readonly columns come to in
// real browsers, and what a lost connection does to a write.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "./harness/host.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS } from "./harness/worlds.mjs";

const site = join(root, "js/test/todo");

const texts = () => [...document.querySelectorAll("#list li :is(span, s)")].map((e) => `${e.localName === "s" ? "x " : ""}${e.textContent}`).join(" | ");

/** Waits until a page shows this list. */
const shows = (tab, want) => tab.waitFor(`(want) => (${texts})() === want`, [want], { what: `the list to be "${want}"` });

/** What a call in the page is refused with; null when it is not. */
const refused = (tab, fn, ...args) => tab.evaluate(`async (...args) => {
  try {
    await (${fn})(...args);
    return null;
  } catch (e) {
    return [e.code, e.message];
  }
}`, ...args);

async function add(tab, text, secret = false) {
  await tab.fill("input[name=text]", text);
  if (secret) await tab.click("input[name=secret]");
  await tab.click("#add button");
  await tab.waitFor(() => document.querySelector("input[name=text]").value === "", [], { what: "an empty form" });
}

for (const browser of BROWSERS) {
  const other = BROWSERS.find((b) => b !== browser);

  scene(`a todo page of two users, ann in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site });
    const ann = await (await s.peer(browser, "ann")).open(host.url);
    const bob = await (await s.peer(other, "bob")).open(host.url);
    await add(ann, "Buy milk");
    await add(bob, "Feed the cat");
    for (const tab of [ann, bob]) await shows(tab, "Buy milk | Feed the cat");

    // Each ticks and removes one's own; the other page follows.
    await ann.click('#list li[data-mine="true"] input');
    for (const tab of [ann, bob]) await shows(tab, "x Buy milk | Feed the cat");
    assert.equal(await bob.text("#left"), "1 left");
    assert.equal(await bob.evaluate(() => document.querySelector('#list li[data-mine="false"] input').disabled), true);

    // A page that does not care is refused by the host.
    const milk = await bob.evaluate(async () => (await Goop.data.query("todos", { where: { text: "Buy milk" } }))[0]._id);
    assert.deepEqual(await refused(bob, (id) => Goop.data.update("todos", id, { text: "Buy beer" }), milk),
      ["forbidden", 'you may not update table "todos": its rule for that is "author"']);
    assert.equal((await refused(bob, (id) => Goop.data.remove("todos", id), milk))[0], "forbidden");
    assert.equal((await refused(bob, (id) => Goop.data.increment("todos", id, { done: 1 }), milk))[0], "invalid_value");
    assert.equal(await bob.evaluate(() => Goop.data.updateWhere("todos", {}, { done: true })), 1, "of all rows, bob may change his own");
    assert.equal(await bob.evaluate(() => Goop.data.removeWhere("todos", { text: "Buy milk" })), 0);
    for (const tab of [ann, bob]) await shows(tab, "x Buy milk | x Feed the cat");

    // What is ann's alone is not there for bob, by any way to ask.
    await add(ann, "Plan bob's party", true);
    await shows(ann, "x Buy milk | x Feed the cat | Plan bob's party");
    await add(bob, "Sleep");
    await shows(bob, "x Buy milk | x Feed the cat | Sleep");
    const party = await ann.evaluate(async () => (await Goop.data.query("todos", { where: { secret: true } }))[0]._id);
    assert.deepEqual(await bob.evaluate(async (id) => [
      await Goop.data.count("todos"),
      await Goop.data.count("todos", { where: { _id: id } }),
      (await Goop.data.query("todos", { where: { _search: "part" } })).length,
      (await Goop.data.aggregate("todos", { compute: { last: { max: "text" } } }))[0].last,
    ], party), [3, 0, 0, "Sleep"]);
    assert.deepEqual(
      [await refused(bob, (id) => Goop.data.get("todos", id), party), await refused(bob, (id) => Goop.data.remove("todos", id), party)],
      Array(2).fill(["not_found", `table "todos" has no row ${party} that you may see`]));
    await ann.evaluate((id) => Goop.data.update("todos", id, { secret: false }), party);
    await shows(bob, "x Buy milk | x Feed the cat | Plan bob's party | Sleep");
    await ann.evaluate((id) => Goop.data.update("todos", id, { secret: true }), party);
    await shows(bob, "x Buy milk | x Feed the cat | Sleep");

    // Hidden columns are not there, readonly ones not to be written.
    assert.equal((await refused(bob, () => Goop.data.insert("todos", { text: "x", remark: "y" })))[0], "no_such_column");
    assert.equal((await refused(bob, () => Goop.data.query("todos", { where: { remark: null } })))[0], "no_such_column");
    assert.equal((await refused(bob, () => Goop.data.insert("todos", { text: "x", flag: 1 })))[0], "invalid_value");
    assert.equal(await bob.evaluate(async () => "remark" in (await Goop.data.query("todos"))[0]), false);
    const claim = await (await s.peer(browser, "teacher")).open(await host.ownerLink());
    await claim.waitFor(() => Goop.me.role === "owner");
    await shows(claim, "x Buy milk | x Feed the cat | Plan bob's party | Sleep");
    await claim.evaluate((id) => Goop.data.update("todos", id, { remark: "fine", flag: 2 }), milk);
    await bob.waitFor(async (id) => (await Goop.data.get("todos", id)).flag === 2, [milk]);
    assert.equal(await bob.evaluate(async (id) => JSON.stringify(await Goop.data.get("todos", id)).includes("fine"), milk), false);

    // Too long: the page says why, and what was typed stays.
    await ann.fill("input[name=text]", "x".repeat(201));
    await ann.click("#add button");
    await ann.waitFor(() => document.querySelector("#error").textContent.includes("at most 200 characters"));
    assert.equal(await ann.evaluate(() => document.querySelector("input[name=text]").value.length), 201);
  });

  scene(`rows written while the host is killed are there once, in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site });
    const tab = await (await s.peer(browser)).open(host.url);
    await tab.evaluate(() => Goop.ready);
    await tab.evaluate(() => {
      window.ended = [];
      window.writing = (async () => {
        for (let i = 0; i < 40; i++) {
          window.ended.push(...await Promise.all([0, 1, 2].map(async (j) => (await Goop.data.insert("todos", { text: `${i}.${j}` })).text)));
        }
      })();
    });
    for (const least of [9, 40, 80]) {
      await tab.waitFor((n) => window.ended.length >= n, [least]);
      await host.kill();
      await host.start();
    }
    await tab.waitFor(() => window.writing.then(() => true), [], { what: "all writes to be answered" });
    const rows = await tab.evaluate(async () => (await Goop.data.query("todos", { limit: 1000 })).map((r) => r.text));
    assert.equal(new Set(rows).size, rows.length, "a row is there twice");
    assert.deepEqual(rows.toSorted(), (await tab.evaluate(() => window.ended)).toSorted());
    assert.equal(rows.length, 120);
    await tab.waitFor(() => document.querySelectorAll("#list li").length === 120, [], { what: "the live list to be whole" });
  });
}
