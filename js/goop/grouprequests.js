// What a page asks of the host about a group by its id, joined or not: its life, its people, its past.

import { plain } from "./json.js";
import { bridge } from "./member.js";
import { groups } from "./registry.js";
import { ask } from "./role.js";

export const requests = {
  /** @param {any} config */
  create: async (config) => (await ask({ op: "group.create", config: plain(config, "the group") })).group,
  /** @param {string} id @param {any} changes */
  update: async (id, changes) => (await ask({ op: "group.update", group: id, set: plain(changes, "the changes") })).group,
  /** @param {string} id */
  close: async (id) => void (await ask({ op: "group.close", group: id })),
  /** @param {string} id @param {any} [options] */
  invite: async (id, { as, expires, signal, ...options } = {}) => {
    const body = { ...options, op: "group.invite", group: id };
    if (as !== undefined) body.role = as;
    if (expires !== undefined) body.expires = expires instanceof Date ? expires.getTime() : expires;
    return (await ask(body, signal)).invite;
  },
  /** @param {string} id @param {string} idOrToken */
  revoke: async (id, idOrToken) => {
    // The id of an invite is 16 hexadecimal digits; a token is longer.
    const which = /^[0-9a-f]{16}$/.test(idOrToken) ? { invite: idOrToken } : { token: idOrToken };
    await ask({ op: "group.revoke", group: id, ...which });
  },
  /** @param {string} id @param {string} peer @param {{message?: string}} [options] */
  kick: async (id, peer, { message } = {}) => void (await ask({ op: "group.kick", group: id, peer, message })),
  /** @param {string} id @param {string} peer @param {{message?: string}} [options] */
  ban: async (id, peer, { message } = {}) => void (await ask({ op: "group.ban", group: id, peer, message })),
  /** @param {string} id @param {string} peer */
  unban: async (id, peer) => void (await ask({ op: "group.unban", group: id, peer })),
  /** @param {string} id @param {string} peer @param {string} role */
  setRole: async (id, peer, role) => void (await ask({ op: "group.setRole", group: id, peer, role })),
  /** @param {string} id @param {any} [options] */
  history: async (id, { signal, ...options } = {}) => {
    const { rows } = await ask({ ...options, op: "group.history", group: id }, signal);
    return rows.map((/** @type {any} */ { redact, ...row }) =>
      redact ? { ...row, type: "redact", group: id, target: redact } : { ...row, group: id });
  },
  /** @param {string} id @param {{seq: number}} [g] the group, if the page has joined it */
  stats: async (id, g = groups.get(id)) => {
    const { stats } = await ask({ op: "group.stats", group: id });
    // The host's lag counts what it has not written; the page lacks what is on its way too.
    const lag = g && { lag: Math.max(0, stats.seq - g.seq) };
    return { ...stats, ...lag, rtt: bridge?.rtt() || undefined };
  },
};
