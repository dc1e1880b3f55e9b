// Starts the site: which page the address asks for, who the visitor is, how the connection does.

import { lobby } from "./lobby.js";
import { match } from "./match.js";
import { replay } from "./replay.js";
import { $, askName, setText, toast } from "./ui.js";
import { myName, rememberName } from "./names.js";
import { showConnection } from "./connection.js";

const main = $("#main");
let leavePage = () => {};

/** Shows the page that the address names: `/`, `/?match=ID` or `/?replay=ID`. */
function route() {
  leavePage();
  const query = new URLSearchParams(location.search);
  const controller = new AbortController();
  leavePage = () => controller.abort();
  main.replaceChildren();
  window.scrollTo(0, 0);
  const context = { main, signal: controller.signal, go };
  if (query.get("match")) match(context, query.get("match"));
  else if (query.get("replay")) replay(context, query.get("replay"));
  else lobby(context);
}

/** Moves to another page of the site without loading it anew. */
function go(href) {
  history.pushState(null, "", href);
  route();
  main.focus({ preventScroll: true });
}

addEventListener("popstate", route);
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

// What went wrong beside what the visitor did, such as an owner link that somebody has used before.
Goop.on("error", (error) => toast(error.message));

// ---- the connection -----------------------------------------------------------------------------

showConnection("your moves are kept");
Goop.ready.then(() => {
  if (Goop.host.name) setText($("#site-name"), Goop.host.name);
}, () => {});

route();
