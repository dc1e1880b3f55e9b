// Sites behind a door, as visitors see them: the pages come over libp2p, by a service worker, from the host itself.

import assert from "node:assert/strict";
import { labelOf, native, peerOf, worker } from "./harness/doors.mjs";
import { Faker } from "./harness/faker.mjs";
import { playChess, quietCut } from "./harness/journey.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const online = (tab) => tab.waitFor(() => globalThis.Goop?.status.state === "online", [], { timeout: 40_000, what: "the site's own page, online" });
/** One of the views of the page that is seen before the site's own. */
const view = (tab, name) => tab.waitFor((want) => document.body?.dataset.view === want, [name], { timeout: 30_000, what: `the view "${name}"` });

/** A host that has announced itself to a door, one of its own if there is none; resolves with where the site is, too. */
async function behindDoor(s, options = {}, door = undefined) {
  if (!door) {
    door = await native(s.log);
    s.defer(() => door.close());
  }
  const host = await s.host({ ...options, args: ["--door", door.url, ...(options.args ?? [])] });
  return { door, host, url: await door.knows(host) };
}

for (const browser of BROWSERS) {
  scene(`chess and a quiet cut of ${browser} through the door in workerd`, "webtransport", async (s) => {
    const door = await worker("localhost", s.log);
    s.defer(() => door.close());
    const { host, url } = await behindDoor(s, {}, door);
    const { white } = await playChess({ host, url, a: await s.peer(browser, "anne"), b: await s.peer(browser, "ben") });
    assert.deepEqual(await white.evaluate(() => [location.origin, Goop.status.transport, !!navigator.serviceWorker.controller]), [url, "webtransport", true]);
    const ofDoor = await fetch(`${url.replace(/k\w+\./, "")}/goop/goop.js`);
    assert.equal(ofDoor.status, 404, "the door has the site's files itself, so that they prove nothing");

    const second = await behindDoor(s, { site: SITE }, door);
    const page = await (await s.peer(browser, "page")).open(`${second.url}/?way=door#kept`);
    await online(page);
    assert.equal(await page.evaluate(() => location.search + location.hash), "?way=door#kept");
    const other = await (await s.peer("chromium", "other")).open(second.url);
    await online(other);
    // The host stands still: neither page is told a word.
    await quietCut({ page, other, cut: () => process.kill(second.host.pid, "SIGSTOP"), heal: () => process.kill(second.host.pid, "SIGCONT"), log: s.log });
  });

  scene(`a host of which ${browser} finds nobody at home comes back`, "webtransport", async (s) => {
    const { host, url } = await behindDoor(s, { site: SITE });
    const profile = await s.peer(browser);
    await host.stop(); // it says good-bye
    const tab = await profile.open(`${url}/?a=1#b`);
    await view(tab, "away");
    await host.start();
    await online(tab);
    assert.equal(await tab.evaluate(() => location.search + location.hash), "?a=1#b");

    await host.stop();
    await tab.waitFor(() => Goop.status.state !== "online", [], { timeout: 10_000 });
    const [status, text] = await tab.evaluate(async () => {
      const answer = await fetch("/later.js");
      return [answer.status, await answer.text()];
    });
    assert.equal(status, 503);
    assert.match(text, /does not answer/);
    await tab.reload();
    await view(tab, "away");
    await host.start();
    await online(tab);
  });

  scene(`what the site's files are for ${browser} through a door is what they are without it`, "webtransport", async (s) => {
    const { host, url } = await behindDoor(s, { site: "chess" });
    const tab = await (await s.peer(browser)).open(url);
    await online(tab);
    const look = async (path) => {
      const get = (headers, method = "GET") => fetch(path, { method, headers, redirect: "manual" });
      const sum = async (r) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", await r.arrayBuffer()))].join();
      const whole = await get({});
      const part = await get({ Range: "bytes=10-29" });
      const tail = await get({ Range: "bytes=-5" });
      const beyond = await get({ Range: "bytes=99999999-" });
      const same = await get({ "If-None-Match": whole.headers.get("etag") });
      const other = await get({ "If-None-Match": '"other"' });
      const head = await get({}, "HEAD");
      const keep = ["content-type", "cache-control", "content-security-policy", "x-content-type-options", "referrer-policy"];
      return {
        whole: [whole.status, ...keep.map((name) => whole.headers.get(name)), await sum(whole)],
        part: [part.status, part.headers.get("content-range"), part.headers.get("content-length"), await part.text()],
        tail: [tail.status, tail.headers.get("content-range"), await tail.text()],
        beyond: beyond.status,
        same: [same.status, await same.text()],
        other: [other.status, await sum(other)],
        head: [head.status, head.headers.get("content-type"), await head.text()],
      };
    };
    const direct = await (await s.peer(browser, "direct")).open(host.url);
    for (const path of ["/goop/goop.js", "/app.js", "/icon.svg", "/", "/nothing/here"]) {
      const [got, want] = [await tab.evaluate(look, path), await direct.evaluate(look, path)];
      assert.deepEqual(got, want, path);
    }
    for (const t of [tab, direct]) {
      const went = await t.evaluate(async () => {
        const answer = await fetch("/vendor?x=1");
        return [answer.status, answer.redirected, new URL(answer.url).pathname];
      });
      assert.deepEqual(went, [404, true, "/vendor/"], "a folder's address");
    }
    assert.deepEqual(await tab.evaluate(async () => {
      const answer = await fetch("/", { method: "POST", body: "text" });
      return [answer.status, answer.headers.get("allow")];
    }), [405, "GET, HEAD"]);

    // A second visit fetches no program again, and asks about the rest with the tags that it has.
    const kept = await tab.evaluate(async () => (await (await caches.open("goop-door-site")).keys()).map((r) => new URL(r.url).pathname));
    assert.ok(kept.some((path) => /^\/goop\/member-[0-9a-f]{20}\.wasm$/.test(path)), `the member is not kept, only ${kept}`);
    await tab.reload();
    await online(tab);
    const path = kept.find((p) => p.startsWith("/goop/member-"));
    assert.equal(await tab.evaluate(async (p) => (await (await fetch(p)).arrayBuffer()).byteLength > 1_000_000, path), true);

    if (browser === "chromium") { // which ends a worker that has nothing to do; the next request starts another one
      const devtools = await tab.page.context().newCDPSession(tab.page);
      await devtools.send("ServiceWorker.enable");
      await devtools.send("ServiceWorker.stopAllWorkers");
      assert.equal(await tab.evaluate(async () => (await fetch("/app.js", { cache: "no-store" })).status), 200);
    }

    // Who is in a hurry to leave does not keep the others waiting.
    await tab.evaluate(() => Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const controller = new AbortController();
      const answer = fetch(`/goop/goop.js?${i}`, { signal: controller.signal, cache: "no-store" });
      if (i % 2) return (await answer).text();
      queueMicrotask(() => controller.abort());
      return answer.catch(() => {});
    })));
  });
}

scene("two hosts behind one door know nothing of each other", "webtransport", async (s) => {
  const one = await behindDoor(s, { site: SITE });
  const { host, url: two } = await behindDoor(s, { site: SITE }, one.door);
  for (const browser of BROWSERS) {
    const profile = await s.peer(browser);
    const a = await profile.open(one.url);
    await online(a);
    const peer = await a.evaluate(async () => {
      localStorage.setItem("secret", "of one");
      document.cookie = "secret=of-one";
      await (await caches.open("own")).put("/x", new Response("of one"));
      return Goop.me.peer;
    });
    const b = await profile.open(two);
    await online(b);
    const seen = await b.evaluate(async () => [localStorage.getItem("secret"), document.cookie, await caches.has("own"), Goop.me.peer, Goop.host.peer]);
    assert.deepEqual(seen.slice(0, 3), [null, "", false]);
    assert.notEqual(seen[3], peer, "the same key for two hosts");
    assert.equal(seen[4], await peerOf(host));
    assert.equal(await a.evaluate(() => Goop.host.peer), await peerOf(one.host));
    const across = await b.evaluate((other) => fetch(`${other}/goop/host.json`).then((r) => r.status, (e) => e.name), one.url);
    assert.equal(across, "TypeError", "a page of one host read what the other answers");
  }
});

scene("a record that is not the host's own opens nothing", "webtransport", async (s) => {
  const { door, host } = await behindDoor(s, { site: SITE });
  const { host: other } = await behindDoor(s, { site: SITE }, door);
  const envelope = async (h) => new Uint8Array(await (await fetch(`${door.url}/goop/door/1/hosts/${labelOf(await peerOf(h))}`)).arrayBuffer());
  const label = labelOf(await peerOf(host));
  const good = await envelope(host);
  const liar = await Faker.start();
  s.defer(() => liar.close());
  const changed = good.slice();
  changed[changed.length - 1] ^= 1;
  const lies = { "another host's": await envelope(other), "changed": changed, "cut": good.slice(0, -1), "no record": new TextEncoder().encode("<html>"), "too large": new Uint8Array(1 << 20) };
  for (const browser of BROWSERS) {
    const profile = await s.peer(browser);
    const tab = await profile.open();
    for (const [name, record] of Object.entries(lies)) {
      liar.records.set(label, record);
      await tab.goto(`${liar.origin(label)}/`);
      await view(tab, "forged");
      s.log(`${name}: ${await tab.evaluate(() => document.querySelector("#fault").textContent)}`);
    }
    // The truth is good, even from a liar; and then, a lie does no harm but that the host is away.
    liar.records.set(label, good);
    await tab.click("#again-forged");
    await online(tab);
    const told = await tab.evaluate(async () => (await fetch("/goop/host.json")).json());
    assert.equal(told.peer, await peerOf(host));
  }
});

scene("Chromium is asked before a site behind a public door may be close by, and the page explains it", "webtransport", async (s) => {
  const { door, host } = await behindDoor(s, { site: SITE });
  const label = labelOf(await peerOf(host));
  // A door under a public name and, to the browser, at a public address.
  const door2 = await Faker.start("door.test");
  s.defer(() => door2.close());
  const url = door2.origin(label);
  door2.records.set(label, new Uint8Array(await (await fetch(`${door.url}/goop/door/1/hosts/${label}`)).arrayBuffer()));
  const browser = await s.browser("chromium", { secure: url, args: ["--host-resolver-rules=MAP *.door.test 127.0.0.1", `--ip-address-space-overrides=127.0.0.1:${door2.port}=public`] });
  const profile = await browser.peer();
  const tab = await profile.open(`${url}/?a=1#b`);
  await view(tab, "ask");
  assert.match(await tab.text("main"), /this very device[^]*Choose Allow/);
  await tab.click("#go"); // a browser without a window denies what it cannot ask
  await view(tab, "denied");
  assert.match(await tab.text("main"), /Local network[^]*Allow/);
  await profile.grant(["local-network-access"], url);
  await online(tab);
  assert.deepEqual(await tab.evaluate(() => [location.search + location.hash, Goop.status.transport]), ["?a=1#b", "webtransport"]);
});

scene("a new version of the door takes over, and what it took away is not missed", "webtransport", async (s) => {
  const { door, host } = await behindDoor(s, { site: SITE });
  const label = labelOf(await peerOf(host));
  const faker = await Faker.start();
  s.defer(() => faker.close());
  faker.records.set(label, new Uint8Array(await (await fetch(`${door.url}/goop/door/1/hosts/${label}`)).arrayBuffer()));
  for (const browser of BROWSERS) {
    faker.replaced.clear();
    const tab = await (await s.peer(browser)).open(faker.origin(label));
    await online(tab);
    const assets = await tab.evaluate(async () => (await (await caches.open("goop-door")).keys()).map((r) => new URL(r.url).pathname));
    const program = assets.find((path) => path.endsWith(".wasm")).split("/").at(-1);
    // The door is updated, with the program under another name. Yesterday's worker still has its own.
    const renamed = program.replace(/-.{20}/, "-00000000000000000000");
    faker.replaced.set(renamed, faker.file(program));
    faker.replaced.set("visitor.js", Buffer.from(faker.file("visitor.js").toString().replace(program, renamed)));
    faker.replaced.set(program, null);
    await tab.reload();
    await online(tab);
    await tab.waitFor(async (path) => {
      const keys = (await (await caches.open("goop-door")).keys()).map((r) => new URL(r.url).pathname);
      return keys.includes(`/goop/door/${path}`) && keys.filter((k) => k.endsWith(".wasm")).length === 1;
    }, [renamed], { what: "the new version's program alone" });
    await tab.reload();
    await online(tab);

    // And who wants to be rid of all of it, is.
    await tab.goto(`${faker.origin(label)}/goop/door/forget.html`);
    await tab.click("#forget");
    await view(tab, "forgotten");
    assert.deepEqual(await tab.evaluate(async () => [(await navigator.serviceWorker.getRegistrations()).length, (await caches.keys()).length]), [0, 0]);
  }
});
