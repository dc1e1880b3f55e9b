// A session as its teacher leads it, for the projector: the code, the question with its countdown, what was
// answered, and the points.

import { confirmIn, h, setText, toast } from "./ui.js";
import { bars, choicesOf, countdown, leaderboard, letterOf, podium, sizeOf } from "./board.js";
import { linkTo, onlyHere, spell } from "./codes.js";
import { everyTick, follow, pause } from "./follow.js";
import { qrPicture } from "/goop/qr.js";
import { saveResults } from "./results.js";
import { count, explain } from "./sentences.js";
import { READY, stageOf } from "./stage.js";

/** How many of the leaderboard stand on the board between two questions. */
const TOP = 5;
/** A second press within this time is meant for what stood there before, in milliseconds. */
const CALM = 600;

export function lead({ main, signal, go }, code) {
  main.replaceChildren(h("p", { class: "notice", "data-page": "looking" }, "Looking for the session…"));
  let session;
  let known = false;
  let questions = [];
  let players = [];
  let reveal;
  let spread = []; // the rows of "distribution" of the newest question
  let answers = new Map();
  let board = [];
  let items = null; // of the quiz; null until they were read
  let quiz; // whose items are followed
  let shown = ""; // the stage that is on the board, with its question
  let parts = {}; // of the page, to be kept current
  let busy = false;

  const here = { where: { session: code } };
  follow("sessions", { where: { code } }, signal, (rows) => {
    known = true;
    session = rows[0];
    if (session?.quiz && session.quiz !== quiz) {
      quiz = session.quiz;
      follow("items", { where: { quiz }, order: ["position", "_id"], limit: 1000 }, signal, (r) => update(() => (items = r)));
    }
    update();
  });
  follow("questions", { ...here, order: ["number"], limit: 1000 }, signal, (rows) => update(() => (questions = rows)));
  follow("players", { ...here, order: ["_id"], limit: 1000 }, signal, (rows) => update(() => (players = rows)));
  follow("reveal", { ...here, order: ["-number"], limit: 1 }, signal, (rows) => update(() => (reveal = rows[0])));
  follow("distribution", { ...here, order: ["-question", "choice"], limit: 6 }, signal, (rows) => update(() => (spread = rows)));
  follow("progress", { ...here, limit: 1000 }, signal, (rows) => update(() => (answers = new Map(rows.map((r) => [r._id, r.answers])))));
  follow("leaderboard", { ...here, order: ["-points", "nickname"], limit: 1000 }, signal, (rows) => update(() => (board = rows)));
  everyTick(signal, () => update());

  const newest = () => questions.at(-1);
  const total = () => items?.length || session.questions;

  function update(take) {
    take?.();
    if (signal.aborted || !known) return;
    if (!session) {
      if (shown !== "missing") missing();
      shown = "missing";
      return;
    }
    const now = Goop.now();
    const stage = stageOf(session, newest(), reveal, now);
    const key = `${stage}/${stage === "lobby" || stage === "ended" ? "" : newest()?._id}`;
    if (key !== shown) {
      shown = key;
      show(stage);
    }
    refresh(stage, now);
  }

  // -- the page --

  /** Puts a stage on the board. Only here is anything replaced, and the keyboard goes to what comes next. */
  function show(stage) {
    parts = { next: nextButton(stage) };
    const body = { lobby, ready, open: asking, closed: asking, revealed, ended }[stage]();
    const hadFocus = document.activeElement === document.body || main.contains(document.activeElement);
    main.replaceChildren(h("div", { class: `lead ${stage}`, "data-page": "lead", "data-stage": stage, "data-number": newest()?.number ?? 0 },
      bar(stage), body));
    if (hadFocus && !document.querySelector("dialog[open]")) parts.next?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function bar(stage) {
    parts.people = h("span", { class: "people-count", id: "player-count" });
    parts.answered = h("span", { id: "answered", class: "answered" });
    return h("div", { class: "lead-bar" },
      h("span", { class: "session-title" }, session.title),
      stage !== "lobby" && stage !== "ended" && h("span", { class: "note join-at" }, "Code ", h("strong", {}, spell(code))),
      parts.people, stage === "open" || stage === "closed" ? parts.answered : null,
      h("span", { class: "row end actions" },
        document.fullscreenEnabled && h("button", { type: "button", class: "quiet", id: "full", click: fullscreen }, "Full screen"),
        stage !== "ended" && stage !== "lobby" && h("button", { id: "end", type: "button", class: "quiet", click: end }, "End"),
        (stage === "lobby" || stage === "ended") && h("button", { id: "delete", type: "button", class: "quiet", click: remove }, "Delete"),
        parts.next));
  }

  function nextButton(stage) {
    const [label, does] = {
      lobby: ["Start", ask],
      ready: [null],
      open: ["Show the answer", showAnswer],
      closed: ["Show the answer", showAnswer],
      revealed: newest()?.number >= total() || items?.length === 0 ? ["To the podium", finish] : ["Next question", ask],
      ended: ["Results as CSV", download],
    }[stage];
    return label && h("button", { id: "next", type: "button", class: "primary", click: () => act(does) }, label);
  }

  function lobby() {
    parts.players = h("ul", { id: "players", class: "players", "aria-live": "polite" });
    parts.nobody = h("p", { class: "empty" }, "Nobody is here yet.");
    const link = linkTo(code);
    return h("div", { class: "lobby" },
      h("div", { class: "invitation panel" },
        qrPicture(link, "The link to this session as a QR code"),
        h("div", { class: "how" },
          h("p", {}, "Open ", h("strong", { class: "site" }, location.host)),
          h("p", {}, "and type the code"),
          h("p", { id: "session-code", class: "big-code" }, spell(code)),
          h("p", { class: "note" }, "or use the camera, or this link:"),
          h("a", { id: "session-link", class: "note", href: link }, link)),
        onlyHere() && h("p", { class: "fault only-here" }, "This page was opened by an address that only this computer has. For phones, open it by the computer’s address in the network; goop prints it when it starts.")),
      h("section", {}, parts.players, parts.nobody));
  }

  function ready() {
    parts.ready = h("p", { class: "ready-count", "aria-hidden": "true" });
    return h("div", { class: "get-ready", role: "status" }, h("p", {}, `Question ${session.asked} of ${total()}`), h("h1", {}, "Get ready"), parts.ready);
  }

  function heading(q) {
    return [h("p", { class: "note which" }, `Question ${q.number} of ${Math.max(total(), q.number)}`), h("h1", { id: "question", class: `question ${sizeOf(q.text)}` }, q.text)];
  }

  function asking() {
    const q = newest();
    parts.clock = countdown();
    return h("div", { class: "asking" }, heading(q), parts.clock.element,
      h("ol", { id: "choices", class: `choices ${sizeOf(...choicesOf(q), "")}` }, choicesOf(q).map((text, choice) => h("li", { class: `choice c${choice}` }, letterOf(choice), h("span", {}, text)))));
  }

  function revealed() {
    const q = newest();
    parts.bars = bars(q, reveal.right);
    parts.top = h("section", { class: "top-list" });
    parts.topKey = "";
    return h("div", { class: "asking" }, heading(q), h("div", { class: "columns" }, parts.bars.element, parts.top));
  }

  function ended() {
    parts.podium = h("div", { class: "podium-place" });
    parts.top = h("section", { class: "top-list" });
    parts.topKey = "";
    return h("div", { class: "finale" }, h("h1", {}, "That’s it!"), parts.podium, parts.top,
      h("p", { class: "row" }, h("a", { class: "button", href: quiz ? `/?quiz=${quiz}` : "/", "data-link": true }, quiz ? "To the quiz" : "To your quizzes")));
  }

  /** Brings the numbers on the board up to date. */
  function refresh(stage, now) {
    const q = newest();
    setText(parts.people, count(players.length, "student"));
    if (stage === "lobby") {
      if (parts.playersOf !== players) {
        parts.playersOf = players;
        parts.players.replaceChildren(...players.map((p) => h("li", { "data-player": p._id }, h("span", {}, p.nickname),
          h("button", { type: "button", class: "tool", "aria-label": `Remove ${p.nickname}`, title: "Remove", click: () => removePlayer(p) }, "×"))));
        parts.nobody.hidden = players.length > 0;
      }
    } else if (stage === "ready") {
      setText(parts.ready, String(Math.max(1, Math.ceil(((q?.opens_at ?? session.next_at ?? now) - now) / 1000))));
    } else if (stage === "open" || stage === "closed") {
      parts.clock.show(q.closes_at - now, q.seconds * 1000);
      const n = answers.get(q._id) ?? 0;
      setText(parts.answered, `${n} of ${players.length} answered`);
      parts.answered.classList.toggle("all", players.length > 0 && n >= players.length);
    } else {
      parts.bars?.show(spread.filter((r) => r.question === q._id));
      const points = board.map((r) => `${r._id}:${r.points}:${r.nickname}`).join();
      if (parts.topKey !== points && parts.top) {
        parts.topKey = points;
        parts.top.replaceChildren(h("h2", {}, stage === "ended" ? "Everybody" : `The first ${TOP}`),
          board.length ? leaderboard(board, stage === "ended" ? {} : { top: TOP, gained: true }) : h("p", { class: "empty" }, "Nobody took part."));
        parts.podium?.replaceChildren(podium(board));
      }
    }
  }

  function missing() {
    main.replaceChildren(h("div", { class: "notice", "data-page": "missing" },
      h("h1", {}, "There is no such session."), h("p", {}, "It was deleted, or the code is another one."),
      h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "To your quizzes"))));
  }

  // -- what the teacher does --

  /** Does one thing at a time; who presses twice means it once. */
  async function act(does) {
    if (busy) return;
    busy = true;
    try {
      await does();
      await pause(CALM);
    } catch (e) {
      toast(explain(e, "go on"));
    } finally {
      busy = false;
    }
  }

  /** Asks the next question: its row, and the session's, in one transaction. No student sees the row before it opens. */
  async function ask() {
    const number = session.asked + 1;
    const item = items?.[number - 1];
    if (!item) return toast(items ? "There are no more questions." : "The questions are still on their way.");
    const opens = Math.round(Goop.now()) + READY;
    try {
      await Goop.data.batch([
        { op: "insert", table: "questions", values: {
          session: code, number, text: item.text, choices: item.choices, right: item.right, seconds: item.seconds,
          opens_at: opens, closes_at: opens + item.seconds * 1000,
        } },
        { op: "update", table: "sessions", row: session._id, values: { asked: number, next_at: opens, questions: items.length } },
      ]);
    } catch (e) {
      if (e.code !== "conflict") throw e; // else another page of the teacher's has asked it a moment ago
    }
  }

  /** Ends the time if it is not over, and shows what is right: from here on the host takes no answer. */
  async function showAnswer() {
    const q = newest();
    const now = Math.round(Goop.now());
    await Goop.data.update("questions", q._id, { revealed_at: now, closes_at: Math.min(q.closes_at, now) });
  }

  const finish = () => Goop.data.update("sessions", session._id, { ended_at: Math.round(Goop.now()) });

  async function end() {
    const open = shown.startsWith("open") || shown.startsWith("closed") || shown.startsWith("ready");
    if (!(await confirmIn("End this session?", open ? "The question that is open does not count. Everybody sees the podium." : "Everybody sees the podium.", "End it"))) return;
    act(finish);
  }

  async function removePlayer(player) {
    if (!(await confirmIn(`Remove ${player.nickname}?`, "Whoever it is can choose another name.", "Remove"))) return;
    act(() => Goop.data.remove("players", player._id));
  }

  async function remove() {
    if (!(await confirmIn("Delete this session?", "Its results are gone then, for everybody.", "Delete it"))) return;
    try {
      await Goop.data.batch([
        { op: "removeWhere", table: "questions", where: { session: code } }, // and with them the answers
        { op: "removeWhere", table: "players", where: { session: code } },
        { op: "remove", table: "sessions", row: session._id },
      ]);
      await Goop.group.close(code);
      go(quiz ? `/?quiz=${quiz}` : "/");
    } catch (e) {
      toast(explain(e, "delete the session"));
    }
  }

  const download = () => saveResults(session, questions, board);

  function fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  }
}
