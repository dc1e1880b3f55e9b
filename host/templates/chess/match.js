// A match that is on: its group, the stored moves before this page came, and what the visitor may do.

import { Game, gameOf, other, promotes, propose } from "./game.js";
import { replay } from "./replay.js";
import { Table } from "./table.js";
import { choosePromotion } from "./promotion.js";
import { askName, confirmIn, h, setText, toast } from "./ui.js";
import { myName, rememberName, tidy } from "./names.js";
import { explain, resultText, scoreText } from "./results.js";
import { movesOf } from "./history.js";

/** After the end the players' pages close the group: first the one that moved last, in milliseconds. */
const CLOSE_AFTER = 20_000;
const CLOSE_AFTER_OTHER = 40_000;

/** Groups that a page has left, until that is through: whoever comes back at once joins anew. */
const leaving = new Map();

export async function match(context, id) {
  const page = new MatchPage(context, id);
  await page.open();
}

class MatchPage {
  #id;
  #context;
  #table;
  #group = null;
  #game = new Game();
  #names = {}; // from the stored moves, for players who are away
  #seq = 0; // of the last entry that the game has seen
  #early = []; // what came before the stored moves were read
  #loading = null;
  #pending = null; // the visitor's move that the host has not confirmed yet
  #closed = null; // the event that ended the group
  #closing = null;
  #lastMover = null;
  #facedBy = null; // the side that the visitor's seat has turned the board to, or "hand"
  #buttons;

  constructor(context, id) {
    this.#id = id;
    this.#context = context;
    this.#table = new Table({
      page: "match", id,
      board: { targets: (from) => this.#targets(from), move: (from, to) => this.#play(from, to) },
    });
    this.#buttons = this.#makeButtons();
    this.#table.actions.append(...Object.values(this.#buttons));
    context.main.replaceChildren(this.#table.element);
    this.#render();
  }

  async open() {
    const { signal } = this.#context;
    await leaving.get(this.#id);
    try {
      const group = await Goop.group.join(this.#id, (event) => this.#take(event), { echo: true });
      if (signal.aborted) return void leave(group);
      this.#group = group;
    } catch (e) {
      if (!signal.aborted) await this.#missing(e);
      return;
    }
    const offs = [this.#group.on("members", () => this.#render()), Goop.on("me", () => this.#render())];
    signal.addEventListener("abort", () => {
      for (const off of offs) off();
      clearTimeout(this.#closing);
      leave(this.#group);
    });
    await this.#load();
  }

  /** The match is over and gone: what is stored of it can be seen all the same. */
  async #missing(error) {
    const rows = ["no_such_group", "closed"].includes(error.code) ? await movesOf(this.#id).catch(() => []) : [];
    if (this.#context.signal.aborted) return;
    if (rows.length) {
      history.replaceState(null, "", `/?replay=${encodeURIComponent(this.#id)}`);
      return replay(this.#context, this.#id, rows);
    }
    this.#context.main.replaceChildren(h("section", { class: "notice", "data-page": "missing" },
      h("h1", {}, explain(error)), h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "Back to the lobby"))));
  }

  /** Reads the stored moves and goes on from there with what the group has brought meanwhile. */
  #load() {
    this.#loading ??= (async () => {
      try {
        const rows = await movesOf(this.#id);
        this.#game = gameOf(rows, this.#group.state.seats);
        this.#seq = rows.at(-1)?._seq ?? 0;
        this.#lastMover = rows.at(-1)?._owner ?? null;
        for (const row of rows) this.#remember(row);
      } catch (e) {
        if (!this.#context.signal.aborted) toast(explain(e, "read the moves"));
      } finally {
        this.#loading = null;
      }
      for (const event of this.#early.splice(0)) this.#enter(event);
      this.#render();
    })();
    return this.#loading;
  }

  // ---- what comes in ------------------------------------------------------------------------------

  #take(event) {
    switch (event.type) {
      case "msg":
        if (!this.#group || this.#loading) this.#early.push(event);
        else this.#enter(event);
        break;
      case "gap":
        this.#load(); // what this page did not get is in the host's table
        return;
      case "state":
        if (!event.patch) return void this.#load(); // the whole state: the log went on without this page
        break;
      case "close":
        this.#closed = event;
    }
    this.#render();
  }

  #enter({ seq, from, payload }) {
    if (seq <= this.#seq) return; // the stored moves had it already
    this.#seq = seq;
    this.#seatsNow();
    this.#remember(payload);
    if (this.#game.apply(from, payload)) this.#lastMover = from;
    if (from === Goop.me.peer && payload.ply === this.#pending?.ply) this.#pending = null;
  }

  #remember({ white, black }) {
    if (white) this.#names.white = tidy(white);
    if (black) this.#names.black = tidy(black);
  }

  /** Who plays is settled with the first move; until then it is who sits. */
  #seatsNow() {
    const seats = this.#group?.state.seats ?? {};
    if (this.#game.moves.length === 0 && !this.#game.result) this.#game.seats = { white: seats.white, black: seats.black };
  }

  // ---- what the visitor does ----------------------------------------------------------------------

  get #mySide() {
    return this.#game.sideOf(Goop.me.peer);
  }

  get #over() {
    return this.#game.result !== null || this.#closed !== null;
  }

  #targets(from) {
    const game = this.#game;
    if (this.#over || this.#pending || !game.ready || this.#mySide !== game.turn) return [];
    return game.chess.moves({ square: from, verbose: true });
  }

  async #play(from, to) {
    const promotion = promotes(this.#game, from, to) ? await choosePromotion(this.#game.turn) : undefined;
    if (promotion === null) return this.#render();
    const entry = propose(this.#game, from, to, promotion);
    if (!entry || this.#pending) return this.#render();
    this.#pending = entry;
    this.#render();
    await this.#send(entry, "make the move");
    this.#pending = null;
    this.#render();
  }

  /** Sends an entry with what the stored row needs to be understood by itself. */
  async #send(entry, doing) {
    try {
      await this.#group.send({ ...entry, title: this.#group.name, white: this.#nameOf("white"), black: this.#nameOf("black") });
    } catch (e) {
      toast(explain(e, doing));
    }
  }

  #say(kind, doing) {
    const final = kind === "resign" || kind === "draw-accept";
    const result = kind === "draw-accept" ? "1/2-1/2" : this.#mySide === "white" ? "0-1" : "1-0";
    const reason = kind === "resign" ? "resignation" : "agreement";
    const entry = { kind, ply: this.#game.moves.length, ...(final && { final: 1, result, reason, fen: this.#game.chess.fen() }) };
    return this.#send(entry, doing);
  }

  async #sit(side) {
    if (!myName()) {
      const name = await askName("");
      if (!name) return;
      await rememberName(name);
    }
    try {
      await this.#group.setState({ seats: { [side]: Goop.me.peer } });
    } catch (e) {
      toast(e.code === "conflict" || e.code === "forbidden" ? "Somebody else has just taken that seat." : explain(e, "take the seat"));
    }
  }

  async #stand(side) {
    try {
      await this.#group.setState({ seats: { [side]: null } });
    } catch (e) {
      toast(explain(e, "leave the seat"));
    }
  }

  async #close() {
    clearTimeout(this.#closing);
    try {
      await Goop.group.close(this.#id);
    } catch (e) {
      if (e.code !== "no_such_group" && e.code !== "closed") toast(explain(e, "close the match"));
    }
  }

  async #share() {
    const url = location.href;
    try {
      if (navigator.share) await navigator.share({ title: this.#group?.name, url });
      else {
        await navigator.clipboard.writeText(url); // not there on plain http: then the link is shown
        toast("The link is copied. Send it to whoever should play or watch.");
      }
    } catch (e) {
      if (e.name !== "AbortError") toast(`Send this link: ${url}`);
    }
  }

  // ---- what the page shows ------------------------------------------------------------------------

  #makeButtons() {
    const button = (id, text, click, kind = "quiet") => h("button", { id, type: "button", class: kind, click, hidden: true }, text);
    return {
      accept: button("accept-draw", "Accept the draw", () => this.#say("draw-accept", "accept the draw"), "primary"),
      decline: button("decline-draw", "Decline", () => this.#say("draw-decline", "decline the draw")),
      flip: button("flip", "Turn the board", () => {
        this.#facedBy = "hand";
        this.#table.face(other(this.#table.facing));
      }),
      share: button("share", "Share the link", () => this.#share()),
      draw: button("offer-draw", "Offer a draw", () => this.#say("draw-offer", "offer a draw")),
      resign: button("resign", "Resign", async () => {
        if (await confirmIn("Resign this game?", "The other side wins.", "Resign")) await this.#say("resign", "resign");
      }),
      end: button("end-match", "Close the match", async () => {
        if (await confirmIn("Close this match?", "Nobody can go on with it. Its moves are kept.", "Close it")) await this.#close();
      }),
    };
  }

  #nameOf(side) {
    const peer = this.#game.seats[side] ?? this.#group?.state.seats?.[side];
    if (!peer) return "";
    const label = peer === Goop.me.peer ? myName() : tidy(this.#group?.members.find((m) => m.peer === peer)?.label);
    return label || this.#names[side] || (side === "white" ? "White" : "Black");
  }

  #render() {
    if (this.#context.signal.aborted) return;
    this.#seatsNow();
    const game = this.#game;
    const mine = this.#mySide;
    const table = this.#table;
    setText(table.title, this.#group?.name || this.#id);
    document.title = `${this.#group?.name || "Match"} · Chess for two`;
    if (mine && this.#facedBy !== "hand" && this.#facedBy !== "seat") {
      this.#facedBy = "seat";
      table.face(mine);
    }

    const last = game.moves.at(-1);
    const pending = this.#pending;
    const moves = pending ? [...game.moves, { san: pending.san, side: game.turn }] : game.moves;
    table.board.show({
      fen: pending?.fen ?? game.chess.fen(),
      last: pending ? { from: pending.uci.slice(0, 2), to: pending.uci.slice(2, 4) } : last,
      check: !pending && game.chess.inCheck(),
    });
    table.moves(moves);
    table.element.dataset.plies = game.moves.length;
    table.element.dataset.over = game.result?.score ?? "";
    table.element.dataset.loaded = String(Boolean(this.#group) && !this.#loading);
    for (const side of ["white", "black"]) this.#renderPlayer(side);
    setText(table.status, this.#statusText());
    table.status.classList.toggle("yours", !this.#over && mine === game.turn && game.ready && !pending);
    this.#renderActions();
    this.#renderEnd();

    const watchers = this.#group ? this.#group.members.filter((m) => !Object.values(game.seats).includes(m.peer)) : [];
    const unnamed = watchers.filter((m) => !tidy(m.label)).length;
    const named = watchers.map((m) => tidy(m.label)).filter(Boolean);
    if (unnamed) named.push(unnamed === 1 ? (named.length ? "one more" : "one guest") : `${unnamed} guests`);
    setText(table.note, watchers.length ? `Watching: ${named.join(", ")}` : "");
  }

  #renderPlayer(side) {
    const game = this.#game;
    const peer = game.seats[side];
    const me = Boolean(peer) && peer === Goop.me.peer;
    const begun = game.moves.length > 0 || game.result;
    let action = null;
    if (this.#group && !this.#over) {
      if (!peer) {
        action = h("button", { id: `take-${side}`, type: "button", class: "primary", click: () => this.#sit(side) },
          `Play ${side === "white" ? "White" : "Black"}`);
      } else if (me && !begun) {
        action = h("button", { id: `leave-${side}`, type: "button", class: "quiet", click: () => this.#stand(side) }, "Stand up");
      }
    }
    this.#table.player(side, {
      name: peer ? this.#nameOf(side) : side === "white" ? "White is free" : "Black is free",
      tag: me ? "you" : "",
      here: peer && this.#group && !this.#closed ? this.#group.members.some((m) => m.peer === peer) : undefined,
      turn: !this.#over && game.ready && game.turn === side,
      action,
    });
  }

  #statusText() {
    const game = this.#game;
    const mine = this.#mySide;
    if (!this.#group) return "Setting up the board…";
    if (game.result) return `${resultText(game.result, { white: this.#nameOf("white"), black: this.#nameOf("black") })}.`;
    if (this.#closed) return "The match was closed before it was over.";
    if (!game.ready) return mine ? "Waiting for somebody to play against." : "Take a seat to play, or stay and watch.";
    if (this.#pending) return "Sending your move…";
    const check = game.chess.inCheck() ? " Check!" : "";
    if (game.offer) return game.offer === mine ? `You offered a draw.${check}` : `${this.#nameOf(game.offer)} offers a draw.${check}`;
    if (mine === game.turn) return `Your move.${check}`;
    return `${this.#nameOf(game.turn)} to move.${check}`;
  }

  #renderActions() {
    const game = this.#game;
    const mine = this.#mySide;
    const playing = Boolean(mine) && game.ready && !this.#over;
    const answering = playing && game.offer === other(mine);
    const b = this.#buttons;
    b.accept.hidden = b.decline.hidden = !answering;
    b.flip.hidden = false;
    b.share.hidden = this.#over;
    b.draw.hidden = !playing || answering;
    b.draw.disabled = game.offer === mine;
    b.resign.hidden = !playing;
    b.end.hidden = this.#over || playing || Goop.me.role !== "owner" || !this.#group;
  }

  #renderEnd() {
    const game = this.#game;
    const { banner } = this.#table;
    if (!this.#over) return;
    const state = `${game.result?.score ?? "none"} ${this.#closed ? "closed" : "open"}`;
    if (banner.dataset.state === state) return;
    banner.dataset.state = state;
    const names = { white: this.#nameOf("white"), black: this.#nameOf("black") };
    const mayClose = this.#mySide && !this.#closed;
    banner.replaceChildren(
      h("p", { class: "final-score" }, game.result ? scoreText(game.result.score) : "–"),
      h("p", {}, game.result ? `${resultText(game.result, names)}.` : closedText(this.#closed)),
      h("div", { class: "row" },
        mayClose && h("button", { id: "close-match", type: "button", class: "primary", click: () => this.#close() }, "Close the match"),
        this.#closed && game.moves.length > 0
          && h("a", { class: "button", href: `/?replay=${encodeURIComponent(this.#id)}`, "data-link": true }, "Replay"),
        h("a", { class: "button", href: "/", "data-link": true }, "Back to the lobby")),
      mayClose ? h("p", { class: "note" }, "It closes by itself in a moment; its moves are kept.") : "");
    banner.hidden = false;
    clearTimeout(this.#closing);
    if (mayClose) this.#closing = setTimeout(() => this.#close(), this.#lastMover === Goop.me.peer ? CLOSE_AFTER : CLOSE_AFTER_OTHER);
  }
}

function leave(group) {
  const done = group.leave().catch(() => {}).finally(() => leaving.delete(group.id)); // it may have ended already
  leaving.set(group.id, done);
}

function closedText({ reason, message }) {
  if (reason === "dissolved") return "Everybody was gone for ten minutes, so the match ended.";
  if (reason === "kicked" || reason === "banned") return "You were asked to leave this match.";
  return message || "The match was closed.";
}
