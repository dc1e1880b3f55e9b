// The fold of a match, as every page of the demo site makes it. No browser is needed for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Game, gameOf, material, promotes, propose } from "../../host/templates/chess/game.js";
import { OPERA, squares } from "./harness/chess.mjs";

const seats = { white: "W", black: "B" };
const author = (i) => (i % 2 ? "B" : "W");
const opera = squares(OPERA).map((m, i) => ({ kind: "move", ply: i + 1, uci: m.from + m.to, _owner: author(i) }));

function played(entries, at = seats) {
  const game = new Game(at);
  const taken = entries.map(([from, entry]) => game.apply(from, entry));
  return { game, taken };
}
const mv = (ply, uci) => ({ kind: "move", ply, uci });

test("the opera game ends in mate", () => {
  const game = gameOf(opera, seats);
  assert.deepEqual(game.moves.map((m) => m.san), OPERA);
  assert.deepEqual(game.result, { winner: "white", reason: "checkmate", score: "1-0" });
  assert.deepEqual(material(game.moves), { taken: { white: ["r", "b", "n", "p", "p", "p"], black: ["q", "r", "b", "n", "n", "p"] }, lead: -10 });
});

test("what the rules do not allow is passed over", () => {
  const { game, taken } = played([
    ["W", mv(1, "e2e5")], // not legal
    ["B", mv(1, "e2e4")], // not Black's turn
    ["X", mv(1, "e2e4")], // no seat
    ["W", mv(2, "e2e4")], // another half-move
    ["W", { kind: "move", ply: 1 }], // no move
    ["W", mv(1, "e2e4")],
    ["W", mv(1, "e2e4")], // again
    ["B", { kind: "draw-accept", ply: 1 }], // nothing was offered
    ["B", { kind: "teleport", ply: 1 }],
    ["B", mv(2, "e7e5")],
  ]);
  assert.deepEqual(taken, [false, false, false, false, false, true, false, false, false, true]);
  assert.deepEqual(game.moves.map((m) => m.san), ["e4", "e5"]);
});

test("nobody moves before both seats are taken", () => {
  assert.deepEqual(played([["W", mv(1, "e2e4")]], { white: "W" }).taken, [false]);
});

test("a draw needs both, and playing on declines it", () => {
  const { game, taken } = played([
    ["W", { kind: "draw-offer" }], ["W", { kind: "draw-accept" }], ["B", { kind: "draw-decline" }],
    ["W", { kind: "draw-offer" }], ["W", mv(1, "e2e4")], ["B", mv(2, "e7e5")], ["B", { kind: "draw-accept" }],
    ["B", { kind: "draw-offer" }], ["W", { kind: "draw-accept" }], ["W", mv(3, "g1f3")],
  ]);
  assert.deepEqual(taken, [true, false, true, true, true, true, false, true, true, false]);
  assert.deepEqual(game.result, { winner: null, reason: "agreement", score: "1/2-1/2" });
});

test("resigning gives the game to the other side", () => {
  assert.deepEqual(played([["B", { kind: "resign" }]]).game.result, { winner: "white", reason: "resignation", score: "1-0" });
});

test("who sits on both sides plays both", () => {
  const { game } = played([["W", mv(1, "e2e4")], ["W", mv(2, "e7e5")]], { white: "W", black: "W" });
  assert.equal(game.moves.length, 2);
});

test("threefold repetition is a draw, and proposing a move changes nothing", () => {
  const game = new Game(seats);
  const dance = ["g1f3", "g8f6", "f3g1", "f6g8"];
  for (let i = 0; i < 7; i++) assert.equal(game.apply(author(i), mv(i + 1, dance[i % 4])), true);
  const before = game.chess.fen();
  const last = propose(game, "f6", "g8");
  assert.equal(game.chess.fen(), before);
  assert.deepEqual([last.final, last.result, last.reason], [1, "1/2-1/2", "threefold repetition"]);
  game.apply("B", last);
  assert.equal(game.result.reason, "threefold repetition");
});

test("promotion", () => {
  const uci = ["a2a4", "b7b5", "a4b5", "a7a6", "b5a6", "h7h6", "a6a7", "h6h5"];
  const { game } = played(uci.map((u, i) => [author(i), mv(i + 1, u)]));
  assert.equal(promotes(game, "a7", "b8"), true);
  assert.equal(promotes(game, "h2", "h3"), false);
  assert.equal(propose(game, "a7", "b8"), null);
  const entry = propose(game, "a7", "b8", "n");
  assert.equal(entry.uci, "a7b8n");
  assert.equal(game.apply("W", entry), true);
  assert.equal(material(game.moves).lead, 1 + 1 + 3 + 2);
});

test("a replay finds out from the rows who played what", () => {
  assert.equal(gameOf(opera).moves.length, OPERA.length);
  // Black pushes in a first move; it does not make Black White.
  const cheat = gameOf([{ _owner: "B", ...mv(1, "a2a3") }, ...opera]);
  assert.equal(cheat.moves.length, OPERA.length);
  assert.deepEqual(cheat.seats, seats);
  // Only White has moved so far, and Black's seat is known.
  assert.equal(gameOf(opera.slice(0, 1), seats).moves.length, 1);
  assert.equal(gameOf(opera.slice(0, 1)).moves.length, 1);
  assert.equal(gameOf([], seats).ready, true);
});
