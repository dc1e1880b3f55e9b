// What the sites build their pages with: elements, dialogs, a line that tells of a fault.

import { MAX_NAME, tidy } from "./names.js";

export const $ = (selector, root = document) => root.querySelector(selector);

/** Makes an element: h("p", {class: "note"}, "text", child). Properties that are functions are listeners. */
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") el.addEventListener(key, value);
    else el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

/** A small picture for a button, in a box of 24 by 24. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  shape.setAttribute("d", path);
  return svg;
}

/** Sets a text only when it differs, so that screen readers are not told the same thing twice. */
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

let toastTimer;

/** Shows a line for a few seconds. */
export function toast(text) {
  const el = $("#toast");
  el.textContent = text;
  el.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (el.hidden = true), 6000);
}

/** Opens a modal dialog and resolves with its return value, "" when it was dismissed. */
export function modal(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close(""));
  });
}

/** Asks for a name; resolves with "" when the visitor thought better of it. */
export async function askName(now) {
  const input = h("input", {
    id: "name-input", name: "name", type: "text", maxlength: MAX_NAME, required: true, autocomplete: "nickname", value: now,
    placeholder: "Paul",
  });
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "name-title" },
    h("form", { method: "dialog", submit: () => dialog.close(tidy(input.value)) },
      h("h2", { id: "name-title" }, "What should the others call you?"),
      h("label", { class: "sr", for: "name-input" }, "Your name"),
      input,
      h("p", { class: "note" }, "Kept in this browser and shown to the others."),
      h("div", { class: "row end" },
        h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Cancel"),
        h("button", { type: "submit", class: "primary" }, "That’s me"))));
  const done = modal(dialog);
  input.select();
  return tidy(await done);
}

/** Asks a yes-or-no question. */
export async function confirmIn(title, text, yes) {
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "confirm-title" },
    h("h2", { id: "confirm-title" }, title),
    h("p", {}, text),
    h("div", { class: "row end" },
      h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Cancel"),
      h("button", { type: "button", class: "danger", click: () => dialog.close("yes") }, yes)));
  return (await modal(dialog)) === "yes";
}

/** Asks for a line of text; resolves with "" when the visitor thought better of it. */
export async function askText(title, value, maxlength, yes) {
  const input = h("input", { id: "text-input", type: "text", maxlength, required: true, value, "aria-labelledby": "text-title", autocomplete: "off" });
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "text-title" },
    h("form", { method: "dialog", submit: () => dialog.close(input.value.trim()) },
      h("h2", { id: "text-title" }, title), input,
      h("div", { class: "row end" },
        h("button", { type: "button", class: "quiet", click: () => dialog.close("") }, "Cancel"),
        h("button", { type: "submit", class: "primary" }, yes))));
  const done = modal(dialog);
  input.select();
  return (await done).trim();
}
