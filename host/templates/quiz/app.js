// Starts the site: `/` has the field for a join code, and for the owner the quizzes; `/?quiz=ID` is one of them,
// and `/?code=CODE` a session, led by the owner and played by everybody else.

import { editor } from "./editor.js";
import { h } from "./ui.js";
import { home } from "./home.js";
import { lead } from "./lead.js";
import { play } from "./play.js";
import { shell } from "./shell.js";
import { tidyCode } from "./codes.js";

let shown; // what the visitor is on the page that is shown

/** "" until the host has said whether this is the teacher. The first page does not wait for that. */
const visitor = () => Goop.me.role ?? "";

const route = shell((context) => {
  document.title = Goop.host.name ?? "Quiz";
  const address = new URLSearchParams(location.search);
  const code = tidyCode(address.get("code"));
  const quiz = Number(address.get("quiz"));
  shown = visitor();
  if (!code && !(quiz && shown !== "visitor")) home(context);
  else if (!shown) context.main.replaceChildren(h("p", { class: "notice", "data-page": "looking" }, "Looking for the quiz…"));
  else if (!code) editor(context, quiz);
  else if (shown === "owner") lead(context, code);
  else play(context, code);
}, { kept: "your answer is kept" });

Goop.on("me", () => {
  // What a visitor has begun to type on the first page stays.
  const same = shown === visitor() || (!shown && visitor() === "visitor" && document.querySelector('[data-page="home"]'));
  if (same) shown = visitor();
  else route();
});
