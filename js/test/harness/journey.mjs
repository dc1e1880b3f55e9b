// Two journeys that every way to a host has to bear, whatever carries it and wherever the page comes from: a
// short game of chess, and a cut of which no page sees more than that it was offline. A test brings the
// profiles or the tabs, and says how its network is cut.

import assert from "node:assert/strict";
import { becomeOwner, checkRows, newMatch, play, plies, squares, takeSeat } from "./chess.mjs";

/**
 * How long a page may take to notice that its connection is dead, or to move to another, in milliseconds. The member's
 * bounds are 3 s and 5 s, to which its own tests hold it in a time of their own; the machine of these tests may be too busy
 * for that. A browser by itself takes 30 s and more.
 */
export const NOTICE = 10_000;

/** The shortest game that ends in mate: four half-moves. */
const FOOLS_MATE = squares("f3 e5 g4 Qh4#".split(" "));

/** In the page: joins a group and keeps what comes as window.got. */
export const joinAndListen = async (id, options) => {
  window.got = [];
  window.g = await Goop.group.join(id, (event) => window.got.push(event), options);
  return Goop.me.peer;
};

/** In the page: sends without a wait, and keeps the receipts as window.receipts. */
const sendAll = (payloads) => {
  window.sent = (window.sent ?? []).concat(payloads.map((p) => window.g.send(p)));
  window.receipts = Promise.all(window.sent);
};

const payloads = (tab) => tab.evaluate(() => window.got.map((e) => e.payload));

/**
 * Two people play on the chess template: a makes the match as the owner and takes White, b follows a's link and
 * takes Black. Both see every half-move before the next one, and the host has kept them.
 * @param {{host: object, url?: string, a: object, b: object, game?: object[], between?: Function}} o
 *   host serves the chess template; url is where its site is for a page, if that is not host.url; a and b are
 *   profiles; game is what squares() makes; between(ply, tabs) runs when both have seen that half-move
 * @returns {Promise<{white: object, black: object, id: string, peers: {white: string, black: string}}>}
 */
export async function playChess({ host, url = host.url, a, b, game = FOOLS_MATE, between = async () => {} }) {
  const white = await becomeOwner(host, a, url);
  const id = await newMatch(white, "By the fire");
  const link = await white.evaluate(() => location.href);
  await takeSeat(white, "white", "Anne");
  const black = await b.open(link);
  await takeSeat(black, "black", "Ben");
  const peers = { white: await white.evaluate(() => Goop.me.peer), black: await black.evaluate(() => Goop.me.peer) };
  for (const tab of [white, black]) {
    await tab.waitFor(() => [...document.querySelectorAll("[data-name]")].map((el) => el.innerText).sort().join() === "Anne,Ben", [], { what: "both names" });
  }
  for (let ply = 1; ply <= game.length; ply++) {
    await play({ white, black, watcher: white }, game, ply, ply);
    await between(ply, { white, black });
  }
  for (const tab of [white, black]) await plies(tab, game.length);
  await checkRows(white, id, game, peers);
  return { white, black, id, peers };
}

/**
 * Two pages are in the group "room" of the test site (worlds.mjs: SITE), and one of them is cut off in the middle:
 * it notices in time, both go on sending, and when it is back each has got all, in order and once.
 * @param {{page: object, other: object, cut: () => any, heal: () => any, log?: (line: string) => void}} o
 *   tabs on the site of one host, not yet in the group; cut and heal are about page's network or about the host
 */
export async function quietCut({ page, other, cut, heal, log = () => {} }) {
  await page.evaluate(joinAndListen, "room");
  await other.evaluate(joinAndListen, "room");
  await other.evaluate(sendAll, ["o0"]);
  await page.evaluate(sendAll, ["p0"]);
  await page.waitFor(() => window.got.length === 1);
  await other.waitFor(() => window.got.length === 1);

  const before = Date.now();
  await cut();
  try {
    await page.waitFor(() => Goop.status.state !== "online", [], { timeout: NOTICE, what: "the page to notice" });
    log(`the page noticed after ${Date.now() - before} ms`);
    await other.evaluate(sendAll, ["o1", "o2", "o3", "o4", "o5"]);
    await page.evaluate(sendAll, ["p1", "p2", "p3"]);
  } finally {
    await heal();
  }
  const healed = Date.now();
  for (const tab of [page, other]) {
    await tab.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000, what: "the page to be back" });
  }
  log(`the page was back ${Date.now() - healed} ms after its network`);
  const receipts = [];
  for (const tab of [page, other]) receipts.push(...(await tab.evaluate(() => window.receipts)));
  await other.evaluate(sendAll, ["o6"]);
  await page.evaluate(sendAll, ["p4"]);
  receipts.push(...(await page.evaluate(() => window.receipts)).slice(-1), ...(await other.evaluate(() => window.receipts)).slice(-1));

  await page.waitFor(() => window.got.some((e) => e.payload === "o6"));
  await other.waitFor(() => window.got.some((e) => e.payload === "p4"));
  assert.deepEqual(await payloads(page), ["o0", "o1", "o2", "o3", "o4", "o5", "o6"], "messages alone, in order, each once, and no gap");
  assert.deepEqual(await payloads(other), ["p0", "p1", "p2", "p3", "p4"]);
  // The group's log has these twelve and nothing in between or twice, and each page saw its part under the same numbers.
  const seqs = receipts.map((r) => r.seq).sort((a, b) => a - b);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
  const seen = [];
  for (const tab of [page, other]) seen.push(...(await tab.evaluate(() => window.got.map((e) => e.seq))));
  assert.deepEqual(seen.sort((a, b) => a - b), seqs);
}
