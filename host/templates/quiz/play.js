// A session as a student sees it, on a phone: a name, the questions, and what came of the answers. What is shown
// follows from rows alone, so a page that is loaded anew comes back to where it was.

import { h, setText, toast } from "./ui.js";
import { MAX_NAME, myName, rememberName, tidy } from "./names.js";
import { bars, choicesOf, countdown, leaderboard, LETTERS, letterOf, podium, ranked, sizeOf } from "./board.js";
import { everyTick, follow, pause } from "./follow.js";
import { count, explain, ordinal, points } from "./sentences.js";
import { stageOf } from "./stage.js";

/** How many of the leaderboard a phone shows; whoever looks is always among them. */
const TOP = 5;
/** After a loss of the connection an answer may be at the host before this page is in the group again: how often it is tried, and the pause in milliseconds. */
const TRIES = 6;
const PAUSE = 500;

export async function play({ main, signal }, code) {
  main.replaceChildren(h("p", { class: "notice", "data-page": "looking", role: "status" }, "Looking for the quiz…"));
  try {
    const g = await Goop.group.join(code, (event) => event.type === "close" && event.reason !== "left" && !signal.aborted && over());
    signal.addEventListener("abort", () => g.leave().catch(() => {}));
    if (signal.aborted) return void g.leave().catch(() => {});
  } catch (e) {
    if (!signal.aborted) refused(main, e);
    return;
  }

  let session;
  let question; // the newest that was asked
  let reveal;
  let spread = [];
  let board = [];
  let player; // this student's row: undefined before it is known, null when there is none
  let seated = false; // the leaderboard has had this student
  let answer; // to the newest question: {question, choice, state: "sending" | "kept" | "late"}, null for none, undefined before it is known
  let shown = "";
  let parts = {};

  const here = { where: { session: code } };
  // Away from the host for a while, this page is out of the group, and sees nothing until it is in again: that is no news.
  follow("sessions", { where: { code } }, signal, (rows) => update(() => (session = rows[0] ?? session)));
  follow("questions", { ...here, order: ["-number"], limit: 1 }, signal, (rows) => update(() => {
    if (rows[0]?._id !== question?._id && rows[0]) {
      answer = undefined;
      readAnswer(rows[0]);
    }
    question = rows[0] ?? question;
  }));
  follow("reveal", { ...here, order: ["-number"], limit: 1 }, signal, (rows) => update(() => (reveal = rows[0] ?? reveal)));
  follow("distribution", { ...here, order: ["-question", "choice"], limit: 6 }, signal, (rows) => update(() => rows.length && (spread = rows)));
  follow("leaderboard", { ...here, order: ["-points", "nickname"], limit: 1000 }, signal, (rows) => update(() => {
    if (!rows.length && board.length > 1) return;
    board = rows;
    const was = seated;
    sit();
    if (player && was && !seated) readPlayer().then(() => !player && toast("Your name was taken off the list. Choose another one."), () => {});
  }));
  everyTick(signal, () => update());
  readPlayer().catch((e) => signal.aborted || toast(explain(e, "look for your name")));
  // What was asked for while there was no connection.
  signal.addEventListener("abort", Goop.on("status", ({ state }) => {
    if (state !== "online") return;
    if (player === undefined) readPlayer().catch(() => {});
    if (question && answer === undefined) readAnswer(question);
  }));

  /** Notes whether the leaderboard has this student; either may be known first. */
  function sit() {
    seated = Boolean(player) && board.some((r) => r._id === player._id);
  }

  async function readPlayer() {
    const [row] = await Goop.data.query("players", { ...here, limit: 1, signal });
    update(() => (player = row ?? null));
    sit();
  }

  async function readAnswer(to) {
    try {
      const [row] = await Goop.data.query("answers", { where: { question: to._id }, limit: 1, signal });
      if (question?._id === to._id && !answer) update(() => (answer = row ? { question: to._id, choice: row.choice, state: "kept" } : null));
    } catch (e) {
      if (!signal.aborted) console.warn("quiz:", e.message);
    }
  }

  function update(take) {
    take?.();
    if (signal.aborted || !session || player === undefined || shown === "over") return;
    const now = Goop.now();
    let stage = stageOf(session, question, reveal, now);
    if (!player && stage !== "ended") stage = "name";
    if ((stage === "open" || stage === "closed") && answer === undefined) stage = "wait";
    const key = `${stage}/${["name", "lobby", "ended"].includes(stage) ? "" : session.asked}`;
    if (key !== shown) {
      shown = key;
      show(stage);
    }
    refresh(stage, now);
  }

  // -- the page --

  function show(stage) {
    parts = {};
    const body = { name, lobby, ready, wait: ready, open: asking, closed: asking, revealed, ended }[stage]();
    main.replaceChildren(h("div", { class: `play ${stage}`, "data-page": "play", "data-stage": stage, "data-number": session.asked },
      h("div", { class: "play-bar" },
        h("span", { class: "session-title" }, session.title),
        player && h("span", { class: "tag" }, player.nickname)),
      body));
    window.scrollTo(0, 0);
    if (stage === "name") parts.name.focus();
    else if (document.activeElement === document.body) main.focus({ preventScroll: true });
  }

  function name() {
    parts.name = h("input", { id: "nickname", type: "text", maxlength: MAX_NAME, required: true, autocomplete: "nickname", value: myName(), placeholder: "Your name", enterkeyhint: "go" });
    parts.fault = h("p", { class: "fault", role: "alert", hidden: true });
    const button = h("button", { type: "submit", class: "primary" }, "Join");
    return h("form", {
      id: "enter", class: "panel notice-form",
      submit: async (event) => {
        event.preventDefault();
        const nickname = tidy(parts.name.value);
        if (!nickname) return;
        button.disabled = true;
        parts.fault.hidden = true;
        const field = parts;
        try {
          await enter(nickname);
        } catch (e) {
          setText(field.fault, e.code === "conflict" ? "Somebody here has this name already. Take another one." : explain(e, "join"));
          field.fault.hidden = false;
          button.disabled = false;
          field.name.select();
        }
      },
    }, h("h1", {}, "What is your name?"),
    h("label", { class: "sr", for: "nickname" }, "Your name"), parts.name, parts.fault, button,
    h("p", { class: "note" }, "Your teacher and the class see it on the board."));
  }

  async function enter(nickname) {
    try {
      const row = await again(() => Goop.data.insert("players", { session: code, nickname }));
      rememberName(nickname);
      update(() => (player = row));
      sit();
    } catch (e) {
      await readPlayer(); // another tab of this browser may have been there before
      if (!player) throw e;
    }
  }

  function lobby() {
    return h("div", { class: "big-line", role: "status" }, h("h1", {}, `Welcome, ${player.nickname}!`), h("p", {}, "It begins when your teacher says so. Look at the board."));
  }

  function ready() {
    parts.ready = h("p", { class: "ready-count", "aria-hidden": "true" });
    return h("div", { class: "get-ready", role: "status" }, h("p", {}, `Question ${session.asked} of ${session.questions}`), h("h1", {}, "Get ready"), parts.ready);
  }

  function asking() {
    parts.clock = countdown();
    parts.state = h("p", { id: "answer-state", class: "answer-state", role: "status" });
    parts.buttons = choicesOf(question).map((text, choice) => h("button", {
      type: "button", class: `choice c${choice}`, "data-choice": choice, "aria-keyshortcuts": `${LETTERS[choice]} ${choice + 1}`, click: () => choose(choice),
    }, letterOf(choice), h("span", {}, text)));
    return h("div", { class: "asking" },
      h("p", { class: "note which" }, `Question ${question.number} of ${session.questions}`),
      h("h1", { id: "question", class: `question ${sizeOf(question.text)}` }, question.text), parts.clock.element,
      h("div", { id: "choices", class: `choices ${sizeOf(...choicesOf(question), "")}`, role: "group", "aria-labelledby": "question" }, parts.buttons), parts.state);
  }

  function revealed() {
    const mine = answer?.state === "kept" ? answer.choice : undefined;
    parts.bars = bars(question, reveal.right, mine);
    parts.verdict = h("h1", { class: `verdict ${mine === reveal.right ? "good" : "bad"}` },
      mine === undefined ? "No answer this time" : mine === reveal.right ? "Right!" : "Not this time");
    parts.gained = h("p", { id: "gained", class: "gained-line" });
    parts.list = h("section", { class: "top-list" });
    return h("div", { class: "asking" }, h("div", { role: "status" }, parts.verdict, parts.gained),
      h("p", { class: "note which" }, question.text), parts.bars.element, parts.list);
  }

  function ended() {
    parts.podium = h("div", { class: "podium-place" });
    parts.gained = h("p", { id: "gained", class: "gained-line", role: "status" });
    parts.list = h("section", { class: "top-list" });
    return h("div", { class: "finale" }, h("h1", {}, "That’s it!"), parts.gained, parts.podium, parts.list);
  }

  /** Brings what is shown up to date. */
  function refresh(stage, now) {
    if (parts.ready) setText(parts.ready, session.next_at > now ? String(Math.ceil((session.next_at - now) / 1000)) : "…");
    if (parts.clock) {
      const open = stage === "open";
      parts.clock.show(question.closes_at - now, question.seconds * 1000);
      for (const [choice, button] of parts.buttons.entries()) {
        button.disabled = !open || Boolean(answer);
        button.classList.toggle("mine", answer?.choice === choice && answer.state !== "late");
      }
      setText(parts.state, said(open));
    }
    if (parts.bars) parts.bars.show(spread.filter((r) => r.question === question._id));
    if (parts.list) showPoints(stage);
  }

  function said(open) {
    if (answer?.state === "sending") return Goop.status.state === "online" ? "Sending…" : "There is no connection. It is sent as soon as there is one, if it is not too late then.";
    if (answer?.state === "late") return "Too late: the time was over when your answer came to the host.";
    if (answer) return open ? `${LETTERS[answer.choice]} it is. Your answer is locked in.` : `Your answer is ${LETTERS[answer.choice]}. Look at the board.`;
    return open ? "" : "Time is up. Look at the board.";
  }

  function showPoints(stage) {
    const key = board.map((r) => `${r._id}:${r.points}`).join();
    if (parts.key === key) return;
    parts.key = key;
    const own = ranked(board).find((r) => r._id === player?._id);
    const place = own ? `You are ${ordinal(own.rank)} of ${board.length} with ${points(own.points)} points.` : "";
    setText(parts.gained, stage === "revealed" && own?.gained > 0 ? `+${points(own.gained)} points. ${place}` : place);
    parts.podium?.replaceChildren(podium(board));
    parts.list.replaceChildren(h("h2", {}, stage === "ended" ? `Of ${count(board.length, "student")}` : `The first ${TOP}`),
      leaderboard(board, { top: stage === "ended" ? 10 : TOP, me: player?._id, gained: stage === "revealed" }));
  }

  // -- what the student does --

  async function choose(choice) {
    if (answer || !shown.startsWith("open")) return;
    const to = question;
    const mine = { question: to._id, choice, state: "sending" };
    update(() => (answer = mine));
    const settle = (state) => answer === mine && update(() => (answer = state && { ...mine, state }));
    try {
      await again(() => Goop.data.insert("answers", { question: to._id, choice }), to.closes_at);
      settle("kept");
    } catch (e) {
      if (e.code === "conflict") { // this student has answered on another page
        answer = undefined;
        readAnswer(to);
      } else if (Goop.now() >= to.closes_at || e.code === "forbidden" || e.code === "invalid_value") {
        settle("late");
      } else {
        settle(null);
        toast(explain(e, "send the answer"));
      }
    }
  }

  /** Does something that is refused to whoever is not in the group yet. */
  async function again(does, until = Infinity) {
    for (let left = TRIES; ; left--) {
      try {
        return await does();
      } catch (e) {
        if (!["forbidden", "invalid_value"].includes(e.code) || left === 1 || Goop.now() > until) throw e;
        await pause(PAUSE);
      }
    }
  }

  function over() {
    shown = "over";
    main.replaceChildren(h("div", { class: "notice", "data-page": "over" },
      h("h1", {}, "This session was taken away."), h("p", {}, "Your teacher has deleted it, with its results."),
      h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "To the first page"))));
  }

  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !parts.buttons || document.querySelector("dialog[open]")) return;
    const key = event.key.toUpperCase();
    const choice = /^[1-6]$/.test(key) ? Number(key) - 1 : key.length === 1 ? LETTERS.indexOf(key) : -1;
    if (choice >= 0 && choice < parts.buttons.length) choose(choice);
  };
  document.addEventListener("keydown", keys, { signal });
}

function refused(main, e) {
  const text = e.code === "invalid_value" ? "A code has six letters and digits." : explain(e);
  main.replaceChildren(h("div", { class: "notice", "data-page": "refused" },
    h("h1", {}, "This did not work."), h("p", {}, text),
    h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "Type the code again"))));
}
