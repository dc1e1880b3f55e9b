// What a match and a replay have in common on the page: the board between two players' strips, and a
// panel with the title, the state of play, the moves and what one can do.

import { Board, START } from "./board.js";
import { material } from "./game.js";
import { piece } from "./pieces.js";
import { h, setText } from "./ui.js";

const SIDES = ["white", "black"];

export class Table {
  #strips;
  #moves = h("ol", { id: "moves", class: "moves", "aria-label": "Moves" });
  #facing = "white";
  #shown = "";

  /** @param {{page: string, id: string, board?: object, pick?: (ply: number) => void}} options pick is told which move was clicked */
  constructor({ page, id, board, pick }) {
    this.board = new Board(board);
    this.title = h("h1", { id: "title" }, "…");
    this.status = h("p", { id: "status", class: "status", "aria-live": "polite" }, "Setting up the board…");
    this.banner = h("div", { id: "result", class: "banner", hidden: true });
    this.actions = h("div", { class: "actions" });
    this.note = h("p", { id: "watchers", class: "note" });
    this.#strips = Object.fromEntries(SIDES.map((side) => [side, strip(side)]));
    this.#moves.addEventListener("click", (e) => {
      const ply = e.target.closest("[data-ply]")?.dataset.ply;
      if (ply && pick) pick(Number(ply));
    });
    this.element = h("section", { class: "table", "data-page": page, "data-id": id },
      h("div", { class: "head" }, this.title, this.status),
      h("div", { class: "stage" }, this.#strips.black.element, this.board.element, this.#strips.white.element),
      h("aside", { class: "panel" }, this.banner, this.#moves, this.actions, this.note));
    this.board.show({ fen: START });
    new ResizeObserver(() => this.#scroll()).observe(this.#moves);
  }

  get facing() {
    return this.#facing;
  }

  /** Turns the board, and with it the players. */
  face(side) {
    this.#facing = side;
    this.board.face(side);
    const [top, bottom] = side === "white" ? ["black", "white"] : ["white", "black"];
    const stage = this.board.element.parentElement;
    if (stage.firstElementChild !== this.#strips[top].element) {
      stage.replaceChildren(this.#strips[top].element, this.board.element, this.#strips[bottom].element);
    }
  }

  /**
   * Shows who plays a side. `action` is an element such as a button, or null.
   * @param {"white" | "black"} side
   * @param {{name: string, tag?: string, here?: boolean, turn?: boolean, action?: Element | null}} player
   */
  player(side, { name, tag = "", here, turn, action }) {
    const s = this.#strips[side];
    setText(s.name, name);
    setText(s.tag, tag);
    s.tag.hidden = !tag;
    s.element.classList.toggle("turn", Boolean(turn));
    s.dot.hidden = here === undefined;
    s.dot.dataset.here = String(Boolean(here));
    s.dot.title = here ? "is here" : "is away";
    setText(s.dot, here ? "is here" : "is away");
    // Buttons keep their identity while they mean the same, so that a click never falls between two.
    if (s.action.firstElementChild?.id !== action?.id) s.action.replaceChildren(...(action ? [action] : []));
  }

  /** Shows the moves, and which of them the board stands at. */
  moves(moves, at = moves.length) {
    const { taken, lead } = material(moves.slice(0, at));
    for (const side of SIDES) {
      const mine = side === "white" ? lead : -lead;
      const key = taken[side].join("") + mine;
      const el = this.#strips[side].taken;
      if (el.dataset.key === key) continue;
      el.dataset.key = key;
      el.replaceChildren(...taken[side].map((p) => piece(side === "white" ? "b" : "w", p)), ...(mine > 0 ? [h("span", {}, `+${mine}`)] : []));
    }

    const key = `${moves.map((m) => m.san).join(" ")}@${at}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const rows = [];
    for (let i = 0; i < moves.length; i += 2) {
      rows.push(h("li", {}, h("span", { class: "number" }, `${i / 2 + 1}.`),
        [i, i + 1].filter((n) => n < moves.length).map((n) => h("button", {
          type: "button", class: "san", "data-ply": n + 1, "aria-current": n + 1 === at ? "step" : false,
        }, moves[n].san))));
    }
    this.#moves.replaceChildren(...rows);
    this.#scroll();
  }

  /** Keeps the current move in sight. */
  #scroll() {
    const current = this.#moves.querySelector("[aria-current]");
    if (!current) return;
    this.#moves.scrollTop = current.offsetTop - this.#moves.clientHeight / 2;
    this.#moves.scrollLeft = current.offsetLeft - this.#moves.clientWidth / 2;
  }
}

function strip(side) {
  const parts = {
    name: h("span", { class: "name", "data-name": side }, "…"),
    tag: h("span", { class: "tag", hidden: true }),
    dot: h("span", { class: "dot", hidden: true }),
    taken: h("span", { class: "taken", "aria-hidden": "true" }),
    action: h("span", { class: "action" }),
  };
  const element = h("div", { class: "strip", "data-side": side },
    h("span", { class: "seat" }, piece(side === "white" ? "w" : "b", "k")),
    h("span", { class: "who" }, h("span", { class: "line" }, parts.name, parts.tag, parts.dot), parts.taken),
    parts.action);
  return { element, ...parts };
}
