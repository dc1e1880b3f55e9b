// What owners of all sites are shown.

import { h } from "./ui.js";

/** The way to the host's page with the addresses of this site. */
export const waysIn = () => h("p", { class: "note ways-in" }, h("a", { href: "/goop/reach" }, "QR code and links"), " for others to come in.");
