// Who this page is, Goop.me, and who the host is, Goop.host.

import { listeners } from "./events.js";
import { merge, plain } from "./json.js";
import { groups } from "./registry.js";

/** @type {{peer?: string, session?: string, role?: "owner" | "visitor", meta: any}} */
export const identity = { meta: Object.freeze({}) };
export const hostInfo = {};

export const me = {
  get peer() { return identity.peer; },
  get session() { return identity.session; },
  get role() { return identity.role; },
  get label() { return typeof identity.meta.label === "string" ? identity.meta.label : ""; },
  get meta() { return identity.meta; },
  /** @param {any} meta */
  async set(meta) {
    identity.meta = merge(identity.meta, plain(meta, "meta"));
    listeners.emit("me", me);
    await Promise.all([...groups.values()].map((g) => g.refreshMeta()));
  },
};
