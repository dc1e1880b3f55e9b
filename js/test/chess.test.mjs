// Chess for two, played by Chromium and Firefox on the page's own board.

import assert from "node:assert/strict";
import { checkRows, move, OPERA, placement, play, plies, seated, squares } from "./harness/chess.mjs";
import { NOTICE } from "./harness/journey.mjs";
import { everywhere, scene } from "./harness/scene.mjs";

const GAME = squares(OPERA);
const END = GAME.at(-1).fen.split(" ")[0];

/** All see the mate, and the same board. */
async function seeMate(tabs) {
  for (const tab of tabs) {
    await plies(tab, GAME.length);
    await tab.see("#result");
    assert.match(await tab.text("#result"), /1–0\s+Paul Morphy wins by checkmate/);
    assert.equal(await placement(tab), END);
    assert.equal(await tab.evaluate(() => document.querySelector(".square.check")?.dataset.square), "e8");
  }
}

everywhere("the opera game", async (s) => {
  const match = await seated(s);
  const { host, id, white, black, watcher, peers } = match;
  const [row] = await watcher.evaluate((id) => Goop.data.query("_groups", { where: { id } }), id);
  assert.deepEqual([row.durable, row.record, row.dissolve_empty], [true, "moves", 600_000]);
  await play(match, GAME, 1, 12);

  // Who comes late, and who reloads, sees the position at once.
  const late = await (await s.peer("firefox", "late")).open(`${host.url}/?match=${id}`);
  await plies(late, 12);
  assert.equal(await placement(late), GAME[11].fen.split(" ")[0]);
  await white.reload();
  await plies(white, 12);
  assert.equal(await placement(white), GAME[11].fen.split(" ")[0]);

  // Only legal moves, only one's own pieces, only in turn.
  await move(white, { from: "b3", to: "b8" });
  await move(white, { from: "e5", to: "e4" });
  await move(black, { from: "f6", to: "e4" });
  await move(watcher, { from: "b1", to: "c3" });
  for (const tab of [white, black, watcher, late]) assert.equal(await placement(tab), GAME[11].fen.split(" ")[0]);

  await play(match, GAME, 13, GAME.length);
  await seeMate([white, black, watcher, late]);
  const rows = await checkRows(watcher, id, GAME, peers);
  assert.deepEqual([rows.at(-1).final, rows.at(-1).result, rows.at(-1).reason], [1, "1-0", "checkmate"]);

  // A player's page closes the match; the watchers keep the end in sight, and the lobby has the replay.
  await black.click("#close-match");
  for (const tab of [white, black, watcher, late]) {
    await tab.see('#result a[href^="/?replay="]');
    assert.match(await tab.text("#result"), /1–0/);
  }
  await late.click('#result a[href="/"]');
  await late.click(`#played [data-id="${id}"] a`);
  await late.see('[data-page="replay"][data-loaded="true"]');
  assert.equal(await placement(late), END);
  await late.click("#first");
  await plies(late, 0);
  await late.click("#next");
  await plies(late, 1);
  assert.equal(await placement(late), GAME[0].fen.split(" ")[0]);
  const gone = await (await s.peer("chromium", "gone")).open(`${host.url}/?match=${id}`);
  await gone.see('[data-page="replay"]');
});

everywhere("the host is killed in the middle of the game", async (s) => {
  const match = await seated(s);
  const { host, id, white, black, watcher, peers } = match;
  await play(match, GAME, 1, 16);

  // One move is on its way when the power goes, and nobody knows whether it was stored.
  await move(white, GAME[16]);
  await host.kill();
  await Promise.all([white, black, watcher].map((tab) => tab.waitFor(() => Goop.status.state !== "online", [], { timeout: NOTICE, what: "the pages to notice" })));
  await white.see("#connection");

  await host.start();
  await Promise.all([white, black, watcher].map((tab) => tab.waitFor(() => Goop.status.state === "online", [], { timeout: 15_000 })));
  for (const tab of [white, black, watcher]) await plies(tab, 17);
  await play(match, GAME, 18, 20);

  // And once more, with a move that is made while there is no host.
  await host.kill();
  await white.waitFor(() => Goop.status.state !== "online", [], { timeout: 5_500 });
  await move(white, GAME[20]);
  await white.waitFor(() => document.querySelector("#status").innerText.startsWith("Sending"));
  await host.start();
  for (const tab of [white, black, watcher]) await plies(tab, 21, { timeout: 40_000 });

  await play(match, GAME, 22, GAME.length);
  await seeMate([white, black, watcher]);
  await checkRows(watcher, id, GAME, peers);
});

scene("keyboard, draw and resignation", "webtransport", async (s) => {
  const match = await seated(s, { white: "firefox", black: "chromium" });
  const { white, black, watcher, id } = match;

  // The first move by keyboard alone: onto the pawn, two up, and there it goes.
  await white.evaluate(() => document.querySelector('[data-square="e2"]').focus());
  for (const key of ["Enter", "ArrowUp", "ArrowUp", "Enter"]) await white.press(key);
  for (const tab of [white, black, watcher]) await plies(tab, 1);
  assert.equal(await placement(watcher), GAME[0].fen.split(" ")[0]);

  await play(match, GAME, 2, 3);
  await white.click("#offer-draw");
  await black.click("#decline-draw");
  await white.waitFor(() => document.querySelector("#status").innerText.includes("Duke Karl to move"));
  await play(match, GAME, 4, 4);
  await black.click("#resign");
  await black.click("dialog .danger");
  for (const tab of [white, black, watcher]) {
    await tab.see("#result");
    assert.match(await tab.text("#result"), /1–0\s+Paul Morphy wins/);
  }
  // Nobody pressed the button: the page of the player who moved last closes the match by itself.
  await watcher.see('#result a[href^="/?replay="]', { timeout: 40_000 });
  const rows = await watcher.evaluate((game) => Goop.data.query("moves", { where: { game }, order: ["_seq"] }), id);
  assert.deepEqual(rows.map((r) => r.kind), ["move", "move", "move", "draw-offer", "draw-decline", "move", "resign"]);
});

scene("everybody leaves in the middle of the game", "webtransport", async (s) => {
  const match = await seated(s);
  const { host, id, white, black, watcher } = match;
  await play(match, GAME, 1, 5);

  // Ten minutes are too long for a test: the owner makes one second of them.
  await watcher.evaluate((id) => Goop.group.update(id, { dissolve: { empty: 1_000 } }), id);
  await watcher.goto(host.url);
  await white.close();
  await black.close();
  await watcher.click(`#played [data-id="${id}"] a`);
  await watcher.see('[data-page="replay"][data-loaded="true"]');
  assert.equal(await placement(watcher), GAME[4].fen.split(" ")[0]);
});

scene("an owner link", "webtransport", async (s) => {
  const host = await s.host();
  const link = await host.ownerLink();
  const profile = await s.peer("chromium", "owner");
  for (let i = 0; i < 2; i++) { // once more in the same browser does no harm
    const tab = await profile.open(link);
    await tab.see("#owner-badge");
    await tab.see("#new-match");
  }

  // Another browser comes too late, and is told so.
  const late = await (await s.peer("firefox", "late")).open(link);
  await late.see("#toast");
  assert.match(await late.text("#toast"), /owner link/);
  assert.equal(await late.evaluate(() => Goop.me.role), "visitor");
});
