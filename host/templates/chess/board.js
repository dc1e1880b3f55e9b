// The board: 64 buttons in a grid, moved by click, by drag or by keyboard. It shows what it is told and
// reports what the visitor wants; it knows no rules.

import { h } from "./ui.js";
import { NAMES, piece } from "./pieces.js";

const FILES = "abcdefgh";
/** The position that every game begins with. */
export const START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
/** How far a pointer has to go, in pixels, before a press becomes a drag. */
const DRAG_START = 6;

/** The pieces of a FEN, by square: {e4: {color, type}}. A broken FEN gives what can be read of it. */
export function piecesOf(fen) {
  const pieces = {};
  String(fen).split(" ")[0].split("/").slice(0, 8).forEach((rank, row) => {
    let file = 0;
    for (const c of rank) {
      if (c >= "1" && c <= "8") file += Number(c);
      else if (file < 8 && "pnbrqk".includes(c.toLowerCase())) {
        pieces[FILES[file++] + (8 - row)] = { color: c === c.toLowerCase() ? "b" : "w", type: c.toLowerCase() };
      }
    }
  });
  return pieces;
}

export class Board {
  #cells = new Map();
  #pieces = {};
  #selected = null;
  #targets = new Map();
  #justSelected = null;
  #drag = null;
  #focus = "e2";
  #facing = null;
  #options;

  /**
   * @param {{targets?: (from: string) => {to: string, captured?: string}[], move?: (from: string, to: string) => void}} options
   *   targets lists where a piece may go, and is empty for one that the visitor may not move
   */
  constructor(options = {}) {
    this.#options = options;
    this.element = h("div", { class: "board", role: "grid", "aria-label": "Chess board" });
    for (const file of FILES) {
      for (let rank = 1; rank <= 8; rank++) {
        const square = file + rank;
        const dark = (FILES.indexOf(file) + rank) % 2 === 1;
        this.#cells.set(square, h("button", {
          type: "button", role: "gridcell", tabindex: "-1", class: `square ${dark ? "dark" : "light"}`, "data-square": square,
        }));
      }
    }
    const on = (type, listener) => this.element.addEventListener(type, listener);
    on("click", (e) => this.#click(e));
    on("keydown", (e) => this.#key(e));
    on("focusin", (e) => e.target.dataset.square && this.#focusOn(e.target.dataset.square));
    on("pointerdown", (e) => this.#down(e));
    on("pointermove", (e) => this.#moveTo(e));
    on("pointerup", (e) => this.#up(e));
    on("pointercancel", () => this.#endDrag());
    this.face("white");
    this.#focusOn("e2");
  }

  /** Turns the board so that a side is at the bottom. */
  face(side) {
    if (side === this.#facing) return;
    this.#facing = side;
    const ranks = side === "white" ? [8, 7, 6, 5, 4, 3, 2, 1] : [1, 2, 3, 4, 5, 6, 7, 8];
    const files = side === "white" ? [...FILES] : [...FILES].reverse();
    this.element.dataset.facing = side;
    this.element.replaceChildren(...ranks.map((rank, row) => h("div", { role: "row", class: "rank" },
      files.map((file, column) => {
        const cell = this.#cells.get(file + rank);
        cell.querySelectorAll(".coordinate").forEach((el) => el.remove());
        if (column === 0) cell.prepend(h("span", { class: "coordinate rank-name", "aria-hidden": "true" }, String(rank)));
        if (row === 7) cell.prepend(h("span", { class: "coordinate file-name", "aria-hidden": "true" }, file));
        return cell;
      }))));
  }

  /**
   * Shows a position.
   * @param {{fen: string, last?: {from: string, to: string}, check?: boolean, animate?: boolean}} position
   */
  show({ fen, last, check, animate = true }) {
    const next = piecesOf(fen);
    const slides = animate ? this.#slides(this.#pieces, next) : [];
    const turn = String(fen).split(" ")[1];
    for (const [square, cell] of this.#cells) {
      const now = next[square];
      const before = this.#pieces[square];
      if (now?.color !== before?.color || now?.type !== before?.type) {
        cell.querySelector(".piece")?.remove();
        if (now) cell.append(piece(now.color, now.type));
      }
      cell.classList.toggle("last", square === last?.from || square === last?.to);
      cell.classList.toggle("check", Boolean(check && now?.type === "k" && now.color === turn));
    }
    this.#pieces = next;
    if (this.#selected) this.#select(this.#targetsOf(this.#selected).length ? this.#selected : null);
    this.#describe();
    for (const [from, to] of slides) this.#slide(from, to);
  }

  /** Which pieces have moved from where to where, when it is few enough to follow. */
  #slides(before, next) {
    const same = (a, b) => a?.color === b?.color && a?.type === b?.type;
    const gone = Object.keys(before).filter((s) => !same(before[s], next[s]));
    const come = Object.keys(next).filter((s) => !same(before[s], next[s]));
    if (!gone.length || come.length > 2) return [];
    return come.flatMap((to) => {
      const from = gone.find((s) => same(before[s], next[to]));
      return from ? [[from, to]] : [];
    });
  }

  #slide(from, to) {
    const picture = this.#cells.get(to).querySelector(".piece");
    if (!picture?.animate || this.#drag || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    if (to === this.#dropped) return void (this.#dropped = null); // the hand has carried it there already
    const a = this.#cells.get(from).getBoundingClientRect();
    const b = this.#cells.get(to).getBoundingClientRect();
    picture.animate(
      [{ transform: `translate(${a.x - b.x}px, ${a.y - b.y}px)` }, { transform: "none" }],
      { duration: 180, easing: "ease-out" });
  }

  #dropped = null;

  #targetsOf(square) {
    return this.#pieces[square] && this.#options.targets ? this.#options.targets(square) : [];
  }

  #select(square) {
    this.#selected = square;
    this.#targets = new Map(square ? this.#targetsOf(square).map((t) => [t.to, t]) : []);
    for (const [name, cell] of this.#cells) {
      cell.classList.toggle("selected", name === square);
      cell.classList.toggle("target", this.#targets.has(name));
      cell.classList.toggle("capture", Boolean(this.#targets.get(name)?.captured));
    }
  }

  /** What a screen reader says of each square, and which pieces a finger may drag. */
  #describe() {
    for (const [square, cell] of this.#cells) {
      const p = this.#pieces[square];
      const name = p ? `${p.color === "w" ? "white" : "black"} ${NAMES[p.type]}` : "empty";
      cell.setAttribute("aria-label", `${square}, ${name}`);
      cell.classList.toggle("movable", this.#targetsOf(square).length > 0);
    }
  }

  #try(to) {
    const from = this.#selected;
    this.#select(null);
    this.#options.move?.(from, to);
  }

  #click(event) {
    const square = event.target.closest("[data-square]")?.dataset.square;
    const justSelected = this.#justSelected;
    this.#justSelected = null;
    if (!square || justSelected === square || this.#suppressClick) {
      this.#suppressClick = false;
      return;
    }
    if (this.#selected && this.#targets.has(square)) this.#try(square);
    else this.#select(square !== this.#selected && this.#targetsOf(square).length ? square : null);
  }

  #suppressClick = false;

  #down(event) {
    this.#suppressClick = false;
    const cell = event.target.closest("[data-square]");
    if (!cell || event.button !== 0 || !event.isPrimary) return;
    const square = cell.dataset.square;
    this.#justSelected = null;
    if (this.#selected !== square) {
      if (this.#targets.has(square) || !this.#targetsOf(square).length) return;
      this.#select(square);
      this.#justSelected = square;
    }
    this.#drag = { square, cell, x: event.clientX, y: event.clientY, picture: null };
    cell.setPointerCapture(event.pointerId);
  }

  #moveTo(event) {
    const drag = this.#drag;
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.picture) {
      if (Math.hypot(dx, dy) < DRAG_START) return;
      drag.picture = drag.cell.querySelector(".piece");
      drag.cell.classList.add("dragging");
    }
    drag.picture.style.transform = `translate(${dx}px, ${dy}px) scale(1.15)`;
    const over = this.#squareAt(event);
    for (const [name, cell] of this.#cells) cell.classList.toggle("over", name === over && this.#targets.has(name));
  }

  #up(event) {
    const drag = this.#drag;
    if (!drag) return;
    const dragged = Boolean(drag.picture);
    this.#endDrag();
    if (!dragged) return; // a click follows
    this.#suppressClick = true;
    this.#justSelected = null;
    const to = this.#squareAt(event);
    if (to && this.#targets.has(to)) {
      this.#dropped = to;
      this.#try(to);
    }
  }

  #endDrag() {
    const drag = this.#drag;
    this.#drag = null;
    drag?.cell.classList.remove("dragging");
    drag?.picture?.style.removeProperty("transform");
    for (const cell of this.#cells.values()) cell.classList.remove("over");
  }

  #squareAt({ clientX, clientY }) {
    return document.elementFromPoint(clientX, clientY)?.closest("[data-square]")?.dataset.square;
  }

  #focusOn(square) {
    this.#cells.get(this.#focus).tabIndex = -1;
    this.#focus = square;
    this.#cells.get(square).tabIndex = 0;
  }

  #key(event) {
    if (event.key === "Escape") return this.#select(null);
    const step = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const sign = this.#facing === "white" ? 1 : -1;
    const file = FILES.indexOf(this.#focus[0]) + step[0] * sign;
    const rank = Number(this.#focus[1]) + step[1] * sign;
    this.#cells.get(FILES[file] + rank)?.focus();
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** A small picture of a position, for lists. */
export function thumbnail(fen) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 8 8");
  svg.setAttribute("class", "thumbnail");
  svg.setAttribute("aria-hidden", "true");
  const pieces = piecesOf(fen);
  for (let row = 0; row < 8; row++) {
    for (let column = 0; column < 8; column++) {
      const rect = document.createElementNS(SVG, "rect");
      const place = { x: column, y: row, width: 1, height: 1 };
      for (const [k, v] of Object.entries(place)) rect.setAttribute(k, v);
      rect.setAttribute("class", (row + column) % 2 ? "dark" : "light");
      svg.append(rect);
      const p = pieces[FILES[column] + (8 - row)];
      if (!p) continue;
      const picture = piece(p.color, p.type);
      for (const [k, v] of Object.entries(place)) picture.setAttribute(k, v);
      svg.append(picture);
    }
  }
  return svg;
}
