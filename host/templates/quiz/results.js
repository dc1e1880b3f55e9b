// The results of a session as a file for a spreadsheet: a line for each student, and for each question what was
// answered and what it brought.

import { choicesOf, LETTERS, ranked } from "./board.js";
import { format } from "./csv.js";
import { save } from "./save.js";

/** @param {object[]} questions the rows of that table @param {object[]} board those of the leaderboard */
export async function saveResults(session, questions, board) {
  const answers = new Map(); // player and question → row of the view "results"
  for await (const row of Goop.data.each("results", { where: { session: session.code }, order: ["_id"], limit: 1000 })) {
    answers.set(`${row.player}/${row.number}`, row);
  }
  const day = new Date(session._created_at).toISOString().slice(0, 10);
  save(`${session.title} ${day} ${session.code}.csv`, format(tableOf(questions, board, answers)));
}

/** The lines, the head included. */
export function tableOf(questions, board, answers) {
  const head = ["Rank", "Name", "Points", "Right answers",
    ...questions.flatMap((q) => [`${q.number}. ${q.text}`, `Points for ${q.number}`, `Seconds for ${q.number}`])];
  const right = ["", "(right answer)", "", "", ...questions.flatMap((q) => [answerOf(q, q.right), "", ""])];
  const lines = ranked(board).map((player) => [player.rank, player.nickname, player.points, player.correct,
    ...questions.flatMap((q) => {
      const a = answers.get(`${player._id}/${q.number}`);
      return a ? [answerOf(q, a.choice), a.points, Math.round(a.took / 100) / 10] : ["", 0, ""];
    })]);
  return [head, right, ...lines];
}

const answerOf = (question, choice) => `${LETTERS[choice]}: ${choicesOf(question)[choice] ?? ""}`;
