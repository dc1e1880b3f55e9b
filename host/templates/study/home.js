// The first page: the visitor's groups, for the owner a new one, and the welcome of who was invited.

import { $, h, setText, toast } from "./ui.js";
import { MAX_NAME, rememberName, tidy } from "./names.js";
import { waysIn } from "./owner.js";
import { explain } from "./sentences.js";
import { unreadIn } from "./unread.js";

/** What a study group is: kept on the host's disk, and for those who are invited. */
const STUDY = { type: "invite-only" };

export function home({ main, signal, go }) {
  const groups = h("ul", { id: "groups", class: "cards", "aria-live": "polite" });
  const empty = h("p", { id: "no-groups", class: "empty" }, "Looking for your groups…");
  const form = newGroup(go);
  main.replaceChildren(h("div", { class: "home", "data-page": "home" },
    h("div", { class: "hero" },
      h("h1", {}, "Learn together."),
      h("p", {}, "Chat, notes and links of your group, kept on the host’s own disk.")),
    form,
    h("section", {}, h("h2", {}, "Your groups"), groups, empty)));

  let rows = null;
  const show = () => {
    const owner = Goop.me.role === "owner";
    form.hidden = !owner;
    if (!rows) return;
    groups.replaceChildren(...rows.map(card));
    empty.hidden = rows.length > 0;
    setText(empty, owner
      ? "There is no group yet. Make one above, and invite the others from there."
      : "You are in no group here yet. Whoever runs this site can send you an invitation link.");
  };
  signal.addEventListener("abort", Goop.on("me", show));
  show();
  Goop.data.watch("_groups", { limit: 200, signal }, (changes) => {
    rows = changes.rows;
    show();
  }).catch((e) => signal.aborted || toast(explain(e, "read the list of groups")));
}

/** How long a count of what is new holds, in milliseconds: the list of groups changes with everybody who comes or goes. */
const COUNTED_FOR = 15_000;
const counted = new Map(); // group → {at, count}

function countUnread(id) {
  const known = counted.get(id);
  if (known && Date.now() - known.at < COUNTED_FOR) return known.count;
  const count = unreadIn(id);
  counted.set(id, { at: Date.now(), count });
  return count;
}

function card(group) {
  const here = group.members === 1 ? "one person here now" : `${group.members || "nobody"}${group.members ? " people" : ""} here now`;
  const unread = h("span", { class: "tag live", hidden: true });
  countUnread(group.id).then((n) => {
    unread.hidden = n === 0;
    setText(unread, n > 99 ? "99+ new" : `${n} new`);
  }, () => {}); // the list is good without it
  return h("li", { "data-id": group.id },
    h("a", { class: "card", href: `/?group=${encodeURIComponent(group.id)}`, "data-link": true },
      h("span", { class: "about" },
        h("strong", {}, group.name || group.id, " ", unread),
        h("span", { class: "note" }, here)),
      h("span", { class: "go" }, "Open")));
}

/** The owner's form. */
function newGroup(go) {
  const input = h("input", {
    id: "group-name", type: "text", maxlength: 60, autocomplete: "off", placeholder: "Linear algebra, Tuesday", required: true,
  });
  const button = h("button", { type: "submit", class: "primary" }, "New group");
  return h("form", {
    id: "new-group", class: "panel", hidden: true,
    submit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const group = await Goop.group.create({ ...STUDY, name: input.value.trim() });
        go(`/?group=${encodeURIComponent(group.id)}`);
      } catch (e) {
        toast(explain(e, "make the group"));
      } finally {
        button.disabled = false;
      }
    },
  }, h("label", { for: "group-name" }, "What is the group called?"), h("div", { class: "row nowrap" }, input, button), waysIn());
}

/** Who opens an invite link for the first time says who they are. */
export function welcome({ main, go }) {
  const input = h("input", { id: "welcome-name", type: "text", maxlength: MAX_NAME, required: true, autocomplete: "nickname", placeholder: "Your name" });
  main.replaceChildren(h("div", { class: "notice", "data-page": "welcome" },
    h("h1", {}, "You are invited to a study group."),
    h("form", {
      class: "panel",
      submit: (event) => {
        event.preventDefault();
        if (!tidy(input.value)) return;
        rememberName(input.value);
        go(location.pathname + location.search);
      },
    }, h("label", { for: "welcome-name" }, "What should the others call you?"),
    h("div", { class: "row nowrap" }, input, h("button", { type: "submit", class: "primary" }, "Join")))));
  $("#welcome-name").focus();
}
