// Starts the site: which page the address asks for, who the visitor is, how the connection does.

import { home, welcome } from "./home.js";
import { room } from "./room.js";
import { showConnection } from "./connection.js";
import { $, askName, setText, toast } from "./ui.js";
import { myName, rememberName } from "./names.js";

const main = $("#main");
let leavePage = () => {};

/** Shows the page that the address names: `/` or `/?group=ID`. An invite link goes before both. */
function route() {
  leavePage();
  const controller = new AbortController();
  leavePage = () => controller.abort();
  main.replaceChildren();
  window.scrollTo(0, 0);
  document.title = Goop.host.name ?? "Study group";
  const context = { main, signal: controller.signal, go };
  const id = new URLSearchParams(location.search).get("group");
  if (Goop.group.invited && !myName()) welcome(context);
  else if (Goop.group.invited || id) room(context, Goop.group.invited ?? id);
  else home(context);
}

/** Moves to another page of the site without loading it anew. */
function go(href) {
  history.pushState(null, "", href);
  route();
  main.focus({ preventScroll: true });
}

addEventListener("popstate", route);
Goop.on("invited", route);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-link]");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});

// ---- the visitor --------------------------------------------------------------------------------

function showMe() {
  setText($("#me-name"), myName() || "Choose a name");
  $("#owner-badge").hidden = Goop.me.role !== "owner";
}

if (myName()) Goop.me.set({ label: myName() });
Goop.on("me", showMe);
$("#me").addEventListener("click", async () => {
  const name = await askName(myName());
  if (name) rememberName(name);
});
showMe();

Goop.on("error", (error) => toast(error.message));
showConnection("what you write is kept");
Goop.ready.then(() => {
  if (Goop.host.name) setText($("#site-name"), Goop.host.name);
}, () => {});

route();
