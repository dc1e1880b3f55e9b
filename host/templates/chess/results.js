// How this site says things: refusals, results, scores.

import { explainer } from "./words.js";

export const explain = explainer({
  no_such_group: "This match does not exist any more.",
  closed: "This match is over.",
  full: "This match is full.",
  banned: "You cannot join this match.",
});

/** "White wins by checkmate" */
export function resultText(result, names) {
  if (!result.winner) return `Draw by ${result.reason}`;
  const winner = names?.[result.winner] || (result.winner === "white" ? "White" : "Black");
  return result.reason === "resignation" ? `${winner} wins: the other side resigned` : `${winner} wins by ${result.reason}`;
}

/** The score as it is written: 1–0, 0–1, ½–½. */
export const scoreText = (score) => ({ "1-0": "1–0", "0-1": "0–1", "1/2-1/2": "½–½" })[score] ?? "–";
