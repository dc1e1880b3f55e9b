// A match that was played, to be stepped through.

import { START } from "./board.js";
import { gameOf } from "./game.js";
import { Table } from "./table.js";
import { tidy } from "./names.js";
import { h, icon, setText } from "./ui.js";
import { explain, resultText, scoreText } from "./results.js";
import { movesOf } from "./history.js";

/** How long a position stays while the game plays by itself, in milliseconds. */
const STEP = 1000;

/** @param {object[]} [known] the rows, when they have been read already */
export async function replay({ main, signal }, id, known) {
  let game;
  let at = 0;
  let timer = null;

  const table = new Table({ page: "replay", id, pick: (ply) => step(ply) });
  main.replaceChildren(table.element);

  const button = (name, label, face, click) => h("button", { id: name, type: "button", "aria-label": label, click, disabled: true }, face);
  const first = button("first", "To the start", icon("M4 4h3v16H4zM20 4v16L8 12z"), () => step(0));
  const back = button("back", "One move back", icon("M17 4v16L5 12z"), () => step(at - 1));
  const play = button("play", "Play", "Play", () => (timer ? pause() : run()));
  const next = button("next", "One move on", icon("M7 4v16l12-8z"), () => step(at + 1));
  const end = button("end", "To the end", icon("M20 4h-3v16h3zM4 4v16l12-8z"), () => step(game.moves.length));
  table.actions.classList.add("steps");
  table.actions.append(first, back, play, next, end);
  table.note.append(h("button", { id: "flip", type: "button", class: "quiet", click: () => table.face(table.facing === "white" ? "black" : "white") }, "Turn the board"),
    h("a", { class: "button", href: "/", "data-link": true }, "Back to the lobby"));
  table.note.classList.add("row");

  let rows = known;
  try {
    rows ??= await movesOf(id, signal);
  } catch (e) {
    if (!signal.aborted) setText(table.status, explain(e, "read the moves"));
    return;
  }
  if (signal.aborted) return;
  if (!rows.length) {
    main.replaceChildren(h("section", { class: "notice", "data-page": "missing" },
      h("h1", {}, "No moves of this match are stored."), h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "Back to the lobby"))));
    return;
  }

  game = gameOf(rows);
  const last = rows.findLast((row) => row.white || row.black) ?? {};
  const names = { white: tidy(last.white) || "White", black: tidy(last.black) || "Black" };
  setText(table.title, last.title || `${names.white} – ${names.black}`);
  document.title = `${names.white} – ${names.black} · Chess for two`;
  table.player("white", { name: names.white, tag: game.result?.winner === "white" ? "won" : "" });
  table.player("black", { name: names.black, tag: game.result?.winner === "black" ? "won" : "" });

  function step(ply) {
    pause();
    show(ply);
  }

  function show(ply) {
    at = Math.max(0, Math.min(game.moves.length, ply));
    const move = game.moves[at - 1];
    table.board.show({
      fen: move?.fen ?? START,
      last: move,
      check: /[+#]$/.test(move?.san ?? ""),
    });
    table.moves(game.moves, at);
    table.element.dataset.plies = at;
    const ended = at === game.moves.length;
    setText(table.status, ended ? `${game.result ? `${scoreText(game.result.score)}. ${resultText(game.result, names)}.` : "The game was broken off here."}`
      : at === 0 ? "The start." : `Move ${Math.ceil(at / 2)}, ${move.side === "white" ? names.white : names.black}: ${move.san}`);
    first.disabled = back.disabled = at === 0;
    next.disabled = end.disabled = ended;
    play.disabled = game.moves.length === 0;
  }

  function run() {
    if (at === game.moves.length) show(0);
    setText(play, "Pause");
    play.setAttribute("aria-label", "Pause");
    timer = setInterval(() => {
      show(at + 1);
      if (at === game.moves.length) pause();
    }, STEP);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    setText(play, "Play");
    play.setAttribute("aria-label", "Play");
  }

  document.addEventListener("keydown", (event) => {
    if (event.target.closest?.(".board, input, dialog")) return;
    if (event.key === "ArrowLeft") step(at - 1);
    if (event.key === "ArrowRight") step(at + 1);
  }, { signal });
  signal.addEventListener("abort", pause);
  table.element.dataset.loaded = "true";
  show(game.moves.length);
}
