// The dialog that makes invitations: a link to send, the same as a picture for a phone, and those that are out.

import { qrPicture } from "/goop/qr.js";
import { h, modal, setText, toast } from "./ui.js";
import { explain, momentOf } from "./sentences.js";

const HOUR = 3_600_000;
const USES = [[1, "one person"], [10, "ten people"], [50, "fifty people"]];
const AGES = [[HOUR, "an hour"], [24 * HOUR, "a day"], [7 * 24 * HOUR, "a week"]];

export async function inviteDialog(g) {
  const uses = choice("invite-uses", USES, 10);
  const age = choice("invite-age", AGES, 24 * HOUR);
  const role = choice("invite-role", [["member", "take part"], ["viewer", "only read"]], "member");
  const made = h("div", { id: "invite-made", hidden: true });
  const open = h("div", { class: "open-invites" });
  const make = h("button", { id: "make-invite", type: "submit", class: "primary" }, "Make a link");
  const dialog = h("dialog", { class: "dialog invite", "aria-labelledby": "invite-title" },
    h("h2", { id: "invite-title" }, "Invite to this group"),
    h("form", {
      submit: async (event) => {
        event.preventDefault();
        make.disabled = true;
        try {
          show(await g.invite({ uses: Number(uses.value), expires: Math.round(Goop.now()) + Number(age.value), role: role.value }));
          await list();
        } catch (e) {
          toast(explain(e, "make the invitation"));
        } finally {
          make.disabled = false;
        }
      },
    },
    h("p", { class: "sentence" }, "For ", uses, " who may ", role, ", good for ", age, "."), make),
    made, open,
    h("div", { class: "row end" }, h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Done")));

  function show({ url }) {
    const field = h("input", { id: "invite-url", type: "text", readonly: true, value: url, "aria-label": "The invitation link", focus: () => field.select() });
    const copy = h("button", {
      type: "button",
      click: async () => {
        field.select();
        // On plain http there is no clipboard for scripts: then the selected text is there to be copied.
        const done = navigator.clipboard ? await navigator.clipboard.writeText(url).then(() => true, () => false) : false;
        setText(copy, done ? "Copied" : "Press Ctrl-C");
      },
    }, "Copy");
    made.replaceChildren(qrPicture(url, "The invitation link as a QR code"), h("div", { class: "row nowrap" }, field, copy,
      navigator.share && h("button", { type: "button", click: () => navigator.share({ title: g.name, url }).catch(() => {}) }, "Share")));
    made.hidden = false;
  }

  /** The invitations that still let somebody in. */
  async function list() {
    const rows = await Goop.data.query("_invites", { where: { group: g.id }, order: ["-created_at"] });
    const good = rows.filter((r) => r.used < r.uses && r.expires > Goop.now());
    open.replaceChildren(...(good.length ? [h("h3", {}, "Invitations that are out"), h("ul", {}, good.map((r) => h("li", { "data-invite": r._id },
      h("span", {}, `${r.used} of ${r.uses} used, until ${momentOf(r.expires)}${r.role === "viewer" ? ", only to read" : ""}`),
      h("button", {
        type: "button", class: "link",
        click: async () => {
          try {
            await g.revoke(r._id);
            await list();
          } catch (e) {
            toast(explain(e, "take the invitation back"));
          }
        },
      }, "Take back"))))] : []));
  }

  const done = modal(dialog);
  list().catch((e) => toast(explain(e, "read the invitations")));
  await done;
}

function choice(id, options, chosen) {
  return h("select", { id }, options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));
}
