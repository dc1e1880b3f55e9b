// The dialog in which a question is written.

import { h, modal, setText } from "./ui.js";
import { choicesOf, LETTERS, letterOf } from "./board.js";
import { BOUNDS, fault } from "./csv.js";

/** The choices of time, in seconds. */
const SECONDS = [10, 15, 20, 30, 45, 60, 90, 120, 180, 300];

/** Asks for a question; row is what it is now, or null. Resolves with the columns, null when the visitor thought better of it. */
export async function askQuestion(row) {
  let values = null;
  const text = h("textarea", { id: "q-text", rows: 2, required: true, maxlength: BOUNDS.text, "aria-label": "Question", placeholder: "What is 7 × 8?" }, row?.text ?? "");
  const before = row ? choicesOf(row) : [];
  const choices = Array.from({ length: BOUNDS.maxChoices }, (_, i) => {
    const radio = h("input", { type: "radio", name: "right", value: i, id: `q-right-${i}`, "aria-label": `${LETTERS[i]} is right`, checked: i === (row?.right ?? 0) });
    const field = h("input", { id: `q-choice-${i}`, type: "text", maxlength: BOUNDS.choice, value: before[i] ?? "", "aria-label": `Choice ${LETTERS[i]}`, placeholder: i < 2 ? `Choice ${LETTERS[i]}` : "", autocomplete: "off" });
    return { radio, field, line: h("div", { class: "choice-line" }, letterOf(i), field, h("label", { class: "right-pick", title: "The right answer" }, radio, h("span", { "aria-hidden": "true" }, "✓"))) };
  });
  const times = row && !SECONDS.includes(row.seconds) ? [...SECONDS, row.seconds].sort((a, b) => a - b) : SECONDS;
  const seconds = h("select", { id: "q-seconds" }, times.map((s) => h("option", { value: s, selected: s === (row?.seconds ?? BOUNDS.seconds) }, `${s} seconds`)));
  const wrong = h("p", { id: "q-fault", class: "fault", role: "alert", hidden: true });
  const dialog = h("dialog", { class: "dialog write", "aria-labelledby": "q-title" },
    h("form", {
      method: "dialog",
      submit: (event) => {
        event.preventDefault();
        values = read();
        const message = fault(values) || (values.hole ? "there is an empty choice between two others." : "");
        if (!message) return dialog.close("done");
        setText(wrong, message[0].toUpperCase() + message.slice(1));
        wrong.hidden = false;
      },
    },
    h("h2", { id: "q-title" }, row ? "Edit the question" : "A new question"), text,
    h("fieldset", {}, h("legend", {}, "Choices, and which is right"), choices.map(({ line }) => line)),
    h("label", { class: "row" }, "Time to answer ", seconds), wrong,
    h("div", { class: "row end" },
      h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Cancel"),
      h("button", { type: "submit", class: "primary" }, "Save"))));

  function read() {
    const texts = choices.map(({ field }) => field.value.trim());
    const used = texts.slice(0, texts.findLastIndex((t) => t) + 1);
    return { text: text.value.trim(), choices: used, right: choices.findIndex(({ radio }) => radio.checked), seconds: Number(seconds.value), hole: used.includes("") };
  }

  const done = modal(dialog);
  text.focus();
  if (!(await done)) return null;
  const { hole, ...columns } = values;
  return columns;
}
