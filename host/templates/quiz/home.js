// The first page: the field for a join code, and for the owner the quizzes.

import { h, setText, toast } from "./ui.js";
import { spell, tidyCode } from "./codes.js";
import { follow } from "./follow.js";
import { waysIn } from "./owner.js";
import { count, explain, momentOf } from "./sentences.js";

export function home({ main, signal, go }) {
  const join = joinForm(go);
  const mine = h("div", { class: "home", hidden: true });
  main.replaceChildren(h("div", { class: "home", "data-page": "home" },
    h("div", { class: "hero" },
      h("h1", {}, "Who knows it?"),
      h("p", {}, "Type the code that is on the board, choose a name, and be quick.")),
    join, mine));
  if (Goop.me.role === "owner") teach(mine, { signal, go });
}

function joinForm(go) {
  const code = h("input", {
    id: "code", class: "code-input", type: "text", required: true, maxlength: 12, placeholder: "ABC 234",
    autocomplete: "off", autocapitalize: "characters", spellcheck: "false", enterkeyhint: "go",
  });
  return h("form", {
    id: "join", class: "panel",
    submit: (event) => {
      event.preventDefault();
      const tidy = tidyCode(code.value);
      if (tidy) go(`/?code=${tidy}`);
    },
  }, h("label", { for: "code" }, "Join code"),
  h("div", { class: "row nowrap" }, code, h("button", { type: "submit", class: "primary" }, "Join")));
}

/** What the owner has: quizzes, and the sessions that were held. */
function teach(element, { signal, go }) {
  const quizzes = h("ul", { id: "quizzes", class: "cards" });
  const noQuizzes = h("p", { class: "empty" }, "Looking for your quizzes…");
  const sessions = h("ul", { id: "sessions", class: "cards" });
  const past = h("section", { hidden: true }, h("h2", {}, "Sessions"), sessions);
  element.replaceChildren(h("section", {}, h("h2", {}, "Your quizzes"), waysIn(), quizForm(go), quizzes, noQuizzes), past);
  element.hidden = false;

  follow("quizzes", { order: ["-_id"], limit: 500 }, signal, (rows) => {
    quizzes.replaceChildren(...rows.map((row) => h("li", { "data-quiz": row._id },
      h("a", { class: "card", href: `/?quiz=${row._id}`, "data-link": true },
        h("span", { class: "about" }, h("strong", {}, row.title), h("span", { class: "note" }, `Made ${momentOf(row._created_at)}`)),
        h("span", { class: "go" }, "Open")))));
    noQuizzes.hidden = rows.length > 0;
    setText(noQuizzes, "There is none yet. Give the first one a title above; the questions come next.");
  });
  follow("sessions", { order: ["-_id"], limit: 50 }, signal, (rows) => {
    sessions.replaceChildren(...rows.map(sessionCard));
    past.hidden = rows.length === 0;
  });
}

/** A session in a list. */
export function sessionCard(row) {
  const state = row.ended_at ? "over" : row.asked ? `question ${row.asked} of ${row.questions}` : "waiting to start";
  return h("li", { "data-session": row.code },
    h("a", { class: "card", href: `/?code=${row.code}`, "data-link": true },
      h("span", { class: "about" },
        h("strong", {}, row.title, " ", h("span", { class: `tag ${row.ended_at ? "over" : "live"}` }, state)),
        h("span", { class: "note" }, `${momentOf(row._created_at)} · code ${spell(row.code)} · ${count(row.questions, "question")}`)),
      h("span", { class: "go" }, row.ended_at ? "Results" : "Go on")));
}

function quizForm(go) {
  const title = h("input", { id: "quiz-title", type: "text", maxlength: 80, required: true, autocomplete: "off", placeholder: "Photosynthesis, grade 7", "aria-label": "Title of a new quiz" });
  const button = h("button", { type: "submit" }, "New quiz");
  return h("form", {
    id: "new-quiz",
    submit: async (event) => {
      event.preventDefault();
      if (!title.value.trim()) return;
      button.disabled = true;
      try {
        const row = await Goop.data.insert("quizzes", { title: title.value.trim() });
        go(`/?quiz=${row._id}`);
      } catch (e) {
        toast(explain(e, "make the quiz"));
      } finally {
        button.disabled = false;
      }
    },
  }, h("div", { class: "row nowrap" }, title, button));
}
