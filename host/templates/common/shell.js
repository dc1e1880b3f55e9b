// What stands around the pages of a site: moving from one to the next without loading, who the visitor is, and
// how the connection does.

import { $, askName, setText, toast } from "./ui.js";
import { myName, rememberName } from "./names.js";
import { showConnection } from "./connection.js";

/**
 * Runs a site.
 * @param {(context: {main: HTMLElement, signal: AbortSignal, go: (href: string) => void}) => void} show
 *   shows the page that the address names; signal ends with the page
 * @param {{kept: string}} words what waits while there is no connection: "your moves are kept"
 * @returns {() => void} shows the page of the address anew
 */
export function shell(show, { kept }) {
  const main = $("#main");
  let leavePage = () => {};

  function route() {
    leavePage();
    const controller = new AbortController();
    leavePage = () => controller.abort();
    main.replaceChildren();
    window.scrollTo(0, 0);
    show({ main, signal: controller.signal, go });
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

  visitor();
  // What went wrong beside what the visitor did, such as an owner link that somebody has used before.
  Goop.on("error", (error) => toast(error.message));
  showConnection(kept);
  Goop.ready.then(() => {
    if (Goop.host.name) setText($("#site-name"), Goop.host.name);
  }, () => {});
  route();
  return route;
}

/** The visitor's name, in the corner. */
function visitor() {
  const showMe = () => {
    setText($("#me-name"), myName() || "Choose a name");
    $("#owner-badge").hidden = Goop.me.role !== "owner";
  };
  if (myName()) Goop.me.set({ label: myName() });
  Goop.on("me", showMe);
  $("#me").addEventListener("click", async () => {
    const name = await askName(myName());
    if (name) rememberName(name);
  });
  showMe();
}
