// The lobby: the matches that are on, those that were played, and, for the owner, a new one.

import { h, setText, toast } from "./ui.js";
import { START, thumbnail } from "./board.js";
import { explain, scoreText } from "./results.js";
import { waysIn } from "./owner.js";
import { ago } from "./words.js";

/** How many of the latest moves are followed for the pictures of the matches that are on. */
const RECENT = 200;
/** How many played games are listed. */
const PLAYED = 60;

/** How Morphy's game at the Paris opera ended, 1858. */
const OPERA = "1n1Rkb1r/p4ppp/4q3/4p1B1/4P3/8/PPP2PPP/2K5 b k - 1 17";

/** A match lasts until it is over, or until everybody has been gone for ten minutes. */
const MATCH = {
  type: "persistent",
  record: "moves",
  seats: ["white", "black"],
  dissolve: { empty: 600_000 },
  rights: { send: ["seat"], close: ["owner", "moderator", "seat"] },
};

export function lobby({ main, signal, go }) {
  const matches = h("ul", { id: "matches", class: "cards", "aria-live": "polite" });
  const played = h("ul", { id: "played", class: "cards" });
  const empty = h("p", { id: "no-matches", class: "empty" }, "Looking for matches…");
  const playedSection = h("section", { hidden: true }, h("h2", {}, "Played here"), played);
  const form = newMatch(go);
  main.replaceChildren(h("div", { class: "lobby", "data-page": "lobby" },
    h("div", { class: "hero" },
      h("div", {},
        h("h1", {}, "A board, two chairs, and room to watch."),
        h("p", {}, "Open a match, take White or Black, and play. No account needed.")),
      thumbnail(OPERA)),
    form,
    h("section", {}, h("h2", {}, "On now"), matches, empty),
    playedSection));

  const showOwner = () => (form.hidden = Goop.me.role !== "owner");
  const offMe = Goop.on("me", showOwner);
  signal.addEventListener("abort", offMe);
  showOwner();

  // What is known so far; each watch brings its part.
  let groups = null;
  let recent = [];
  let finals = [];
  let firsts = [];

  const render = () => {
    if (!groups) return;
    const live = groups.filter((g) => g.record === undefined || g.record === "moves");
    const liveIds = new Set(live.map((g) => g.id));
    const latest = new Map();
    for (const row of recent) if (row.fen && !latest.has(row.game)) latest.set(row.game, row);
    const over = new Map(finals.map((row) => [row.game, row]));
    list(matches, live, (g) => g.id, (g) => matchCard(g, latest.get(g.id), over.get(g.id)));
    empty.hidden = live.length > 0;
    setText(empty, Goop.me.role === "owner"
      ? "No match is on. Make one above and send its link to two people."
      : "No match is on right now. As soon as the owner makes one, it shows up here.");

    const done = finals.filter((row) => !liveIds.has(row.game));
    for (const row of firsts) if (!liveIds.has(row.game) && !over.has(row.game)) done.push(row);
    const unique = [...new Map(done.map((row) => [row.game, row])).values()].sort((a, b) => b._created_at - a._created_at);
    list(played, unique, (row) => row.game, (row) => playedCard(row, latest.get(row.game)));
    playedSection.hidden = unique.length === 0;
  };
  const offOwner = Goop.on("me", render);
  signal.addEventListener("abort", offOwner);

  const follow = (table, query, take) => Goop.data.watch(table, { ...query, signal }, ({ rows }) => {
    if (signal.aborted) return;
    take(rows);
    render();
  }).catch((e) => signal.aborted || toast(explain(e, "read the list of matches")));
  follow("_groups", { limit: 200 }, (rows) => (groups = rows));
  follow("moves", { order: ["-_id"], limit: RECENT }, (rows) => (recent = rows));
  follow("moves", { where: { final: 1 }, order: ["-_id"], limit: PLAYED }, (rows) => (finals = rows));
  follow("moves", { where: { ply: 1, kind: "move" }, order: ["-_id"], limit: PLAYED }, (rows) => (firsts = rows));
}

/** Brings a list up to date; a card is drawn anew only when what it shows has changed. */
function list(ul, items, key, card) {
  const old = new Map([...ul.children].map((li) => [li.dataset.id, li]));
  const next = items.map((item) => {
    const li = card(item);
    const known = old.get(key(item));
    return known?.dataset.shows === li.dataset.shows ? known : li;
  });
  if (next.length !== ul.children.length || next.some((li, i) => li !== ul.children[i])) ul.replaceChildren(...next);
}

function cardOf(id, href, fen, lines, action, tag) {
  return h("li", { "data-id": id, "data-shows": JSON.stringify([fen, lines, action, tag]) },
    h("a", { class: "card", href, "data-link": true },
      thumbnail(fen),
      h("span", { class: "about" },
        h("strong", {}, lines[0], tag && h("span", { class: `tag ${tag.kind}` }, tag.text)),
        lines.slice(1).filter(Boolean).map((line) => h("span", { class: "note" }, line)),
        h("span", { class: "go" }, action))));
}

function matchCard(group, row, final) {
  const people = group.members === 1 ? "one person here" : `${group.members || "no"} people here`;
  const pair = row ? `${row.white || "White"} – ${row.black || "Black"}` : "Seats are free";
  const where = row ? `Move ${Math.max(1, Math.ceil(row.ply / 2))}` : "Not started";
  const tag = final ? { kind: "over", text: scoreText(final.result) } : row ? { kind: "live", text: "Live" } : { kind: "open", text: "Open" };
  return cardOf(group.id, `/?match=${encodeURIComponent(group.id)}`, row?.fen ?? START,
    [group.name || group.id, pair, `${where} · ${people}`], row ? "Watch" : "Sit down", tag);
}

function playedCard(row, latest) {
  const moves = Math.ceil((row.final ? row.ply : latest?.ply ?? row.ply) / 2);
  const how = row.final ? `${row.reason}, ` : "broken off, ";
  return cardOf(row.game, `/?replay=${encodeURIComponent(row.game)}`, row.final ? row.fen ?? START : latest?.fen ?? row.fen ?? START,
    [`${row.white || "White"} – ${row.black || "Black"}`, row.title, `${how}${moves === 1 ? "1 move" : `${moves} moves`} · ${ago(row._created_at)}`],
    "Replay", { kind: "score", text: row.final ? scoreText(row.result) : "–" });
}

/** The owner's form. */
function newMatch(go) {
  const input = h("input", {
    id: "match-name", name: "name", type: "text", maxlength: 60, autocomplete: "off", placeholder: "Friday evening", required: true,
  });
  const button = h("button", { type: "submit", class: "primary" }, "New match");
  return h("form", {
    id: "new-match", class: "new-match", hidden: true,
    submit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const group = await Goop.group.create({ ...MATCH, name: input.value.trim() });
        go(`/?match=${encodeURIComponent(group.id)}`);
      } catch (e) {
        toast(explain(e, "make the match"));
      } finally {
        button.disabled = false;
      }
    },
  }, h("label", { for: "match-name" }, "What is the match called?"), h("div", { class: "row" }, input, button), waysIn());
}
