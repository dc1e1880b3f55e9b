// What teacher and students see of a question and of the points: choices, bars, the list and the podium.

import { h, setText } from "./ui.js";
import { points } from "./sentences.js";

/** The names of the choices. */
export const LETTERS = "ABCDEF";

/** The letter of a choice, in its colour. */
export const letterOf = (choice) => h("span", { class: `letter c${choice}`, "aria-hidden": "true" }, LETTERS[choice]);

/** The texts of a row's choices. */
export const choicesOf = (row) => (Array.isArray(row.choices) ? row.choices.map(String) : []);

/** The class of a question or of choices, so that what is long is set smaller and stays on one screen. */
export function sizeOf(...texts) {
  const length = Math.max(...texts.map((t) => t.length));
  return length > 160 ? "longer" : length > (texts.length > 1 ? 40 : 80) ? "long" : "";
}

/** The choices with how often each was taken, and which is right. */
export function bars(question, right, mine) {
  const items = choicesOf(question).map((text, choice) => {
    const bar = h("span", { class: `bar c${choice}` });
    const number = h("span", { class: "number" }, "0");
    const is = choice === right ? "right" : choice === mine ? "mine" : "";
    const item = h("li", { class: `result ${is}`, "data-choice": choice },
      letterOf(choice),
      h("span", { class: "what" }, text,
        choice === right && h("span", { class: "mark" }, " ✓", h("span", { class: "sr" }, " the right answer")),
        choice === mine && h("span", { class: "tag" }, "your answer")),
      number, h("span", { class: "track" }, bar));
    return { item, bar, number };
  });
  const element = h("ol", { class: `results ${sizeOf(...choicesOf(question), "")}` }, items.map(({ item }) => item));
  return {
    element,
    /** Shows the rows of the view "distribution" of this question. */
    show(rows) {
      const most = Math.max(1, ...rows.map((r) => r.answers));
      for (const { choice, answers } of rows) {
        if (!items[choice]) continue;
        items[choice].bar.style.width = `${(100 * answers) / most}%`;
        setText(items[choice].number, String(answers));
      }
    },
  };
}

/** The rows of the view "leaderboard" in their order, each with its rank: who has as many points shares it. */
export function ranked(rows) {
  const sorted = rows.toSorted((a, b) => b.points - a.points || a.nickname.localeCompare(b.nickname) || a._id - b._id);
  let rank = 0;
  return sorted.map((row, i) => {
    if (i === 0 || row.points < sorted[i - 1].points) rank = i + 1;
    return { ...row, rank };
  });
}

/** A list of the first of them; me is the row of whoever looks, which is always in it. */
export function leaderboard(rows, { top = Infinity, me, gained = false } = {}) {
  const all = ranked(rows);
  const shown = all.slice(0, top);
  const own = all.find((r) => r._id === me);
  if (own && !shown.includes(own)) shown.push(own);
  const line = (row) => h("li", { class: row._id === me ? "me" : "", "data-player": row._id },
    h("span", { class: "rank" }, String(row.rank)),
    h("span", { class: "name" }, row.nickname),
    gained && row.gained > 0 && h("span", { class: "gained" }, `+${points(row.gained)}`),
    h("span", { class: "points" }, points(row.points), h("span", { class: "sr" }, " points")));
  return h("ol", { class: "leaderboard" }, shown.map(line));
}

/** The first three, the winner in the middle. */
export function podium(rows) {
  const best = ranked(rows).filter((r) => r.rank <= 3 && r.points > 0);
  if (!best.length) return h("p", { class: "empty" }, "Nobody has any points.");
  // Who shares a rank shares a step; a class may be so even that there are many on one.
  const step = (rank) => {
    const here = best.filter((r) => r.rank === rank);
    if (!here.length) return null;
    const names = here.length > 3 ? [...here.slice(0, 2).map((r) => r.nickname), `and ${here.length - 2} more`] : here.map((r) => r.nickname);
    return h("li", { class: `step r${rank}`, "data-rank": rank },
      h("span", { class: "names" }, names.map((n) => h("strong", {}, n))),
      h("span", { class: "note" }, `${points(here[0].points)} points`),
      h("span", { class: "block" }, String(rank)));
  };
  return h("ol", { class: "podium" }, [2, 1, 3].map(step));
}

/** A countdown: seconds, and a bar that gets shorter. show is given the milliseconds left, and of how many. */
export function countdown() {
  const seconds = h("span", { class: "seconds", "aria-hidden": "true" });
  const left = h("span", { class: "left" });
  const told = h("span", { class: "sr", role: "status" });
  return {
    element: h("div", { class: "countdown" }, seconds, h("span", { class: "track" }, left), told),
    show(ms, of) {
      const s = Math.ceil(Math.max(0, ms) / 1000);
      setText(seconds, String(s));
      left.style.width = `${of > 0 ? Math.min(100, Math.max(0, (100 * ms) / of)) : 0}%`;
      left.parentElement.classList.toggle("soon", s <= 5);
      if (s === 10 || s === 5 || s === 0) setText(told, s ? `${s} seconds left` : "Time is up");
    },
  };
}
