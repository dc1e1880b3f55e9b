// The chat: the latest messages, earlier ones as one scrolls up, the mark of what is new, who is typing.

import { h, setText, toast } from "./ui.js";
import { dayOf, explain, people, timeOf } from "./sentences.js";
import { hueOf, nameOf } from "./shared.js";
import { lines, Timeline } from "./timeline.js";
import { markRead, readUpTo } from "./unread.js";

/** Messages that are read at a time. */
const PAGE = 50;
/** Characters of one message. */
const MAX_TEXT = 4000;
/** A typing sign is sent at most this often, and shown for this long without another one; milliseconds. */
const TYPING_EVERY = 2_000;
const TYPING_FOR = 5_000;

export function chat({ g, signal, listen }) {
  const timeline = new Timeline();
  const me = Goop.me.peer;
  const list = h("ol", { id: "messages", class: "messages", "aria-live": "polite", tabindex: 0, "aria-label": "Messages" });
  const earlier = h("button", { id: "earlier", type: "button", class: "quiet", hidden: true, click: () => loadEarlier() }, "Earlier messages");
  const nothing = h("p", { id: "nothing-yet", class: "empty", hidden: true }, "Nothing has been said yet.");
  const scroller = h("div", { class: "scroller", scroll: () => seen() }, earlier, nothing, list);
  const down = h("button", { id: "to-the-end", type: "button", class: "down", hidden: true, click: () => toTheEnd() }, "New messages ↓");
  const typing = h("p", { id: "typing", class: "typing note", "aria-live": "off" });
  const panel = { element: h("div", { class: "column" }, scroller, down, typing, composer()), onUnread: () => {}, shown: toTheEnd, unsent };

  /** What was read before this page was opened: where the mark stands. */
  const opened = readUpTo(g.id);
  let pending = []; // sent, not acknowledged: {text, li, error?}

  // -- reading --

  let loading;
  /** Reads a page of the history, from the end or from before an entry. Resolves with where to read on, 0 when something came. */
  function load(before) {
    return (loading ??= (async () => {
      try {
        const known = timeline.entries.length;
        const rows = await g.history({ ...(before ? { before } : {}), limit: PAGE, signal });
        timeline.addPage(rows);
        // A page without a message (removals alone) shows nothing: go on with the one before it.
        return !timeline.complete && timeline.entries.length === known ? rows[0].seq : 0;
      } finally {
        loading = undefined;
      }
    })());
  }

  async function loadLatest() {
    try {
      for (let before = 0; ;) {
        before = await load(before);
        if (!before) break;
      }
      render({ stick: true });
    } catch (e) {
      if (!signal.aborted) toast(explain(e, "read the earlier messages"));
    }
  }

  async function loadEarlier() {
    if (loading || timeline.complete || !timeline.first) return;
    const height = scroller.scrollHeight;
    try {
      let before = timeline.first;
      while (before) before = await load(before);
      render({});
      scroller.scrollTop += scroller.scrollHeight - height; // what is being read stays where it is
    } catch (e) {
      if (!signal.aborted) toast(explain(e, "read the earlier messages"));
    }
  }

  listen((event) => {
    switch (event.type) {
      case "msg":
        if (event.volatile) return heardTyping(event);
        stopTyping(event.from);
        if (isMessage(event.payload) && timeline.add(event)) render({ stick: atTheEnd() || event.from === me });
        return;
      case "redact":
        if (timeline.redact(event.target)) render({ stick: atTheEnd() });
        return;
      case "gap": // what was missed is in the history
        timeline.clear();
        loadLatest();
    }
  });
  signal.addEventListener("abort", g.on("redact", (event) => event.own && timeline.redact(event.target) && render({})));
  signal.addEventListener("abort", g.on("members", () => render({ stick: atTheEnd() }))); // names
  loadLatest();

  // -- showing --

  const shown = new Map(); // key → element

  function render({ stick }) {
    const now = Goop.now();
    const messages = timeline.entries.filter((e) => e.redacted || isMessage(e.payload));
    const rows = lines(messages, { me, readUpTo: opened, day: (t) => dayOf(t, now) });
    const keep = new Set();
    const elements = rows.map((row) => {
      const text = JSON.stringify([row.named, row.text, row.entry, row.entry && nameOf(g, row.entry.from), g.rights.includes("redact")]);
      keep.add(row.key);
      let el = shown.get(row.key);
      if (el?.dataset.shows !== text) {
        el = draw(row);
        el.dataset.shows = text;
        shown.set(row.key, el);
      }
      return el;
    });
    for (const key of shown.keys()) if (!keep.has(key)) shown.delete(key);
    elements.push(...pending.map((p) => p.li));
    if (elements.length !== list.children.length || elements.some((el, i) => el !== list.children[i])) list.replaceChildren(...elements);
    earlier.hidden = timeline.complete || !timeline.first;
    nothing.hidden = !timeline.complete || elements.length > 0;
    if (stick) toTheEnd();
    else seen();
  }

  function draw(row) {
    if (row.kind === "day") return h("li", { class: "day" }, h("span", {}, row.text));
    if (row.kind === "new") return h("li", { class: "new-mark", id: "new-mark" }, h("span", {}, "New"));
    const { entry, mine, named } = row;
    return h("li", { class: `message${mine ? " mine" : ""}${named ? " named" : ""}`, "data-seq": entry.seq },
      named && !mine && author(entry.from),
      h("div", { class: "bubble" },
        entry.redacted ? h("em", { class: "gone" }, "Message removed") : linked(entry.payload.text),
        h("time", { datetime: new Date(entry.time).toISOString() }, timeOf(entry.time)),
        !entry.redacted && g.rights.includes("redact") && h("button", {
          type: "button", class: "remove", "aria-label": "Remove this message", title: "Remove for everybody", click: () => remove(entry.seq),
        }, "×")));
  }

  function author(peer) {
    const el = h("span", { class: "author" }, nameOf(g, peer));
    el.style.setProperty("--hue", hueOf(peer));
    return el;
  }

  async function remove(seq) {
    try {
      await g.redact(seq);
    } catch (e) {
      toast(explain(e, "remove the message"));
    }
  }

  const atTheEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;

  function toTheEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    seen();
  }

  /** Looks at what of the chat can be seen now. */
  function seen() {
    const visible = document.visibilityState === "visible" && scroller.clientHeight > 0;
    if (scroller.scrollTop < 200 && visible) loadEarlier();
    if (visible && atTheEnd() && timeline.last) markRead(g.id, timeline.last);
    const unread = timeline.unread(readUpTo(g.id), me);
    down.hidden = atTheEnd() || unread === 0;
    panel.onUnread(unread);
  }
  document.addEventListener("visibilitychange", seen, { signal });
  addEventListener("storage", seen, { signal }); // another tab has read on

  // -- writing --

  function composer() {
    const input = h("textarea", {
      id: "message", rows: 1, maxlength: MAX_TEXT, placeholder: "Write to the group", "aria-label": "Message",
      input: () => {
        grow();
        sendTyping();
      },
      keydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        submit();
      },
    });
    const grow = () => {
      input.style.height = "auto";
      input.style.height = `${Math.min(input.scrollHeight + 2, 160)}px`;
    };
    const submit = () => {
      const text = input.value.trim();
      if (!text) return;
      input.value = "";
      grow();
      send({ text });
    };
    const form = h("form", { class: "composer", submit: (event) => { event.preventDefault(); submit(); } },
      input, h("button", { id: "send", type: "submit", class: "primary" }, "Send"));
    const mute = h("p", { class: "note mute" }, "You can read here, and not write.");
    const show = () => {
      form.hidden = !g.rights.includes("send");
      mute.hidden = !form.hidden;
    };
    signal.addEventListener("abort", g.on("members", show));
    show();
    return h("div", {}, form, mute);
  }

  /** What an earlier visit could not send comes back, to be tried again. @returns {boolean} whether it was that */
  function unsent(error) {
    const text = error.unsent?.payload?.text;
    if (typeof text !== "string") return false;
    const p = { text };
    stand(p);
    failed(p, error);
    return true;
  }

  /** Puts a message below the others, until the host has it. */
  function stand(p) {
    p.li?.remove();
    p.li = h("li", { class: "message mine pending" },
      h("div", { class: "bubble" }, linked(p.text), h("span", { class: "state" }, "…")));
    if (!pending.includes(p)) pending.push(p);
    render({ stick: true });
  }

  function failed(p, error) {
    p.li.classList.add("failed");
    p.li.querySelector(".state").replaceWith(h("span", { class: "state" }, explain(error), " ",
      h("button", { type: "button", class: "link", click: () => send(p) }, "Try again")));
  }

  async function send(p) {
    stand(p);
    typed = 0;
    try {
      const { seq, time } = await g.send({ text: p.text });
      timeline.add({ seq, time, from: me, payload: { text: p.text } });
    } catch (e) {
      if (!signal.aborted && !g.closed) failed(p, e);
      return;
    }
    pending = pending.filter((other) => other !== p);
    render({ stick: true });
  }

  // -- typing --

  let typed = 0;
  const typers = new Map(); // peer → timer

  function sendTyping() {
    if (Date.now() - typed < TYPING_EVERY) return;
    typed = Date.now();
    g.send({ typing: true }, { volatile: true, key: "typing" }).catch(() => {}); // only a sign
  }

  function heardTyping({ from, payload }) {
    if (!payload?.typing || from === me) return;
    clearTimeout(typers.get(from));
    typers.set(from, setTimeout(() => stopTyping(from), TYPING_FOR));
    showTyping();
  }

  function stopTyping(peer) {
    if (!typers.has(peer)) return;
    clearTimeout(typers.get(peer));
    typers.delete(peer);
    showTyping();
  }

  function showTyping() {
    const names = [...typers.keys()].map((peer) => nameOf(g, peer));
    setText(typing, names.length ? `${people(names)} ${names.length === 1 ? "is" : "are"} typing…` : "");
  }

  return panel;
}

/** Others may send what they like: only this is a message. */
const isMessage = (payload) => typeof payload?.text === "string" && payload.text !== "";

/** A text with its web addresses as links. */
function linked(text) {
  return h("span", { class: "text" }, text.slice(0, MAX_TEXT).split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)])/).map((part, i) =>
    i % 2 ? h("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part));
}
