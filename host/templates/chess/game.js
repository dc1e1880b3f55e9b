// The rules of a match, folded from the entries of its group in the order that the host gave them.
// Every page folds the same entries and so sees the same game; what the rules do not allow is passed
// over, so that no page can cheat another. Nothing in here touches the page or the network.

import { Chess } from "./vendor/chess.js";

const UCI = /^[a-h][1-8][a-h][1-8][qrbn]?$/;

/** The other side. */
export const other = (side) => (side === "white" ? "black" : "white");

/** One match: a position, its moves, a draw offer, and how it ended. */
export class Game {
  /** @param {{white?: string, black?: string}} seats the peers that play */
  constructor(seats = {}) {
    this.seats = { white: seats.white, black: seats.black };
    this.chess = new Chess();
    this.moves = []; // {side, san, from, to, captured, promotion, fen}
    this.offer = null; // the side that offers a draw
    this.result = null; // {score, reason, winner}
  }

  get turn() {
    return this.chess.turn() === "w" ? "white" : "black";
  }

  /** The side that a peer plays, or null. Who holds both seats plays whichever is to move. */
  sideOf(peer) {
    if (!peer) return null;
    if (this.seats[this.turn] === peer) return this.turn;
    return this.seats[other(this.turn)] === peer ? other(this.turn) : null;
  }

  /** Whether both seats are taken, so that the first move may be made. */
  get ready() {
    return Boolean(this.seats.white && this.seats.black);
  }

  /**
   * Applies one entry and tells whether the rules allowed it.
   * @param {string} from the peer that sent it
   * @param {{kind?: string, ply?: number, uci?: string}} entry
   */
  apply(from, entry) {
    const side = this.sideOf(from);
    if (!side || this.result || !this.ready) return false;
    switch (entry.kind) {
      case "move":
        return this.#move(side, entry);
      case "resign":
        this.#end(other(side), "resignation");
        return true;
      case "draw-offer":
        if (this.offer) return false;
        this.offer = side;
        return true;
      case "draw-accept":
        if (this.offer !== other(side)) return false;
        this.#end(null, "agreement");
        return true;
      case "draw-decline":
        if (this.offer !== other(side)) return false;
        this.offer = null;
        return true;
    }
    return false;
  }

  #move(side, { ply, uci }) {
    if (side !== this.turn || ply !== this.moves.length + 1 || !UCI.test(uci ?? "")) return false;
    let move;
    try {
      move = this.chess.move({ from: uci.slice(0, 2), to: uci.slice(2, 4), promotion: uci[4] });
    } catch {
      return false; // chess.js throws for a move that is not legal
    }
    const { san, from, to, captured, promotion, after: fen } = move;
    this.moves.push({ side, san, from, to, captured, promotion, fen });
    if (this.offer === other(side)) this.offer = null; // to play on is to decline
    const end = outcome(this.chess);
    if (end) this.#end(end === "checkmate" ? side : null, end);
    return true;
  }

  #end(winner, reason) {
    this.offer = null;
    this.result = { winner, reason, score: winner === "white" ? "1-0" : winner === "black" ? "0-1" : "1/2-1/2" };
  }
}

/** Why the position ends the game, or null. */
function outcome(chess) {
  if (chess.isCheckmate()) return "checkmate";
  if (chess.isStalemate()) return "stalemate";
  if (chess.isInsufficientMaterial()) return "insufficient material";
  if (chess.isThreefoldRepetition()) return "threefold repetition";
  if (chess.isDrawByFiftyMoves()) return "the fifty-move rule";
  return null;
}

/**
 * Folds the stored rows of a match. The seats are known while its group lives; afterwards the rows
 * alone tell who played: of their authors, the pair under which most of them make sense.
 * @param {{_owner: string, kind: string, ply: number, uci?: string}[]} rows in the order of _seq
 * @param {{white?: string, black?: string}} [seats]
 */
export function gameOf(rows, seats = {}) {
  const authors = [...new Set(rows.map((row) => row._owner))].slice(0, 8);
  const pairs = [seats];
  for (const white of authors) {
    for (const black of authors) pairs.push({ white, black });
    // A player who has not sent anything yet has a seat all the same.
    pairs.push({ white, black: seats.black ?? "nobody yet" }, { white: seats.white ?? "nobody yet", black: white });
  }
  let best = null;
  let most = -1;
  for (const pair of pairs) {
    const game = new Game(pair);
    let made = 0;
    for (const row of rows) if (game.apply(row._owner, row)) made++;
    // The first of equals wins: the seats as they are, then those of two different people.
    const worth = made * 2 + (pair.white !== pair.black ? 1 : 0);
    if (worth > most) [best, most] = [game, worth];
  }
  return best;
}

/**
 * Tells what a move would be, without making it: the entry to send, or null if it is not legal.
 * @param {Game} game
 */
export function propose(game, from, to, promotion) {
  const chess = game.chess;
  const side = game.turn;
  let move;
  try {
    move = chess.move({ from, to, promotion });
  } catch {
    return null; // chess.js throws for a move that is not legal
  }
  const reason = outcome(chess);
  chess.undo();
  const entry = { kind: "move", ply: game.moves.length + 1, uci: move.lan, san: move.san, fen: move.after };
  if (!reason) return entry;
  return { ...entry, final: 1, reason, result: reason !== "checkmate" ? "1/2-1/2" : side === "white" ? "1-0" : "0-1" };
}

/** Whether a pawn that goes from one square to the other has to become something else. */
export function promotes(game, from, to) {
  return game.chess.moves({ square: from, verbose: true }).some((m) => m.to === to && m.promotion);
}

/** The pieces that each side has taken, most valuable first, and by how much White is ahead in pawns. */
export function material(moves) {
  const value = { p: 1, n: 3, b: 3, r: 5, q: 9 };
  const taken = { white: [], black: [] };
  let lead = 0;
  for (const m of moves) {
    const gain = (m.captured ? value[m.captured] : 0) + (m.promotion ? value[m.promotion] - 1 : 0);
    lead += m.side === "white" ? gain : -gain;
    if (m.captured) taken[m.side].push(m.captured);
  }
  for (const side of ["white", "black"]) taken[side].sort((a, b) => "qrbnp".indexOf(a) - "qrbnp".indexOf(b));
  return { taken, lead };
}
