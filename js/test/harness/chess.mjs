// The demo site as people use it: through its own pages.

import assert from "node:assert/strict";
import { Chess } from "chess.js";

/** Morphy's game at the Paris opera, 1858. */
export const OPERA = ("e4 e5 Nf3 d6 d4 Bg4 dxe5 Bxf3 Qxf3 dxe5 Bc4 Nf6 Qb3 Qe7 Nc3 c6 Bg5 b5 Nxb5 cxb5 Bxb5+ Nbd7 "
  + "O-O-O Rd8 Rxd7 Rxd7 Rd1 Qe6 Bxd7+ Nxd7 Qb8+ Nxb8 Rd8#").split(" ");

/** The moves with their squares. */
export function squares(sans) {
  const chess = new Chess();
  return sans.map((san) => {
    const { from, to } = chess.move(san);
    return { san, from, to, fen: chess.fen() };
  });
}

/** Makes the profile's first page the owner's, by the link that the host's command prints; url is the site's for that page. */
export async function becomeOwner(host, profile, url = host.url) {
  const tab = await profile.open(url + "/" + new URL(await host.ownerLink()).hash);
  await tab.see("#owner-badge");
  assert.equal(await tab.evaluate(() => location.hash), "", "the secret stays in the address bar");
  return tab;
}

/** The owner makes a match in the lobby and is at its table; resolves with its id. */
export async function newMatch(owner, name) {
  await owner.fill("#match-name", name);
  await owner.click("#new-match button");
  await owner.see('[data-page="match"][data-loaded="true"]');
  return owner.evaluate(() => new URLSearchParams(location.search).get("match"));
}

/** From the lobby to the table, and into a seat under a name. */
export async function sitDown(tab, id, side, name) {
  await tab.click(`#matches [data-id="${id}"] a`);
  await takeSeat(tab, side, name);
}

/** At the table, into a seat under a name. */
export async function takeSeat(tab, side, name) {
  await tab.click(`#take-${side}`);
  await tab.fill("#name-input", name);
  await tab.click("dialog .primary");
  await tab.see(`#leave-${side}`);
}

/** Waits until a page shows that many half-moves. */
export function plies(tab, n, options) {
  return tab.waitFor((want) => document.querySelector(".table")?.dataset.plies === String(want), [n], { what: `${n} half-moves`, ...options });
}

/** What the board shows, as the first part of a FEN. */
export function placement(tab) {
  return tab.evaluate(() => {
    const letters = { pawn: "p", knight: "n", bishop: "b", rook: "r", queen: "q", king: "k" };
    let fen = "";
    for (let rank = 8; rank >= 1; rank--) {
      for (const file of "abcdefgh") {
        const [, color, kind] = document.querySelector(`[data-square="${file}${rank}"]`).getAttribute("aria-label").match(/, (\w+) ?(\w*)$/);
        fen += color === "empty" ? "1" : color === "white" ? letters[kind].toUpperCase() : letters[kind];
      }
      if (rank > 1) fen += "/";
    }
    return fen.replace(/1+/g, (ones) => ones.length);
  });
}

/** Makes a move on the page's board, by click and click or by drag. */
export async function move(tab, { from, to }, drag = false) {
  if (drag) return tab.drag(`[data-square="${from}"]`, `[data-square="${to}"]`);
  await tab.click(`[data-square="${from}"]`);
  await tab.click(`[data-square="${to}"]`);
}

/**
 * A match with both seats taken and the owner's page watching.
 * @returns {Promise<{host: object, id: string, white: object, black: object, watcher: object, peers: {white: string, black: string}}>}
 */
export async function seated(s, { white: whiteBrowser = "chromium", black: blackBrowser = "firefox" } = {}) {
  const host = await s.host();
  const watcher = await becomeOwner(host, await s.peer("chromium", "watcher"));
  const white = await (await s.peer(whiteBrowser, "white")).open(host.url);
  const black = await (await s.peer(blackBrowser, "black")).open(host.url);
  const id = await newMatch(watcher, "The opera");
  await sitDown(white, id, "white", "Paul Morphy");
  await sitDown(black, id, "black", "Duke Karl");
  const peers = { white: await white.evaluate(() => Goop.me.peer), black: await black.evaluate(() => Goop.me.peer) };
  for (const tab of [white, black, watcher]) {
    await tab.waitFor(() => [...document.querySelectorAll("[data-name]")].map((el) => el.innerText).sort().join() === "Duke Karl,Paul Morphy");
  }
  return { host, id, white, black, watcher, peers };
}

/** Plays some half-moves of a game, each seen by everybody before the next. */
export async function play(tabs, moves, from, to) {
  for (let ply = from; ply <= to; ply++) {
    await move(ply % 2 ? tabs.white : tabs.black, moves[ply - 1], ply % 7 === 1);
    for (const tab of [tabs.white, tabs.black, tabs.watcher]) await plies(tab, ply);
  }
}

/** The stored rows of a match are exactly these moves, with their true authors. */
export async function checkRows(tab, id, moves, peers) {
  const rows = await tab.evaluate((game) => Goop.data.query("moves", { where: { game }, order: ["_seq"], limit: 1000 }), id);
  assert.deepEqual(
    rows.map((r) => [r.ply, r.san, r._owner]),
    moves.map((m, i) => [i + 1, m.san, i % 2 ? peers.black : peers.white]));
  return rows;
}
