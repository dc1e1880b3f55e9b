// Asks what a pawn becomes that has reached the other side.

import { h, modal } from "./ui.js";
import { NAMES, piece } from "./pieces.js";

/** Resolves with the letter of a piece, or with null when the visitor thought better of it. */
export async function choosePromotion(side) {
  const dialog = h("dialog", { class: "dialog promotion", "aria-labelledby": "promotion-title" },
    h("h2", { id: "promotion-title" }, "The pawn becomes a…"),
    h("div", { class: "row" }, ["q", "r", "b", "n"].map((type) => h("button", {
      type: "button", "data-promote": type, "aria-label": NAMES[type], click: () => dialog.close(type),
    }, piece(side === "white" ? "w" : "b", type)))));
  return (await modal(dialog)) || null;
}
