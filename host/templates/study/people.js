// Who is in the group: here now, away for a moment, and known from before; what one may do with them.

import { confirmIn, h, modal, toast } from "./ui.js";
import { explain } from "./sentences.js";
import { change, hueOf, nameOf } from "./shared.js";

const RANK = ["owner", "moderator", "member", "viewer"];
const ROLES = { owner: "Owner", moderator: "Moderator", viewer: "Reads only" };

export function people({ g, signal }) {
  const here = h("ul", { id: "people", class: "people" });
  const away = h("ul", { id: "away", class: "people" });
  const awayTitle = h("h3", {}, "Not here now");
  const count = h("span", { class: "note", id: "people-count" });

  const render = () => {
    count.textContent = String(g.count);
    here.replaceChildren(...g.members.map((m) => row(m.peer, m)));
    const present = new Set(g.members.map((m) => m.peer));
    const gone = g.members.length < g.count ? [] : Object.keys(g.state.people ?? {}).filter((peer) => !present.has(peer));
    away.replaceChildren(...gone.map((peer) => row(peer)));
    awayTitle.hidden = gone.length === 0;
  };

  function row(peer, member) {
    const dot = h("span", { class: `dot${member?.sessions ? " on" : ""}`, title: member?.sessions ? "here" : "not connected" });
    const face = h("span", { class: "face", "aria-hidden": "true" }, [...nameOf(g, peer)][0].toUpperCase());
    face.style.setProperty("--hue", hueOf(peer));
    const mayAct = peer !== Goop.me.peer && RANK.indexOf(g.role) < RANK.indexOf(member?.role ?? "member")
      && (g.rights.includes("kick") || g.rights.includes("setRole"));
    return h("li", { "data-peer": peer },
      face, h("span", { class: "who" }, nameOf(g, peer), peer === Goop.me.peer && h("span", { class: "note" }, " (you)"),
        ROLES[member?.role] && h("span", { class: "tag" }, ROLES[member.role])),
      dot,
      mayAct && h("button", { type: "button", class: "more", "aria-label": `What to do with ${nameOf(g, peer)}`, click: () => act(peer, member) }, "⋯"));
  }

  /** Asks what to do with somebody, and does it. */
  async function act(peer, member) {
    const name = nameOf(g, peer);
    const choice = (value, label, kind = "") => h("button", { type: "button", class: kind, "data-do": value, click: () => dialog.close(value) }, label);
    const role = member?.role ?? "member";
    const dialog = h("dialog", { class: "dialog choices", "aria-labelledby": "act-title" },
      h("h2", { id: "act-title" }, name),
      g.rights.includes("setRole") && [
        role !== "moderator" && choice("moderator", "Make a moderator"),
        role !== "member" && choice("member", "Make an ordinary member"),
        role !== "viewer" && choice("viewer", "Let only read"),
      ],
      g.rights.includes("kick") && [
        choice("kick", "Remove from the group"),
        choice("ban", "Remove for good", "danger"),
      ],
      choice("", "Cancel", "quiet"));
    const chosen = await modal(dialog);
    try {
      if (chosen === "kick" || chosen === "ban") {
        const sure = await confirmIn(`Remove ${name}?`, chosen === "ban" ? "They cannot come back." : "They come back only with an invitation link that still lets somebody in.", "Remove");
        if (!sure) return;
        await g[chosen](peer);
        // What it said stays under its name.
        await change(g, () => (g.state.people?.[peer] ? { people: { [peer]: null }, removed: { [peer]: name } } : null));
      } else if (chosen) {
        await g.setRole(peer, chosen);
      }
    } catch (e) {
      toast(explain(e, "do that"));
    }
  }

  signal.addEventListener("abort", g.on("members", render));
  signal.addEventListener("abort", g.on("state", ({ patch }) => (!patch || patch.people) && render()));
  render();
  return { element: h("div", { class: "column" }, h("h2", {}, "People ", count), here, awayTitle, away) };
}
