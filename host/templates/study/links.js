// The list of links in the group's state: one key for each, so that two that are added at once both stay.

import { h, toast } from "./ui.js";
import { explain } from "./sentences.js";
import { addressOf, change, linksOf, nameOf } from "./shared.js";

const MAX_LINKS = 200;
const MAX_TITLE = 100;

export function links({ g, signal }) {
  const list = h("ul", { id: "links", class: "links" });
  const empty = h("p", { class: "empty" }, "No links yet.");
  const url = h("input", { id: "link-url", type: "text", inputmode: "url", maxlength: 2000, required: true, placeholder: "https://…", "aria-label": "Address" });
  const title = h("input", { id: "link-title", type: "text", maxlength: MAX_TITLE, placeholder: "What it is", "aria-label": "What it is" });
  const form = h("form", {
    class: "add-link",
    submit: async (event) => {
      event.preventDefault();
      const address = addressOf(url.value);
      if (!address) return toast("That is not a web address.");
      const id = crypto.getRandomValues(new Uint32Array(2)).join("");
      try {
        await change(g, () => {
          if (Object.keys(g.state.links ?? {}).length >= MAX_LINKS) throw new Goop.GoopError("limit_exceeded", "The list is full.");
          return { links: { [id]: { url: address, title: title.value.trim(), by: Goop.me.peer, at: Math.round(Goop.now()) } } };
        });
        url.value = title.value = "";
      } catch (e) {
        toast(explain(e, "add the link"));
      }
    },
  }, url, title, h("button", { type: "submit" }, "Add"));

  const render = () => {
    const rows = linksOf(g.state);
    list.replaceChildren(...rows.map(({ id, href, host, title, by }) => h("li", { "data-link-id": id },
      h("a", { href, target: "_blank", rel: "noopener noreferrer" },
        h("strong", {}, title || host), h("span", { class: "note" }, `${host} · ${nameOf(g, by)}`)),
      g.rights.includes("state") && h("button", { type: "button", class: "remove", "aria-label": "Remove this link", click: () => remove(id) }, "×"))));
    empty.hidden = rows.length > 0;
    form.hidden = !g.rights.includes("state");
  };

  async function remove(id) {
    try {
      await change(g, () => (g.state.links?.[id] ? { links: { [id]: null } } : null));
    } catch (e) {
      toast(explain(e, "remove the link"));
    }
  }

  signal.addEventListener("abort", g.on("state", ({ patch }) => (!patch || patch.links || patch.people) && render()));
  signal.addEventListener("abort", g.on("members", render));
  render();
  return { element: h("div", { class: "column" }, h("h2", {}, "Links"), form, list, empty) };
}
