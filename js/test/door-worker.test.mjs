// What a door says to hosts and visitors over HTTP: both doors are held to the same answers, the Worker in real workerd
// and the one of the real binary. The addresses in here stand in headers alone: nothing is sent to them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { network } from "../../wasm/edge/network.mjs";
import { Announcer, body, webtransport } from "./harness/announcement.mjs";
import { native, worker } from "./harness/doors.mjs";

const HOST = "8.8.8.8";
const OTHER = "9.9.9.9";
const MAX_ANNOUNCEMENT = 8 << 10;
const PLAIN = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const SECURE = { "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" };

/** So many addresses from which nobody has asked yet: a door counts what comes from each. */
let addresses = 0;
const fresh = () => `44.0.${++addresses >> 8}.${addresses & 255}`;

function refused(answer, status, code) {
  assert.deepEqual([answer.status, answer.error?.code], [status, code], answer.body.toString());
  assert.ok(answer.error.message.length > 10, "a person can read why");
  has(answer, PLAIN);
}

function has(answer, headers) {
  for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers[name], value, name);
}

for (const [name, open] of [["the Worker", worker], ["goop door", native]]) {
  describe(name, () => {
    /** @type {import("./harness/doors.mjs").Door} */
    let door;
    before(async () => (door = await open()));
    after(() => door?.close());

    /** A host that has announced itself from an address. */
    async function announced(from = fresh()) {
      const host = new Announcer();
      const envelope = host.envelope([webtransport(from)]);
      assert.equal((await door.announce(host.label, from, body(envelope))).status, 204);
      return { host, envelope, from };
    }

    async function holds(host, envelope, from = OTHER) {
      const answer = await door.read(host.label, from);
      assert.equal(answer.status, 200, answer.body.toString());
      assert.ok(answer.body.equals(envelope), "the record is another one");
    }

    test("a record is taken, and given to visitors as it came", async () => {
      const { host, envelope } = await announced();
      await holds(host, envelope);
      const path = `/goop/door/1/hosts/${host.label}`;
      for (const where of [{ host: "" }, { host: host.label }]) {
        const answer = await door.ask("GET", path, { ...where, from: OTHER });
        assert.ok(answer.body.equals(envelope));
        has(answer, { ...PLAIN, "content-type": "application/octet-stream" });
      }
      const loud = `/goop/door/1/hosts/${host.label.toUpperCase()}`;
      assert.ok((await door.ask("GET", loud, { host: host.label.toUpperCase(), from: OTHER })).body.equals(envelope));
      const head = await door.ask("HEAD", path, { from: OTHER });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      // A host may be told of at its own origin, and nowhere else's.
      const at = await door.ask("PUT", path, { host: host.label, from: fresh(), body: body(host.envelope([])) });
      assert.equal(at.status, 204);
      refused(await door.ask("GET", path, { host: new Announcer().label }), 404, "not_found");
    });

    test("an announcer is told where the door sees it, whether something has changed or not", async () => {
      for (const from of [fresh(), "2606:4700:1:2:aaaa::1"]) {
        const host = new Announcer();
        const announcement = body(host.envelope([webtransport(from)]));
        for (let i = 0; i < 2; i++) {
          const answer = await door.announce(host.label, from, announcement);
          assert.deepEqual([answer.status, answer.headers["goop-seen"]], [204, from]);
          has(answer, PLAIN);
        }
        assert.equal((await door.read(host.label, OTHER)).headers["goop-seen"], undefined);
      }
    });

    test("a host that is not known, has gone, or has no label is not found", async () => {
      refused(await door.read(new Announcer().label, OTHER), 404, "not_found");
      const { host, from } = await announced();
      assert.equal((await door.announce(host.label, from, body(host.envelope([])))).status, 204);
      refused(await door.read(host.label, OTHER), 404, "not_found");
      refused(await door.read(host.label, from), 404, "not_found");
      for (const label of ["nobody", `k${"0".repeat(61)}`, `${host.label}0`, host.label.toUpperCase().slice(1)]) {
        refused(await door.announce(label, from, body(host.envelope([]))), 404, "not_found");
      }
      refused(await door.ask("GET", "/", { host: "www.more" }), 404, "not_found");
      refused(await door.ask("GET", "/nothing"), 404, "not_found");
      refused(await door.ask("GET", "/goop/door/nothing.js"), 404, "not_found");
    });

    test("the sequence number never goes back, not by one in 2^60", async () => {
      const { host, envelope, from } = await announced();
      assert.equal((await door.announce(host.label, from, body(envelope))).status, 204, "an answer was lost, and the same comes again");
      const second = host.next();
      const kept = host.envelope([webtransport(from, 1)], { seq: second });
      assert.equal((await door.announce(host.label, from, body(kept))).status, 204);
      const older = [
        envelope,
        host.envelope([webtransport(from, 2)], { seq: second }), // no newer, and not the same
        host.envelope([webtransport(from, 3)], { seq: second - 1n }),
        host.envelope([webtransport(from, 4)], { seq: 1n }),
        host.envelope([], { seq: second - 1n }),
      ];
      for (const each of older) {
        const answer = await door.announce(host.label, from, body(each));
        refused(answer, 409, "conflict");
        assert.equal(answer.error.seq, String(second));
      }
      await holds(host, kept);
      const away = host.envelope([], { seq: second + 1n });
      assert.equal((await door.announce(host.label, from, body(away))).status, 204);
      refused(await door.announce(host.label, from, body(kept)), 409, "conflict"); // away is away
      refused(await door.read(host.label, OTHER), 404, "not_found");
    });

    test("a record of the far future is refused: nothing could ever follow it", async () => {
      const { host, from } = await announced();
      for (const seq of [host.next() + 3_600_000_000_000n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]) {
        refused(await door.announce(host.label, from, body(host.envelope([], { seq }))), 400, "invalid_value");
      }
    });

    test("what is forged, foreign or no record is refused, and changes nothing", async () => {
      const { host, envelope, from } = await announced();
      const newer = host.envelope([webtransport(from, 9)]);
      for (let i = 0; i < newer.length; i += 17) {
        const forged = Buffer.from(newer);
        forged[i] ^= 0x10;
        const answer = await door.announce(host.label, fresh(), body(forged));
        assert.ok([400, 403].includes(answer.status), `byte ${i}: ${answer.status}`);
      }
      const stranger = new Announcer();
      refused(await door.announce(host.label, from, body(stranger.envelope([webtransport(from)]))), 403, "wrong_host");
      refused(await door.announce(stranger.label, from, body(newer)), 403, "wrong_host");
      refused(await door.announce(host.label, from, body(stranger.envelope([], { id: host.id }))), 400, "bad_message");
      const s = host.next();
      const pair = [host.envelope([], { seq: s }), stranger.envelope([], { seq: s })];
      refused(await door.announce(host.label, from, body(...pair)), 403, "wrong_host");
      refused(await door.announce(host.label, from, body(host.envelope([]), host.envelope([]))), 400, "bad_message"); // two sequence numbers
      for (const junk of ["", "\0", "hello", Buffer.alloc(4000), body(newer).subarray(0, -1), Buffer.concat([body(newer), Buffer.from([0])]), newer, body(newer, newer, newer)]) {
        refused(await door.announce(host.label, fresh(), junk), 400, "bad_message");
      }
      await holds(host, envelope);
    });

    test("a record leads nobody to a third party", async () => {
      const from = fresh();
      const host = new Announcer();
      const bad = [
        webtransport(OTHER), webtransport("192.168.1.5"), webtransport("10.0.0.1"), webtransport("127.0.0.1"), webtransport("169.254.169.254"),
        webtransport("100.64.0.1"), webtransport("0.0.0.0"), webtransport("224.0.0.1"), webtransport("::1"), webtransport("fd00::1"),
        webtransport("fe80::1"), webtransport("2606:4700::1"), webtransport("::ffff:8.8.8.8"), webtransport(from, 0), "/dns/quiz.example/tcp/80/ws",
        "/dns/localhost/tcp/443/tls/ws", `/dns/quiz.example/udp/443/quic-v1/webtransport`,
      ];
      for (const addr of bad) {
        const answer = await door.announce(host.label, fresh(), body(host.envelope([addr])));
        refused(answer, 400, "invalid_value");
      }
      // Visitors of the announcer's network are led into it, and no further.
      for (const addr of [webtransport(OTHER), webtransport("127.0.0.1"), webtransport("169.254.169.254"), webtransport("2606:4700::1")]) {
        const seq = host.next();
        const answer = await door.announce(host.label, fresh(), body(host.envelope([], { seq }), host.envelope([addr], { seq })));
        refused(answer, 400, "invalid_value");
      }
      refused(await door.read(host.label, OTHER), 404, "not_found");
      const good = host.envelope([webtransport(from), `/ip4/${from}/tcp/7780/ws`, "/dns/quiz.example.org/tcp/443/tls/ws"]);
      assert.equal((await door.announce(host.label, from, body(good))).status, 204);
      await holds(host, good);
    });

    test("private addresses are for visitors who share the announcer's", async () => {
      const from = fresh();
      const host = new Announcer();
      const pair = (ip) => {
        const seq = host.next();
        return [host.envelope([webtransport(ip)], { seq }), host.envelope([webtransport("192.168.1.5"), webtransport("fd00::5"), webtransport(ip)], { seq })];
      };
      const [forAll, near] = pair(from);
      assert.equal((await door.announce(host.label, from, body(forAll, near))).status, 204);
      await holds(host, near, from);
      await holds(host, near, `::ffff:${from}`);
      for (const visitor of [OTHER, fresh(), "2606:4700:1:2::3"]) await holds(host, forAll, visitor);

      const [forAll6, near6] = pair("2606:4700:1:2::5");
      assert.equal((await door.announce(host.label, "2606:4700:1:2:aaaa::1", body(forAll6, near6))).status, 204);
      await holds(host, near6, "2606:4700:1:2:ffff:1:2:3"); // the same /64
      for (const visitor of ["2606:4700:1:3::5", from, OTHER]) await holds(host, forAll6, visitor);

      const seq = host.next(); // nothing for the public
      const only = host.envelope([webtransport("192.168.1.5")], { seq });
      assert.equal((await door.announce(host.label, from, body(host.envelope([], { seq }), only))).status, 204);
      await holds(host, only, from);
      refused(await door.read(host.label, OTHER), 404, "not_found");
    });

    test("a door in a house gives the addresses of the house to those in it", async () => {
      const host = new Announcer();
      const record = host.envelope([webtransport("192.168.1.5")]);
      assert.equal((await door.announce(host.label, "192.168.1.5", body(record))).status, 204);
      await holds(host, record, "192.168.1.77");
      await holds(host, record, "127.0.0.1");
      refused(await door.read(host.label, OTHER), 404, "not_found");
    });

    test("what is too long is refused, read or not", async () => {
      const { host, envelope, from } = await announced();
      const path = `/goop/door/1/hosts/${host.label}`;
      refused(await door.ask("PUT", path, { from, body: Buffer.alloc(MAX_ANNOUNCEMENT) }), 400, "bad_message");
      refused(await door.ask("PUT", path, { from, body: Buffer.alloc(MAX_ANNOUNCEMENT + 1) }), 413, "too_large");
      const chunked = { from, headers: { "Transfer-Encoding": "chunked" } };
      refused(await door.ask("PUT", path, { ...chunked, body: Buffer.alloc(MAX_ANNOUNCEMENT + 1) }), 413, "too_large");
      refused(await door.ask("PUT", path, { ...chunked, body: Buffer.alloc(1 << 20) }), 413, "too_large");
      await holds(host, envelope);
    });

    test("other methods are refused", async () => {
      const { host, from } = await announced();
      for (const [method, path, allow] of [
        ["POST", `/goop/door/1/hosts/${host.label}`, "GET, HEAD, PUT"],
        ["DELETE", `/goop/door/1/hosts/${host.label}`, "GET, HEAD, PUT"],
        ["PUT", "/goop/door/1/record", "GET, HEAD"],
        ["POST", "/", "GET, HEAD"],
        ["PUT", "/some/page", "GET, HEAD"],
      ]) {
        const answer = await door.ask(method, path, { host: host.label, from, body: "x" });
        refused(answer, 405, "unsupported_type");
        assert.equal(answer.headers.allow, allow);
      }
    });

    test("a host that announces itself all the time is slowed down", async () => {
      const { host, from } = await announced();
      let answer;
      let taken = 0;
      do {
        answer = await door.announce(host.label, fresh(), body(host.envelope([])));
      } while (answer.status === 204 && ++taken < 60);
      refused(answer, 429, "rate_limited");
      assert.ok(taken >= 8, `only ${taken} at once`);
      assert.match(answer.headers["retry-after"], /^([1-9]|1[0-9]|20)$/);
      assert.ok(answer.error.retryAfter > 0 && answer.error.retryAfter <= 20_000);
      // Others are not.
      await announced(from);
    });

    test("a flood from one address is refused, whatever is in it, and takes nothing from the host it names", async () => {
      const { host, from } = await announced();
      const flooder = fresh();
      let flooded;
      for (let i = 0; i < 130 && flooded?.status !== 429; i++) flooded = await door.announce(host.label, flooder, "junk");
      refused(flooded, 429, "rate_limited");
      const after = Number(flooded.headers["retry-after"]);
      assert.ok(after >= 1 && after <= 60, `after ${after} s`);
      assert.equal((await door.announce(host.label, from, body(host.envelope([webtransport(from)])))).status, 204);
      assert.equal((await door.read(host.label, flooder)).status, 200, "reading is no announcing");
    });

    test("new hosts from one address come slowly", async () => {
      const from = fresh();
      let answer;
      for (let i = 0; i < 130; i++) {
        const host = new Announcer();
        answer = await door.announce(host.label, from, body(host.envelope([])));
        if (answer.status !== 204) break;
      }
      refused(answer, 429, "rate_limited");
    });

    test("new hosts from one IPv6 /48 come slowly, whatever networks it has", async () => {
      let answer;
      for (let i = 0; i < 250; i++) {
        const host = new Announcer();
        answer = await door.announce(host.label, `2606:4700:7:${i.toString(16)}::1`, body(host.envelope([])));
        if (answer.status !== 204) break;
      }
      refused(answer, 429, "rate_limited");
    });

    test("pages and files", async () => {
      const { host } = await announced();
      const page = await door.ask("GET", "/", { host: host.label });
      for (const [path, label] of [["/", host.label], ["/some/where?and=more", host.label], ["/index.html", new Announcer().label]]) {
        const answer = await door.ask("GET", path, { host: label });
        assert.equal(answer.status, 200, path);
        assert.ok(answer.body.equals(page.body), "each address of a host has the same page until the host's own come");
        has(answer, { ...SECURE, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
        assert.match(answer.headers["content-security-policy"], /default-src 'none'.*frame-ancestors/);
      }
      const head = await door.ask("HEAD", "/some/where", { host: host.label });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      const landing = await door.ask("GET", "/");
      assert.equal(landing.status, 200);
      assert.ok(!landing.body.equals(page.body));
      has(landing, SECURE);

      const worker = await door.ask("GET", "/goop/door/sw.js", { host: host.label });
      has(worker, { ...SECURE, "service-worker-allowed": "/", "cache-control": "no-cache" });
      assert.match(worker.headers["content-type"], /javascript/);
      for (const headers of [{}, { "Accept-Encoding": "gzip" }]) {
        const first = await door.ask("GET", "/goop/door/visit.js", { host: host.label, headers });
        has(first, SECURE);
        const again = await door.ask("GET", "/goop/door/visit.js", { host: host.label, headers: { ...headers, "If-None-Match": first.headers.etag } });
        assert.deepEqual([again.status, again.body.length], [304, 0]);
      }

      const starter = await door.ask("GET", "/goop/door/visitor.js", { host: host.label });
      const [program] = starter.body.toString().match(/\/goop\/door\/visitor-[0-9a-f]{20}\.wasm/);
      const packed = await door.ask("GET", program, { host: host.label, headers: { "Accept-Encoding": "br, gzip" } });
      has(packed, { ...SECURE, "content-type": "application/wasm", "content-encoding": "br", "cache-control": "public, max-age=31536000, immutable" });
      const raw = await door.ask("GET", program, { host: host.label, headers: { "Accept-Encoding": "identity" } });
      assert.equal(raw.headers["content-encoding"], undefined);
      assert.ok(brotliDecompressSync(packed.body).equals(raw.body));
      assert.ok(packed.body.length < raw.body.length / 5, "it is compressed as well as can be");
      const there = await door.ask("GET", program, { host: host.label, headers: { "Accept-Encoding": "br, gzip", "If-None-Match": packed.headers.etag } });
      assert.deepEqual([there.status, there.body.length], [304, 0]);
    });

    test("announcements that race leave the newest, and none comes back", async () => {
      for (let round = 0; round < 2; round++) {
        const { host, from } = await announced();
        const records = Array.from({ length: 24 }, (_, i) => host.envelope([webtransport(from, 1000 + i)]));
        const shuffled = records.map((record, i) => ({ record, at: (i * 7 + round) % 24 })).sort((a, b) => a.at - b.at);
        const seen = [];
        let racing = true;
        const looking = (async () => {
          while (racing) {
            const { body: given } = await door.read(host.label, OTHER);
            seen.push(records.findIndex((record) => record.equals(given)));
          }
        })();
        const answers = await Promise.all(
          shuffled.map(async ({ record }) => ({ record, ...(await door.announce(host.label, from, body(record))) })),
        );
        racing = false;
        await looking;
        assert.ok(answers.every(({ status }) => [204, 409, 429].includes(status)), answers.map((a) => a.status).join());
        const newest = Math.max(...answers.filter((a) => a.status === 204).map((a) => records.indexOf(a.record)));
        await holds(host, records[newest]);
        assert.deepEqual(seen, seen.toSorted((a, b) => a - b), "visitors saw an older record after a newer one");
        for (const record of records.slice(0, newest)) {
          assert.notEqual((await door.announce(host.label, from, body(record))).status, 204);
        }
        await holds(host, records[newest]);
      }
    });
  });
}

describe("the Worker alone", () => {
  /** @type {import("./harness/doors.mjs").Door} */
  let door;
  before(async () => (door = await worker()));
  after(() => door?.close());

  /** The row of a host. */
  const row = (label) => door.db.prepare("SELECT * FROM host WHERE label = ?").bind(label).first();
  const census = async () => [
    await door.db.prepare("SELECT hosts FROM census").first("hosts"),
    await door.db.prepare("SELECT count(*) AS n FROM host").first("n"),
  ];
  /** The cron trigger. */
  const tidy = async () => assert.equal((await (await door.worker.getWorker()).scheduled({ cron: "17 */3 * * *" })).outcome, "ok");
  /** Makes a host's times so much older, in milliseconds. */
  const age = (label, ms) =>
    door.db.prepare("UPDATE host SET announced = announced - ?2, expires = expires - ?2, forget = forget - ?2, pace = pace - ?2 WHERE label = ?1").bind(label, ms).run();

  async function announced(from = fresh()) {
    const host = new Announcer();
    const envelope = host.envelope([webtransport(from)]);
    assert.equal((await door.announce(host.label, from, body(envelope))).status, 204);
    return { host, envelope, from };
  }

  test("after ten minutes a record is given to nobody, and after a month its host is forgotten", async () => {
    const { host, envelope, from } = await announced();
    await age(host.label, 595_000);
    assert.equal((await door.read(host.label, OTHER)).status, 200);
    await tidy();
    assert.equal((await door.read(host.label, OTHER)).status, 200, "tidied while it was current");
    await age(host.label, 5_000);
    refused(await door.read(host.label, OTHER), 404, "not_found");
    await tidy();
    const faded = await row(host.label);
    assert.deepEqual([faded.public, faded.local, faded.network], [null, null, ""], "where it was is still known");
    refused(await door.announce(host.label, from, body(envelope)), 409, "conflict");
    await age(host.label, 30 * 24 * 3_600_000);
    await tidy();
    refused(await door.announce(host.label, from, body(envelope)), 409, "conflict");
    await age(host.label, 24 * 3_600_000);
    await tidy();
    assert.equal(await row(host.label), null);
    const [counted, there] = await census();
    assert.equal(counted, there);
  });

  test("a full door keeps the hosts that it has", async () => {
    const { host, from } = await announced();
    const [before] = await census();
    await door.db.prepare("UPDATE census SET hosts = 100000").run();
    refused(await door.announce(new Announcer().label, from, body(new Announcer().envelope([]))), 403, "wrong_host");
    const late = new Announcer();
    refused(await door.announce(late.label, from, body(late.envelope([]))), 507, "storage_full");
    assert.equal((await door.announce(host.label, from, body(host.envelope([webtransport(from)])))).status, 204);
    await door.db.prepare("UPDATE census SET hosts = 99999").run();
    assert.equal((await door.announce(late.label, from, body(late.envelope([])))).status, 204);
    await door.db.prepare("UPDATE census SET hosts = ?").bind(before + 1).run();
  });

  test("reads know networks as Go does", async () => {
    for (const address of [
      "1.2.3.4", "::ffff:1.2.3.4", "127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "172.32.0.1", "192.168.0.1", "192.169.0.1",
      "100.64.0.1", "100.127.255.255", "100.128.0.1", "fd12:3456::1", "fc00::1", "2606:4700:1:2:3:4:5:6", "2606:4700::1", "2606:4700:0:1::1",
      "2606:0:0:1::1", "2A00:1450:4001:0810::200e", "2606:4700:1::", "2606:4700:1:2:3:4:1.2.3.4",
    ]) {
      const host = new Announcer();
      assert.equal((await door.announce(host.label, address, body(host.envelope([])))).status, 204, address);
      const there = await row(host.label);
      assert.deepEqual(network(address), { name: there.network, scope: there.scope }, address);
    }
    for (const address of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "fe80::1%eth0", "localhost", "0.0.0.0", "fe80::1"]) {
      const host = new Announcer();
      const answer = await door.ask("PUT", `/goop/door/1/hosts/${host.label}`, { headers: { "CF-Connecting-IP": address || " " }, body: body(host.envelope([])) });
      assert.equal(answer.status, address ? 400 : 204, `${address} is nowhere`);
    }
  });

  test("when the Go program breaks, one announcement fails and the next starts another", async () => {
    const { host, from } = await announced();
    // Nothing from outside is known to break it, so the database has to.
    await door.db.prepare("UPDATE host SET pace = 'soon' WHERE label = ?").bind(host.label).run();
    let said = "";
    const panicked = new Promise((resolve) => (door.log.line = (text) => /panic:[^]*the Go program has ended/.test((said += text)) && resolve()));
    refused(await door.announce(host.label, from, body(host.envelope([]))), 500, "internal");
    await panicked;
    await announced();
    await announced();
  });

  test("plain HTTP is for trying it, and leads to https anywhere else", async () => {
    const online = await worker("door.test");
    try {
      const { label } = new Announcer();
      for (const [method, path] of [["GET", "/a?b=c"], ["PUT", `/goop/door/1/hosts/${label}`]]) {
        const answer = await online.ask(method, path, { host: label, body: method === "PUT" ? "x" : undefined });
        assert.deepEqual([answer.status, answer.headers.location], [308, `https://${label}.${new URL(online.url).host}${path}`]);
      }
    } finally {
      await online.close();
    }
  });
});
