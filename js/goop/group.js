// A group as this page sees it: roster, state and position, folded from the frames that the member hands over, and what
// the page sends.

import { GoopError } from "./error.js";
import { call, Listeners } from "./events.js";
import { requests } from "./grouprequests.js";
import { identity } from "./identity.js";
import { Iteration } from "./iteration.js";
import { freeze, isObject, merge, plain, text } from "./json.js";
import { invitation, keepInvite } from "./links.js";
import { bridge, member, post } from "./member.js";
import { groups } from "./registry.js";
import { losses } from "./status.js";

/** @typedef {import("../goop.d.ts").Member} Member */

/** Refusals after which the same call may well succeed. */
const PASSING = ["offline", "timeout", "rate_limited", "internal", "closed"];

/** A group that this page has joined. */
export class Group {
  #listeners = new Listeners(["msg", "state", "redact", "gap", "close", "members", "error"]);
  /** @type {Set<Iteration>} */
  #iterations = new Set();
  /** @type {Map<string, Member>} */
  #roster = new Map();
  /** @type {Member[] | undefined} */
  #members;
  /** A whole roster that comes in parts. @type {number | undefined} */
  #unfinished;
  /** @type {any} */
  #welcome = { name: "", durable: false, access: "open", maxMembers: 0, limits: {}, you: { role: "member", rights: [] } };
  #state = Object.freeze({});
  #seq = 0;
  #count = 0;
  /** How often the connection had been lost when the latest welcome came. */
  #lost = -1;
  #closed = false;
  /** The member's number of the session, once joined. @type {number | undefined} */
  #session;
  #ownMeta;
  #echo;
  #id;
  /** @type {((event: any) => void)[]} */
  #callbacks = [];
  /** Resolves when the member has joined; leaving waits for it too. @type {Promise<Group>} */
  joined;

  /** @param {string} id @param {any} options */
  constructor(id, options) {
    this.#id = id;
    this.#echo = !!options.echo;
    this.#ownMeta = options.meta === undefined ? undefined : plain(options.meta, "meta");
    const link = invitation();
    const followed = options.invite === undefined && link?.group === id ? link.token : undefined;
    const body = text({ invite: options.invite ?? followed ?? "", meta: this.#meta() }, "the options of join");
    this.joined = member(async (b) => {
      this.#session = await b.join(id, body, (frames) => this.#deliver(frames));
      return this;
    });
    this.joined.then(() => true, (e) => {
      this.#forget();
      return e instanceof GoopError && !PASSING.includes(e.code);
    }).then((over) => {
      if (over && followed && invitation()?.token === followed) keepInvite(""); // this peer is known there now, or refused
    });
  }

  get id() { return this.#id; }
  get name() { return this.#welcome.name; }
  get role() { return this.#welcome.you.role; }
  get rights() { return this.#welcome.you.rights; }
  get durable() { return this.#welcome.durable; }
  get access() { return this.#welcome.access; }
  get maxMembers() { return this.#welcome.maxMembers; }
  get limits() { return this.#welcome.limits; }
  get state() { return this.#state; }
  get seq() { return this.#seq; }
  get count() { return this.#count; }
  get closed() { return this.#closed; }
  get waiting() { return bridge && this.#session !== undefined ? bridge.waiting(this.#session) : 0; }
  get members() { return (this.#members ??= [...this.#roster.values()]); }

  /** @param {((event: any) => void) | null | undefined} callback */
  addCallback(callback) {
    if (callback && !this.#callbacks.includes(callback)) this.#callbacks.push(callback);
  }

  /** @param {unknown} payload @param {any} [options] */
  async send(payload, options = {}) {
    const body = text(payload, "the message");
    const session = this.#open();
    const { to = "", key = "", volatile = false, unreliable = false, signal } = options;
    let head = `"session":${session},"payload":${body}`;
    if (to) head += `,"to":${text(String(to), "to")}`;
    if (key) head += `,"key":${text(String(key), "key")}`;
    if (volatile) head += ',"volatile":true';
    if (unreliable) head += ',"unreliable":true';
    return post(head, signal);
  }

  /** @param {object} patch @param {any} [options] */
  async setState(patch, options = {}) {
    if (!isObject(patch)) throw new GoopError("invalid_value", "the patch of setState has to be an object");
    const body = text(patch, "the patch");
    const session = this.#open();
    const { ifSeq, signal } = options;
    const conditional = typeof ifSeq === "number";
    if (conditional && !(Number.isSafeInteger(Math.trunc(ifSeq)) && ifSeq >= 0)) {
      throw new GoopError("invalid_value", "ifSeq is the seq of an entry, or 0");
    }
    return post(`"session":${session},"patch":${body}${conditional ? `,"ifSeq":${Math.trunc(ifSeq)}` : ""}`, signal);
  }

  /** @param {number} seq @param {any} [options] */
  async redact(seq, options = {}) {
    if (!Number.isSafeInteger(seq) || seq < 1) throw new GoopError("invalid_value", "redact takes the seq of a message");
    const session = this.#open();
    return post(`"session":${session},"redact":${seq}`, options.signal);
  }

  /** @param {any} [options] */
  history(options) { return requests.history(this.#id, options); }
  stats() { return requests.stats(this.#id); }
  /** @param {any} [options] */
  invite(options) { return requests.invite(this.#id, options); }
  /** @param {string} idOrToken */
  revoke(idOrToken) { return requests.revoke(this.#id, idOrToken); }
  /** @param {string} peer @param {any} [options] */
  kick(peer, options) { return requests.kick(this.#id, peer, options); }
  /** @param {string} peer @param {any} [options] */
  ban(peer, options) { return requests.ban(this.#id, peer, options); }
  /** @param {string} peer */
  unban(peer) { return requests.unban(this.#id, peer); }
  /** @param {string} peer @param {string} role */
  setRole(peer, role) { return requests.setRole(this.#id, peer, role); }
  /** @param {any} changes */
  update(changes) { return requests.update(this.#id, changes); }
  close() { return requests.close(this.#id); }

  /** The session's number, while there is one. */
  #open() {
    if (this.#closed || this.#session === undefined) {
      throw new GoopError("closed", `the group "${this.#id}" is not joined any more`);
    }
    return this.#session;
  }

  async leave() {
    const session = this.#session;
    if (this.#closed || session === undefined) return;
    this.#end({ type: "close", group: this.#id, reason: "left" });
    await member((b) => b.leave(session)); // which lets go out what was sent before
  }

  /** @param {string} type @param {(event: any) => void} listener */
  on(type, listener) {
    return this.#listeners.on(type, listener);
  }

  [Symbol.asyncIterator]() {
    const iteration = new Iteration(this.#id, () => this.#iterations.delete(iteration));
    if (this.#closed) iteration.end();
    else this.#iterations.add(iteration);
    return iteration;
  }

  #meta() {
    return this.#ownMeta ? merge(identity.meta, this.#ownMeta) : identity.meta;
  }

  async refreshMeta() {
    await this.joined.catch(() => {});
    const session = this.#session;
    if (this.#closed || session === undefined) return;
    await member((b) => b.update(session, text(this.#meta(), "meta")));
  }

  // -- what comes in --

  /** @param {string} frames */
  #deliver(frames) {
    for (const f of JSON.parse(frames)) {
      if (this.#closed) return;
      this.#take(f);
    }
  }

  /** @param {any} f */
  #take(f) {
    switch (f.type) {
      case "welcome":
        return this.#takeWelcome(f.payload);
      case "members":
        return this.#takeMembers(f.payload);
      case "msg":
        if (f.seq) this.#seq = f.seq;
        if (f.redact) this.#takeRedact(f);
        else if (!f.own || this.#echo) this.#pass(f);
        return;
      case "state":
        return this.#takeState(f);
      case "gap": // f.from is the last entry that came
        return this.#pass({ type: "gap", group: this.#id, from: f.from + 1, to: f.to });
      case "close":
        return this.#end({ type: "close", group: this.#id, ...f.payload });
      case "error": {
        if (this.#session === undefined) return; // the join was refused: its promise says so
        const error = new GoopError(f.payload.code, f.payload.message, { ...f.payload, unsent: f.unsent });
        if (f.payload.fatal) this.fail(error);
        else this.#listeners.fail(error, `group "${this.#id}"`);
      }
    }
  }

  /** The group ends, for the reason that an error names. @param {any} error */
  fail(error) {
    if (this.#session === undefined) return this.#forget(); // its join is refused, and says so
    this.#listeners.fail(error, `group "${this.#id}"`);
    this.#end({ type: "close", group: this.#id, reason: error.code, message: error.message });
  }

  /** @param {any} w */
  #takeWelcome(w) {
    const { members, more, count, state, seq, rosterVersion, ...rest } = w;
    const again = this.#welcome.epoch !== undefined;
    this.#welcome = rest;
    this.#seq = seq;
    if (!w.resumed) this.#state = freeze(state ?? {});
    const before = this.#lost === losses && again ? this.#people() : undefined;
    this.#lost = losses;
    this.#roster.clear();
    this.#takeMembers({ members, more, count, version: rosterVersion }, before);
    if (again && !w.resumed) this.#pass({ type: "state", group: this.#id, seq, state: this.#state }); // after a gap
  }

  #people() {
    return JSON.stringify([this.#count, ...this.#roster.values()]);
  }

  /** @param {any} r @param {string} [before] the same again is nothing to tell of */
  #takeMembers(r, before) {
    if (r.members) {
      if (this.#unfinished !== r.version || !r.members.length) this.#roster.clear(); // none: names are not told any more
      for (const m of r.members) this.#roster.set(m.peer, m);
      this.#unfinished = r.more ? r.version : undefined;
    }
    // A member that moved to another transport is told of as it was.
    const same = !r.members && !r.you && !r.joined?.length && !r.left?.length && r.count === this.#count
      && r.updated?.every((/** @type {any} */ m) => JSON.stringify(m) === JSON.stringify(this.#roster.get(m.peer)));
    for (const m of r.joined ?? []) this.#roster.set(m.peer, m);
    for (const m of r.updated ?? []) this.#roster.set(m.peer, m);
    for (const d of r.left ?? []) this.#roster.delete(d.peer);
    if (r.you) this.#welcome = { ...this.#welcome, you: r.you };
    this.#count = r.count;
    this.#members = undefined;
    if (!this.#unfinished && !same && (before === undefined || before !== this.#people())) {
      const left = r.left ?? [];
      this.#listeners.emit("members", { type: "members", group: this.#id, members: this.members, count: r.count, left });
    }
  }

  /** @param {any} f */
  #takeRedact(f) {
    const { redact, id, ...rest } = f;
    const event = { ...rest, type: "redact", target: redact };
    this.#listeners.emit("redact", event);
    if (!f.own || this.#echo) this.#give(event);
  }

  /** @param {any} f */
  #takeState(f) {
    if (f.seq) this.#seq = f.seq;
    if (f.payload) this.#state = freeze(f.payload.state);
    else if (f.patch) this.#state = merge(this.#state, f.patch);
    else return; // the position moved past entries that were not for this member
    const { payload, ...event } = f;
    event.state = this.#state;
    this.#listeners.emit("state", event);
    if (!f.own || this.#echo) this.#give(event);
  }

  /** @param {any} event */
  #pass(event) {
    this.#listeners.emit(event.type, event);
    this.#give(event);
  }

  /** @param {any} event */
  #give(event) {
    for (const callback of this.#callbacks) call(callback, event);
    for (const iteration of this.#iterations) iteration.push(event);
  }

  /** @param {any} event */
  #end(event) {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    if (event.reason !== "left") this.#pass(event);
    for (const iteration of this.#iterations) iteration.end();
  }

  #forget() {
    if (groups.get(this.#id) === this) groups.delete(this.#id);
  }
}
