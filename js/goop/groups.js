// Goop.group: joining, and the calls that mean the group which was joined last.

import { GoopError } from "./error.js";
import { Group } from "./group.js";
import { requests } from "./grouprequests.js";
import { invitation } from "./links.js";
import { member } from "./member.js";
import { groups } from "./registry.js";

/** The last join that succeeded, and those after it that are on their way: send and leave without a group mean the last of these. @type {Promise<Group>[]} */
let joins = [];

/** @returns {Promise<Group>} */
function current() {
  return joins.at(-1) ?? Promise.reject(new GoopError("no_such_group", "no group is joined: call Goop.group.join(id) first"));
}

export const group = {
  ...requests,
  /** @param {string} id @param {((event: any) => void) | null} [callback] @param {any} [options] */
  join(id, callback, options = {}) {
    const joining = (async () => {
      if (typeof id !== "string" || !id) throw new GoopError("invalid_value", 'join needs a group\'s id such as "lobby"');
      if (callback && typeof callback !== "function") throw new GoopError("invalid_value", "the second argument of join is a function");
      const known = groups.get(id);
      const g = known ?? new Group(id, options);
      if (!known) groups.set(id, g);
      g.addCallback(callback);
      if (!options.signal) return g.joined;
      return member(() => g.joined, options.signal).catch((e) => {
        if (!known && options.signal.aborted) g.joined.then(() => g.leave()).catch(() => {}); // nobody waits for it
        throw e;
      });
    })();
    joins.push(joining);
    return joining.then((g) => {
      joins = joins.slice(Math.max(0, joins.indexOf(joining)));
      return g;
    }, (e) => {
      joins = joins.filter((j) => j !== joining);
      throw e;
    });
  },
  /** @param {unknown} payload @param {any} [options] */
  send: async (payload, options) => (await current()).send(payload, options),
  /** @param {object} patch @param {any} [options] */
  setState: async (patch, options) => (await current()).setState(patch, options),
  leave: async () => (await current()).leave(),
  /** The group that the invite link in this page's address is for, until it is joined. */
  get invited() { return invitation()?.group; },
  /** @param {string} [id] */
  stats: async (id) => {
    if (id !== undefined) return requests.stats(id);
    const g = await current();
    return requests.stats(g.id, g);
  },
};
