// One quiz as its owner sees it: the questions, and the sessions that are held of it.

import { askText, confirmIn, h, setText, toast } from "./ui.js";
import { choicesOf, letterOf } from "./board.js";
import { newCode } from "./codes.js";
import { writeQuestions } from "./csv.js";
import { follow } from "./follow.js";
import { sessionCard } from "./home.js";
import { importDialog } from "./importer.js";
import { askQuestion } from "./question.js";
import { save } from "./save.js";
import { count, explain } from "./sentences.js";

/** A session's group: whoever has the code is in it, and nobody says anything there but the host. */
const GROUP = { type: "persistent", listed: false, rights: { send: [], state: [], seeMembers: [] } };
/** How often another code is tried when there is such a group already. */
const TRIES = 5;

export async function editor({ main, signal, go }, id) {
  main.replaceChildren(h("p", { class: "notice" }, "Looking for the quiz…"));
  let quiz;
  try {
    quiz = await Goop.data.get("quizzes", id, { signal });
  } catch (e) {
    if (!signal.aborted) gone(main, e);
    return;
  }
  if (signal.aborted) return;

  let items = [];
  const title = h("h1", { id: "title" }, quiz.title);
  const list = h("ol", { id: "items", class: "items" });
  const empty = h("p", { class: "empty" }, "There is no question yet. Write one, or import a whole list.");
  const sessions = h("ul", { id: "sessions", class: "cards" });
  const past = h("section", { hidden: true }, h("h2", {}, "Sessions of this quiz"), sessions);
  const startButton = h("button", { id: "start-session", type: "button", class: "primary", disabled: true, click: start }, "Start a session");
  const exportButton = h("button", {
    id: "export", type: "button",
    click: () => save(`${quiz.title}.csv`, writeQuestions(items.map((row) => ({ ...row, choices: choicesOf(row) })))),
  }, "Export CSV");
  const number = h("span", { class: "note", id: "item-count" });
  main.replaceChildren(h("div", { class: "home", "data-page": "editor" },
    h("div", { class: "title" },
      h("p", {}, h("a", { href: "/", "data-link": true }, "← All quizzes")), title,
      h("div", { class: "row" }, startButton,
        h("button", { id: "rename", type: "button", click: rename }, "Rename"),
        h("button", { id: "delete", type: "button", class: "quiet", click: remove }, "Delete"))),
    h("section", {},
      h("div", { class: "row between" }, h("h2", {}, "Questions ", number),
        h("div", { class: "row" },
          h("button", { id: "import", type: "button", click: () => importDialog(quiz, nextPosition) }, "Import CSV"), exportButton)),
      list, empty,
      h("button", { id: "add", type: "button", class: "wide", click: () => edit(null) }, "Add a question")),
    past));

  follow("items", { where: { quiz: id }, order: ["position", "_id"], limit: 1000 }, signal, (rows) => {
    items = rows;
    // Where the keyboard is stays, although the list is made anew.
    const focus = list.contains(document.activeElement) ? document.activeElement.id : "";
    list.replaceChildren(...rows.map(itemOf));
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    empty.hidden = rows.length > 0;
    startButton.disabled = exportButton.disabled = rows.length === 0;
    setText(number, rows.length ? `${rows.length}` : "");
  });
  follow("sessions", { where: { quiz: id }, order: ["-_id"], limit: 50 }, signal, (rows) => {
    sessions.replaceChildren(...rows.map(sessionCard));
    past.hidden = rows.length === 0;
  });

  const nextPosition = () => (items.at(-1)?.position ?? 0) + 1;

  function itemOf(row, i) {
    const tool = (name, label, text, click, disabled) => h("button", { id: `${name}-${row._id}`, type: "button", class: "tool", "aria-label": `${label} question ${i + 1}`, title: label, click, disabled }, text);
    return h("li", { class: "item panel", "data-item": row._id },
      h("div", { class: "item-text" }, h("span", { class: "index" }, `${i + 1}`), h("strong", {}, row.text), h("span", { class: "note" }, `${row.seconds} s`)),
      h("ol", { class: "item-choices" }, choicesOf(row).map((text, choice) => h("li", { class: choice === row.right ? "right" : "" },
        letterOf(choice), h("span", {}, text), choice === row.right && h("span", { class: "mark" }, "✓", h("span", { class: "sr" }, " the right answer"))))),
      h("div", { class: "tools" },
        tool("up", "Move up", "↑", () => swap(i, i - 1), i === 0),
        tool("down", "Move down", "↓", () => swap(i, i + 1), i === items.length - 1),
        tool("edit", "Edit", "Edit", () => edit(row)),
        tool("drop", "Delete", "Delete", () => drop(row))));
  }

  async function edit(row) {
    const values = await askQuestion(row);
    if (!values) return;
    try {
      if (row) await Goop.data.update("items", row._id, values);
      else await Goop.data.insert("items", { ...values, quiz: id, position: nextPosition() });
    } catch (e) {
      toast(explain(e, "save the question"));
    }
  }

  async function swap(i, j) {
    const [a, b] = [items[i], items[j]];
    if (!a || !b) return;
    try {
      await Goop.data.batch([
        { op: "update", table: "items", row: a._id, values: { position: b.position } },
        { op: "update", table: "items", row: b._id, values: { position: a.position } },
      ]);
    } catch (e) {
      toast(explain(e, "move the question"));
    }
  }

  async function drop(row) {
    if (!(await confirmIn("Delete this question?", row.text, "Delete"))) return;
    try {
      await Goop.data.remove("items", row._id);
    } catch (e) {
      toast(explain(e, "delete the question"));
    }
  }

  async function rename() {
    const text = await askText("What is the quiz called?", quiz.title, 80, "Rename");
    if (!text) return;
    try {
      quiz = await Goop.data.update("quizzes", id, { title: text });
      setText(title, quiz.title);
    } catch (e) {
      toast(explain(e, "rename the quiz"));
    }
  }

  async function remove() {
    if (!(await confirmIn("Delete this quiz?", `Its ${count(items.length, "question")} will be gone. The results of its sessions stay.`, "Delete the quiz"))) return;
    try {
      await Goop.data.remove("quizzes", id);
      go("/");
    } catch (e) {
      toast(explain(e, "delete the quiz"));
    }
  }

  async function start() {
    startButton.disabled = true;
    try {
      go(`/?code=${await openSession(quiz, items.length)}`);
    } catch (e) {
      toast(explain(e, "start a session"));
      startButton.disabled = false;
    }
  }
}

/** Makes a session: a group of that code, and its row. */
async function openSession(quiz, questions) {
  for (let left = TRIES; ; left--) {
    const code = newCode();
    try {
      await Goop.group.create({ ...GROUP, id: code, name: quiz.title });
    } catch (e) {
      if (e.code === "conflict" && left > 1) continue;
      throw e;
    }
    try {
      await Goop.data.insert("sessions", { code, quiz: quiz._id, title: quiz.title, questions });
      return code;
    } catch (e) {
      Goop.group.close(code).catch(() => {}); // nobody is in it
      throw e;
    }
  }
}

function gone(main, e) {
  main.replaceChildren(h("div", { class: "notice", "data-page": "missing" },
    h("h1", {}, "This quiz cannot be shown."), h("p", {}, explain(e)),
    h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "To your quizzes"))));
}
