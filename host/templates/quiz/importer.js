// The dialog that takes in questions as CSV: how it looks, what would be taken in, and what is wrong with which line.

import { h, modal, toast } from "./ui.js";
import { LETTERS } from "./board.js";
import { decode, EXAMPLE, questionsOf } from "./csv.js";
import { count, explain } from "./sentences.js";

/** Faults that are shown; a file of another kind has one in every line. */
const SHOWN = 20;

/** @param {() => number} nextPosition the place of the first one in the quiz */
export async function importDialog(quiz, nextPosition) {
  let items = [];
  const file = h("input", { id: "csv-file", type: "file", accept: ".csv,text/csv,text/plain", "aria-label": "A CSV file" });
  const area = h("textarea", { id: "csv-text", rows: 6, spellcheck: "false", "aria-label": "Questions as CSV", placeholder: EXAMPLE, class: "mono" });
  const verdict = h("div", { id: "csv-verdict", "aria-live": "polite" });
  const take = h("button", { id: "csv-take", type: "submit", class: "primary", disabled: true }, "Import");
  const dialog = h("dialog", { class: "dialog import", "aria-labelledby": "import-title" },
    h("form", {
      method: "dialog",
      submit: async (event) => {
        event.preventDefault();
        take.disabled = true;
        try {
          const position = nextPosition();
          await Goop.data.insertMany("items", items.map((item, i) => ({ ...item, quiz: quiz._id, position: position + i })));
          dialog.close("done");
        } catch (e) {
          toast(explain(e, "import the questions"));
          take.disabled = false;
        }
      },
    },
    h("h2", { id: "import-title" }, "Import questions"),
    h("p", { class: "note" }, "One question a line: the question, the right answer as a number or letter, the seconds (20 when empty), and 2 to 6 choices; with commas, semicolons or tabs. A first line of headings is left out."),
    h("details", {}, h("summary", {}, "An example"), h("pre", { class: "mono" }, EXAMPLE)),
    file, h("p", { class: "note" }, "Or paste it here:"), area, verdict,
    h("div", { class: "row end" },
      h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Cancel"), take)));

  function check() {
    const text = area.value;
    const { items: good, errors } = text.trim() ? questionsOf(text) : { items: [], errors: [] };
    items = good;
    take.disabled = errors.length > 0 || items.length === 0;
    take.textContent = items.length && !errors.length ? `Import ${count(items.length, "question")}` : "Import";
    verdict.replaceChildren(...(errors.length
      ? [h("p", { class: "fault" }, `Nothing is imported until ${errors.length === 1 ? "this is" : "these are"} right:`),
        h("ul", { class: "faults" }, errors.slice(0, SHOWN).map((e) => h("li", {}, h("strong", {}, `Line ${e.line}: `), e.message)),
          errors.length > SHOWN && h("li", {}, `… and ${errors.length - SHOWN} more.`))]
      : items.length ? [h("p", {}, `${count(items.length, "question")}:`), preview(items)] : []));
  }
  area.addEventListener("input", check);
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    area.value = decode(await file.files[0].arrayBuffer());
    check();
  });
  await modal(dialog);
}

function preview(items) {
  return h("div", { class: "preview", tabindex: 0, role: "region", "aria-label": "What would be imported" }, h("table", {},
    h("thead", {}, h("tr", {}, ["", "Question", "Choices", "Right", "Time"].map((t) => h("th", {}, t)))),
    h("tbody", {}, items.map((q, i) => h("tr", {},
      h("td", {}, `${i + 1}`), h("td", {}, q.text), h("td", {}, q.choices.join(" · ")),
      h("td", {}, `${LETTERS[q.right]}`), h("td", {}, `${q.seconds} s`))))));
}
