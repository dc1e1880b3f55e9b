// What the owner and moderators do with the group as a whole: invite, name, close.

import { askText, confirmIn, h, toast } from "./ui.js";
import { inviteDialog } from "./invite.js";
import { explain } from "./sentences.js";

export function manage({ g, signal, go }, renamed) {
  const invite = h("button", { id: "invite", type: "button", class: "primary", click: () => inviteDialog(g) }, "Invite");
  const rename = h("button", { id: "rename", type: "button", click: () => askAndRename() }, "Rename");
  const close = h("button", { id: "close-group", type: "button", click: () => askAndClose() }, "Close");
  const buttons = h("div", { class: "row" }, invite, rename, close);

  async function askAndRename() {
    const name = await askText("What is the group called?", g.name, 60, "Rename");
    if (!name) return;
    try {
      renamed((await g.update({ name })).name);
    } catch (e) {
      toast(explain(e, "rename the group"));
    }
  }

  async function askAndClose() {
    const sure = await confirmIn("Close this group?", "Everything in it is deleted for everybody: messages, notes and links.", "Close the group");
    if (!sure) return;
    try {
      await g.close();
      go("/");
    } catch (e) {
      toast(explain(e, "close the group"));
    }
  }

  const show = () => {
    invite.hidden = !g.rights.includes("invite");
    rename.hidden = !g.rights.includes("manage");
    close.hidden = !g.rights.includes("close");
  };
  signal.addEventListener("abort", g.on("members", show));
  show();
  return buttons;
}
