// The shared notes: one text in the group's state. Each save says which version it is a change of, so that
// nobody's words are lost when two write at once: what does not meet is put together, and what does is asked.

import { h, setText, toast } from "./ui.js";
import { explain } from "./sentences.js";
import { merge3 } from "./merge3.js";
import { nameOf, reached } from "./shared.js";

/** A change is saved when nothing was typed for so long, in milliseconds. */
const PAUSE = 800;
/** Characters of the notes. */
const MAX_TEXT = 60_000;

export function notes({ g, signal }) {
  const text = h("textarea", { id: "notes", maxlength: MAX_TEXT, placeholder: "Everybody in the group can write here.", "aria-label": "Shared notes" });
  const status = h("span", { id: "notes-status", class: "note", role: "status" });
  const clash = h("div", { id: "notes-clash", class: "clash", hidden: true });
  const theirs = () => (typeof g.state.notes?.text === "string" ? g.state.notes.text : "");

  /** The version that what is in the field is a change of. */
  let base = theirs();
  let baseSeq = g.seq;
  let timer;
  let saving = false;
  text.value = base;

  text.addEventListener("input", () => {
    setText(status, "…");
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  text.addEventListener("blur", () => void save());
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void save(), { signal });
  signal.addEventListener("abort", () => void save());

  /** Saves what is in the field, if it is a change. */
  async function save() {
    clearTimeout(timer);
    if (saving || !clash.hidden || text.value === base || g.closed) return;
    saving = true;
    const mine = text.value;
    setText(status, "Saving…");
    try {
      const { seq } = await g.setState({ notes: { text: mine, by: Goop.me.peer, at: Math.round(Goop.now()) } }, { ifSeq: baseSeq });
      [base, baseSeq] = [mine, seq];
      setText(status, "Saved");
    } catch (e) {
      if (e.code !== "conflict") {
        setText(status, "Not saved");
        if (!signal.aborted) toast(explain(e, "save the notes"));
        return;
      }
      await reached(g, e.seq);
      rebase();
    } finally {
      saving = false;
    }
    if (text.value !== base) timer = setTimeout(save, PAUSE); // typed meanwhile
  }

  /** The notes are others now than those that the field began with. */
  function rebase() {
    const now = theirs();
    if (now === base) { // another key of the state
      baseSeq = g.seq;
      return;
    }
    const merged = merge3(base, text.value, now);
    if (merged === null) return ask(now);
    replace(merged);
    [base, baseSeq] = [now, g.seq];
    setText(status, `${nameOf(g, g.state.notes?.by)} wrote here`);
    if (merged !== now) timer = setTimeout(save, PAUSE);
  }

  /** Both have changed the same lines. */
  function ask(now) {
    const settle = (value) => {
      clash.hidden = true;
      replace(value);
      [base, baseSeq] = [theirs(), g.seq];
      void save();
    };
    clash.replaceChildren(
      h("p", {}, `${nameOf(g, g.state.notes?.by)} has changed the same lines.`),
      h("div", { class: "row" },
        h("button", { type: "button", "data-keep": "both", class: "primary", click: () => settle(`${text.value}\n\n${theirs()}`) }, "Keep both"),
        h("button", { type: "button", "data-keep": "mine", click: () => settle(text.value) }, "Mine"),
        h("button", { type: "button", "data-keep": "theirs", click: () => settle(theirs()) }, "Theirs")));
    clash.hidden = false;
    setText(status, now ? "" : "The notes were emptied");
  }

  /** Puts another text into the field and leaves the cursor at its place. */
  function replace(value) {
    if (text.value === value) return;
    const { selectionStart, selectionEnd, scrollTop } = text;
    const before = text.value;
    text.value = value;
    let same = 0;
    while (same < selectionStart && before[same] === value[same]) same++;
    const shift = same < selectionStart ? value.length - before.length : 0;
    if (document.activeElement === text) text.setSelectionRange(Math.max(same, selectionStart + shift), Math.max(same, selectionEnd + shift));
    text.scrollTop = scrollTop;
  }

  signal.addEventListener("abort", g.on("state", ({ patch, own }) => {
    if (own || saving || !clash.hidden || (patch && !("notes" in patch))) return;
    if (text.value === base) {
      replace(theirs());
      [base, baseSeq] = [theirs(), g.seq];
      if (g.state.notes) setText(status, `${nameOf(g, g.state.notes.by)} wrote here`);
    } else {
      rebase();
    }
  }));
  const show = () => (text.readOnly = !g.rights.includes("state"));
  signal.addEventListener("abort", g.on("members", show));
  show();
  return { element: h("div", { class: "column" }, h("div", { class: "row between" }, h("h2", {}, "Notes"), status), clash, text) };
}
