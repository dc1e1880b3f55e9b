// The page of one group: chat, notes, links and people, side by side on a desktop, one at a time on a phone.

import { $, h, setText, toast } from "./ui.js";
import { myName } from "./names.js";
import { chat } from "./chat.js";
import { links } from "./links.js";
import { manage } from "./manage.js";
import { notes } from "./notes.js";
import { people } from "./people.js";
import { ENDINGS, explain } from "./sentences.js";
import { change, nameOf } from "./shared.js";

const TABS = [["chat", "Chat"], ["notes", "Notes"], ["links", "Links"], ["people", "People"]];

export async function room({ main, signal, go }, id) {
  main.replaceChildren(h("p", { class: "notice", "data-page": "joining" }, "Opening the group…"));
  const listeners = new Set();
  let g;
  try {
    g = await Goop.group.join(id, (event) => listeners.forEach((listen) => listen(event)), { signal });
  } catch (e) {
    if (!signal.aborted) ended(main, "This group cannot be opened.", explain(e));
    return;
  }
  if (new URLSearchParams(location.search).get("group") !== id) history.replaceState(null, "", `/?group=${encodeURIComponent(id)}`);
  signal.addEventListener("abort", () => g.leave().catch(() => {}));

  const listen = (fn) => listeners.add(fn);
  const context = { g, signal, listen, go };
  const panels = { chat: chat(context), notes: notes(context), links: links(context), people: people(context) };
  const title = h("h1", { id: "group-title" }, g.name || "Study group");
  const page = h("div", { class: "room", "data-page": "room", "data-tab": "chat" },
    h("div", { class: "title" }, title, manage(context, (name) => setText(title, name))),
    Object.entries(panels).map(([name, panel]) => h("section", { class: `panel ${name}`, id: `panel-${name}`, "aria-label": TABS.find(([n]) => n === name)[1] }, panel.element)),
    tabs((name) => {
      page.dataset.tab = name;
      panels[name].shown?.();
    }));
  main.replaceChildren(page);
  document.title = g.name || "Study group";
  panels.chat.onUnread = (n) => {
    document.title = `${n ? `(${n}) ` : ""}${g.name || "Study group"}`;
    const badge = $("#unread");
    badge.hidden = n === 0;
    setText(badge, n > 99 ? "99+" : String(n));
  };
  panels.chat.shown();

  listen((event) => {
    if (event.type !== "close") return;
    const [what, why] = ENDINGS[event.reason] ?? ["This group has ended for you.", event.message ?? ""];
    ended(main, what, event.message && ENDINGS[event.reason] ? `${why} “${event.message}”` : why);
  });
  signal.addEventListener("abort", g.on("error", (e) => panels.chat.unsent(e) || toast(explain(e))));
  introduce(g);
  signal.addEventListener("abort", Goop.on("me", () => introduce(g)));
}

/** Leaves this peer's name in the group's state, for those who read later what it said. */
function introduce(g) {
  const name = myName();
  if (!name || g.closed || !g.rights.includes("state") || nameOf(g, Goop.me.peer) === name) return;
  change(g, () => ({ people: { [Goop.me.peer]: name } })).catch((e) => console.warn("study:", e.message));
}

/** On a phone, which part is to be seen. */
function tabs(choose) {
  const buttons = TABS.map(([name, label]) => h("button", {
    type: "button", "data-show": name, "aria-controls": `panel-${name}`, "aria-pressed": String(name === "chat"),
    click: () => {
      for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.show === name));
      choose(name);
    },
  }, label, name === "chat" && h("span", { id: "unread", class: "count", hidden: true })));
  return h("nav", { class: "tabs", "aria-label": "Parts of the group" }, buttons);
}

function ended(main, what, why) {
  main.replaceChildren(h("div", { class: "notice", "data-page": "ended" },
    h("h1", {}, what), h("p", {}, why),
    h("p", {}, h("a", { class: "button", href: "/", "data-link": true }, "To your groups"))));
}
