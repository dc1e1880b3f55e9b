// Puts on the page what goop.d.ts promises, over the member (a Go program in WebAssembly that holds the connection), and
// loads the member at once. The member keeps order, resumes and repeats; these modules give the results the shape of a
// web API: promises, listeners, a state object. All others only define; what happens begins here.

import { data } from "./data.js";
import { GoopError } from "./error.js";
import { listeners } from "./events.js";
import { group } from "./groups.js";
import { hostInfo, me } from "./identity.js";
import { invitation, takeInvite, takeLinks, takeOwner } from "./links.js";
import { bridge, start } from "./member.js";
import { groups } from "./registry.js";
import { arrive, ask } from "./role.js";
import { ready, status, takeStatus } from "./status.js";

function begin() {
  start((said) => {
    if (takeStatus(said)) arrive();
  }, (fault) => {
    for (const g of [...groups.values()]) g.fail(fault);
  });
  takeLinks();
  addEventListener("hashchange", () => {
    if (takeInvite()) listeners.emit("invited", invitation()?.group);
    if (takeOwner() && status.state === "online") arrive();
  });

  /** @type {import("../goop.d.ts").GoopAPI} */
  const Goop = {
    group: /** @type {any} */ (group),
    data,
    me: /** @type {any} */ (me),
    host: /** @type {any} */ (hostInfo),
    get status() { return bridge && status.state === "online" ? { ...status, rtt: bridge.rtt() || undefined } : status; },
    ready,
    now: () => (bridge ? bridge.now() : Date.now()),
    get clock() {
      const within = bridge?.within() ?? -1;
      return { now: Goop.now(), error: within < 0 ? undefined : within };
    },
    reach: async (options) => (await ask({ op: "reach" }, options?.signal)).links,
    on: (type, listener) => listeners.on(type, listener),
    GoopError: /** @type {any} */ (GoopError),
  };
  globalThis.Goop = Object.freeze(Goop);
}

if (!globalThis.Goop) begin(); // a page may have the script twice, and goop.mjs beside it
