// The page's side of Goop: what goop.d.ts promises, over the member (a Go program in WebAssembly that
// holds the connection). The member keeps order, resumes and repeats; this file gives the results the
// shape of a web API: promises, listeners, a state object. It loads the member as soon as it runs.
(() => {
  "use strict";
  if (globalThis.Goop) return;

  const ASSETS = __GOOP_ASSETS__;
  /** How many events may wait for a `for await` loop before the oldest are given up as a gap. */
  const ITERATOR_BOUND = 10_000;

  /** @typedef {import("./globals.d.ts").Bridge} Bridge */
  /** @typedef {import("./goop.d.ts").ErrorCode} ErrorCode */
  /** @typedef {import("./goop.d.ts").Member} Member */

  class GoopError extends Error {
    /**
     * @param {ErrorCode} code
     * @param {string} message
     * @param {{id?: string, retryAfter?: number, seq?: number, unsent?: import("./goop.d.ts").Unsent}} [detail]
     */
    constructor(code, message, detail) {
      super(message || code);
      /** @type {ErrorCode} */
      this.code = code;
      if (detail?.id) this.id = detail.id;
      if (detail?.retryAfter) this.retryAfter = detail.retryAfter;
      if (detail?.seq) this.seq = detail.seq;
      if (detail?.unsent) this.unsent = detail.unsent;
    }
    /** @type {"GoopError"} */
    get name() {
      return "GoopError";
    }
  }

  // ---- listeners --------------------------------------------------------------------------------

  /** A fault in somebody's listener must not stop the others, nor be lost. @param {unknown} e */
  const report = (e) => ("reportError" in globalThis ? reportError(e) : queueMicrotask(() => { throw e; }));

  /** A set of listeners per event type. A list is never changed but replaced: an event goes to those who listened when it came. */
  class Listeners {
    /** @type {Map<string, ((event: any) => void)[]>} */
    #byType = new Map();

    /** @param {string[]} types */
    constructor(types) {
      for (const type of types) this.#byType.set(type, []);
    }

    /** @param {string} type @param {(event: any) => void} listener */
    on(type, listener) {
      const list = this.#byType.get(type);
      if (!list) throw new GoopError("invalid_value", `no event "${type}"; there are: ${[...this.#byType.keys()].join(", ")}`);
      if (typeof listener !== "function") throw new GoopError("invalid_value", `on("${type}", …) needs a function`);
      if (!list.includes(listener)) this.#byType.set(type, [...list, listener]);
      return () => void this.#byType.set(type, (this.#byType.get(type) ?? []).filter((each) => each !== listener));
    }

    /** @param {string} type @param {any} event @returns {boolean} whether anybody listened */
    emit(type, event) {
      const list = this.#byType.get(type) ?? [];
      for (const listener of list) call(listener, event);
      return list.length > 0;
    }
  }

  /** @param {(event: any) => void} fn @param {any} event */
  function call(fn, event) {
    try {
      const result = /** @type {any} */ (fn(event));
      if (result && typeof result.catch === "function") result.catch(report);
    } catch (e) {
      report(e);
    }
  }

  // ---- the member -------------------------------------------------------------------------------

  const listeners = new Listeners(["status", "me", "error", "invited"]);
  /** What waits for an answer of the member, to be refused should it end. @type {Set<(e: Error) => void>} */
  const waiting = new Set();
  /** @type {any} */
  let status = Object.freeze({ state: "starting" });
  /** How often the connection was lost. One that moved to another transport was not. */
  let losses = 0;
  /** @type {Error | undefined} */
  let fault;
  /** @type {Bridge | undefined} */
  let bridge;

  /** The member has ended or could not start: nothing works any more. @param {string} why @param {unknown} cause */
  function fail(why, cause) {
    if (fault) return;
    fault = new GoopError("internal", `${why}: ${cause instanceof Error ? cause.message : cause}. Reload the page.`);
    fault.cause = cause;
    for (const reject of waiting) reject(fault);
    waiting.clear();
    for (const { reject } of posted.values()) reject(fault);
    posted.clear();
    setStatus({ state: "closed", error: fault });
    rejectReady(fault);
  }

  /** @type {() => void} */ let resolveReady = () => {};
  /** @type {(e: unknown) => void} */ let rejectReady = () => {};
  /** @type {Promise<void>} */
  const ready = new Promise((resolve, reject) => ([resolveReady, rejectReady] = [resolve, reject]));
  ready.catch(() => {}); // a page that never looks at it is not told twice

  /** "webtransport" or "websocket" to use that one alone. */
  const transport = new URLSearchParams(location.search).get("goop-transport") ?? "";

  /**
   * Asks how the host is reached and begins a WebTransport session with it, while the member is loaded: it takes
   * both over with its first try, and tries by itself what has failed by then.
   * @returns {import("./globals.d.ts").Early}
   */
  function connectEarly() {
    /** @type {{url: string, session: WebTransport} | undefined} */
    let begun;
    const descriptor = fetch(`${location.origin}/goop/host.json`, { cache: "no-store", redirect: "error" }).then((response) => {
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.text();
    });
    descriptor.then((json) => {
      const [first] = JSON.parse(json).webtransport ?? [];
      if (!first || transport === "websocket" || !("WebTransport" in globalThis)) return;
      const serverCertificateHashes = first.certhashes.map((/** @type {string} */ hex) =>
        ({ algorithm: "sha-256", value: Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)) }));
      const session = new WebTransport(first.url, { serverCertificateHashes });
      begun = { url: first.url, session };
      session.ready.catch(() => {}); // told by closed too
      session.closed.catch(() => {}).then(() => { if (begun?.session === session) begun = undefined; });
    }).catch(() => {});
    const take = () => {
      const taken = begun;
      begun = undefined;
      return taken;
    };
    return {
      descriptor,
      session(url) {
        return begun?.url === url ? take()?.session : undefined;
      },
      drop: () => take()?.session.close(),
    };
  }

  /** Fetches and compiles; a flaky network gets three tries. @param {string} url @returns {Promise<WebAssembly.Module>} */
  async function compile(url) {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
        return await WebAssembly.compileStreaming(response);
      } catch (e) {
        if (attempt === 3) throw e;
        await new Promise((resolve) => setTimeout(resolve, 500 * attempt * (0.5 + Math.random())));
      }
    }
  }

  /** @returns {Promise<Bridge>} */
  async function start() {
    const loading = Promise.all([compile(ASSETS.wasm), import(ASSETS.exec)]);
    const early = connectEarly();
    try {
      const [module] = await loading;
      const go = new globalThis.Go();
      const instance = await WebAssembly.instantiate(module, go.importObject);
      return await new Promise((resolve, reject) => {
        globalThis.goopStart = {
          base: location.origin,
          transport,
          early,
          GoopError: /** @type {any} */ (GoopError),
          ready: resolve,
          outcomes: onOutcomes,
          status: onStatus,
        };
        go.run(instance).then(() => reject(new Error("it ended")), reject);
        delete (/** @type {any} */ (globalThis).goopStart); // the member has taken it: run returns at its first wait
      });
    } catch (e) {
      early.drop();
      throw e;
    }
  }

  const started = start().then(
    (b) => {
      bridge = b;
      b.visible(document.visibilityState !== "hidden");
      return b;
    },
    (e) => {
      fail("Goop could not start", e);
      throw fault;
    },
  );
  started.catch(() => {});

  /**
   * Hands a call to the member, once it is there.
   * @template T
   * @param {(b: Bridge) => T | Promise<T>} fn
   * @param {AbortSignal} [signal] ends the wait
   * @returns {Promise<T>}
   */
  function member(fn, signal) {
    return new Promise((resolve, reject) => {
      if (fault) return reject(fault);
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => settle(() => reject(signal?.reason));
      /** @param {() => void} how */
      const settle = (how) => {
        waiting.delete(refuse);
        signal?.removeEventListener("abort", abort);
        how();
      };
      /** @param {unknown} e */
      const refuse = (e) => settle(() => reject(e));
      waiting.add(refuse);
      signal?.addEventListener("abort", abort);
      started.then(fn).then((v) => settle(() => resolve(v)), refuse);
    });
  }

  /** What was posted in this turn of the event loop: it goes to the member in one crossing. @type {string[]} */
  let posts = [];
  let lastPost = 0;
  /** Those who wait for the outcomes of posts, by number. @type {Map<number, {resolve: (v: any) => void, reject: (e: unknown) => void}>} */
  const posted = new Map();

  /**
   * Posts an entry. The session is joined, so the member is there.
   * @param {string} entry its members, as JSON
   * @param {AbortSignal} [signal] ends the wait
   * @returns {Promise<any>}
   */
  function post(entry, signal) {
    return new Promise((resolve, reject) => {
      if (fault) return reject(fault);
      if (signal?.aborted) return reject(signal.reason);
      const n = ++lastPost;
      if (posts.push(`{"n":${n},${entry}}`) === 1) queueMicrotask(flushPosts);
      if (!signal) return posted.set(n, { resolve, reject });
      const abort = () => {
        posted.delete(n);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort);
      const heard = (/** @type {(v: any) => void} */ how) => (/** @type {any} */ v) => {
        signal.removeEventListener("abort", abort);
        how(v);
      };
      posted.set(n, { resolve: heard(resolve), reject: heard(reject) });
    });
  }

  /** Has the member post. What it cannot read, for being nested too deeply, is refused by itself, and must not stop the rest. */
  function flushPosts() {
    let entries = posts;
    let first = lastPost - entries.length + 1;
    posts = [];
    while (!fault && bridge && entries.length > 0) {
      const read = bridge.post(`[${entries.join(",")}]`);
      if (read >= entries.length) return;
      const waits = posted.get(first + read);
      posted.delete(first + read);
      waits?.reject(new GoopError("invalid_value", "the message is nested too deeply"));
      entries = entries.slice(read + 1);
      first += read + 1;
    }
  }

  /** @param {string} outcomes */
  function onOutcomes(outcomes) {
    for (const [n, seq, time] of JSON.parse(outcomes)) {
      const waits = posted.get(n);
      posted.delete(n);
      if (time !== undefined) waits?.resolve({ seq, time });
      else waits?.reject(new GoopError(seq.code, seq.message, seq));
    }
  }

  /** @param {any} next */
  function setStatus(next) {
    status = Object.freeze(next);
    listeners.emit("status", status);
  }

  /** @param {string} text */
  function onStatus(text) {
    const { peer, host, name, version, session, error, ...rest } = JSON.parse(text);
    if (error) rest.error = new GoopError(error.code, error.message, error);
    if (peer) identity.peer = peer;
    if (session) identity.session = session;
    if (host) Object.assign(hostInfo, { peer: host, name, version });
    const cameUp = rest.state === "online" && status.state !== "online";
    if (rest.state !== "online") losses++;
    setStatus(rest);
    if (rest.error?.code === "wrong_host") rejectReady(rest.error);
    if (cameUp) arrive();
  }

  addEventListener("online", () => bridge?.wake());
  /** @type {any} */ (navigator).connection?.addEventListener("change", () => bridge?.wake());
  addEventListener("pageshow", () => bridge?.wake());
  addEventListener("pagehide", () => bridge?.suspend());
  document.addEventListener("visibilitychange", () => bridge?.visible(document.visibilityState !== "hidden"));

  /** Refusals after which the same call may well succeed. */
  const PASSING = ["offline", "timeout", "rate_limited", "internal", "closed"];
  /** The name under which an invite link waits. */
  const INVITE = "goop-invite";
  let inviteLink = stored(INVITE);

  /** @param {string} name */
  function stored(name) {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  // ---- who I am ---------------------------------------------------------------------------------

  /** @type {{peer?: string, session?: string, role?: "owner" | "visitor", meta: any}} */
  const identity = { meta: Object.freeze({}) };
  const hostInfo = {};

  const me = {
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

  /** Takes `#name=value` out of the address bar and returns the value; other fragment text stays. @param {string} name */
  function takeFragment(name) {
    const parts = location.hash.slice(1).split("&");
    const found = parts.find((p) => p.startsWith(name + "="));
    if (found === undefined) return "";
    const rest = parts.filter((p) => p !== found).join("&");
    history.replaceState(history.state, "", location.pathname + location.search + (rest && "#" + rest));
    try {
      return decodeURIComponent(found.slice(name.length + 1));
    } catch {
      return ""; // no link of ours
    }
  }

  /** The secret of an owner link leaves the address bar before anything else can read it. */
  let ownerSecret = takeFragment("goop-owner");
  takeInvite();
  addEventListener("hashchange", () => {
    if (takeInvite()) listeners.emit("invited", invitation()?.group);
    const secret = takeFragment("goop-owner");
    if (!secret) return;
    ownerSecret = secret;
    if (status.state === "online") arrive();
  });

  /** An invite link, `#goop-invite=<group>.<token>`, as well. It waits here for the join, through a reload too. */
  function takeInvite() {
    const link = takeFragment("goop-invite");
    if (link) keepInvite(link);
    return !!link;
  }

  /** @param {string} link "" to forget it */
  function keepInvite(link) {
    inviteLink = link;
    try {
      if (link) sessionStorage.setItem(INVITE, link);
      else sessionStorage.removeItem(INVITE);
    } catch {
      // a browser that stores nothing: then a reload before the join loses the link
    }
  }

  /** What the invite link says, if there is one. A group's id may have dots in it, a token has none. */
  function invitation() {
    const at = inviteLink.lastIndexOf(".");
    return at > 0 ? { group: inviteLink.slice(0, at), token: inviteLink.slice(at + 1) } : undefined;
  }

  /** After each connection: claims an owner link once, and asks what this peer is. */
  async function arrive() {
    try {
      if (ownerSecret) {
        const secret = ownerSecret;
        try {
          await ask({ op: "claim", secret });
        } catch (e) {
          failed(e, "the owner link was refused");
        }
        if (ownerSecret === secret) ownerSecret = "";
      }
      const { role } = await ask({ op: "role" });
      if (role !== identity.role) {
        identity.role = role;
        listeners.emit("me", me);
      }
      resolveReady();
    } catch (e) {
      if (!fault) report(e);
    }
  }

  // ---- values -----------------------------------------------------------------------------------

  /** Sets a key of a fresh object, even one that is called "__proto__". @param {any} o @param {string} k @param {any} v */
  const put = (o, k, v) => Object.defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: true });

  /** @param {any} v */
  const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);

  /** Freezes a value of JSON all the way down: later states share it. @param {any} v @returns {any} */
  function freeze(v) {
    if (typeof v === "object" && v !== null && !Object.isFrozen(v)) {
      Object.freeze(v);
      for (const inner of Object.values(v)) freeze(inner);
    }
    return v;
  }

  /**
   * RFC 7396: a new, frozen object in which the patch is merged. Target is frozen, and so is then what it
   * shares with the patch.
   * @param {any} target @param {any} patch @returns {any}
   */
  function merge(target, patch) {
    if (!isObject(patch)) return freeze(patch);
    const out = {};
    if (isObject(target)) for (const [k, v] of Object.entries(target)) put(out, k, v);
    for (const [k, v] of Object.entries(patch)) {
      if (v === null) delete (/** @type {any} */ (out)[k]);
      else put(out, k, merge(Object.hasOwn(out, k) ? /** @type {any} */ (out)[k] : undefined, v));
    }
    return Object.freeze(out);
  }

  /**
   * The text of a value, or a refusal that says what cannot be sent.
   * @param {unknown} value @param {string} what @param {(this: any, key: string, value: any) => any} [replacer]
   */
  function text(value, what, replacer) {
    let s;
    try {
      s = JSON.stringify(value, replacer);
    } catch (e) {
      if (e instanceof GoopError) throw e;
      throw new GoopError("invalid_value", `${what} cannot be written as JSON: ${/** @type {Error} */ (e).message}`);
    }
    if (s === undefined) throw new GoopError("invalid_value", `${what} is ${typeof value}, which JSON does not have`);
    return s;
  }

  /** @param {unknown} value @param {string} what @returns {any} a plain copy */
  function plain(value, what) {
    if (!isObject(value)) throw new GoopError("invalid_value", `${what} has to be an object such as {label: "Ann"}`);
    return JSON.parse(text(value, what));
  }

  // ---- groups -----------------------------------------------------------------------------------

  /** The groups that this page has joined, by id. @type {Map<string, Group>} */
  const groups = new Map();
  /** The last join that succeeded, and those after it that are on their way: send and leave without a group mean the last of these. @type {Promise<Group>[]} */
  let joins = [];

  class Group {
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
      const request = text({ invite: options.invite ?? followed ?? "", meta: this.#meta() }, "the options of join");
      this.joined = member(async (b) => {
        this.#session = await b.join(id, request, (frames) => this.#deliver(frames));
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
    history(options) { return group.history(this.#id, options); }
    stats() { return group.stats(this.#id); }
    /** @param {any} [options] */
    invite(options) { return group.invite(this.#id, options); }
    /** @param {string} idOrToken */
    revoke(idOrToken) { return group.revoke(this.#id, idOrToken); }
    /** @param {string} peer @param {any} [options] */
    kick(peer, options) { return group.kick(this.#id, peer, options); }
    /** @param {string} peer @param {any} [options] */
    ban(peer, options) { return group.ban(this.#id, peer, options); }
    /** @param {string} peer */
    unban(peer) { return group.unban(this.#id, peer); }
    /** @param {string} peer @param {string} role */
    setRole(peer, role) { return group.setRole(this.#id, peer, role); }
    /** @param {any} changes */
    update(changes) { return group.update(this.#id, changes); }
    close() { return group.close(this.#id); }

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
          if (!this.#listeners.emit("error", error)) console.warn(`Goop: group "${this.#id}":`, error.message);
          if (f.payload.fatal) this.#end({ type: "close", group: this.#id, reason: error.code, message: error.message });
        }
      }
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

  /** One `for await` loop over a group. It ends with the group. */
  class Iteration {
    /** @type {any[]} */
    #queue = [];
    /** Those who wait for the next event, in order. @type {((r: any) => void)[]} */
    #waiting = [];
    #ended = false;
    #stop;
    #id;

    /** @param {string} id @param {() => void} stop */
    constructor(id, stop) {
      this.#id = id;
      this.#stop = stop;
    }

    /** @param {any} event */
    push(event) {
      const next = this.#waiting.shift();
      if (next) return next({ value: event, done: false });
      this.#queue.push(event);
      if (this.#queue.length > ITERATOR_BOUND) this.#giveUp();
    }

    /** The loop does not keep up: half of what waits becomes one gap. */
    #giveUp() {
      const lost = this.#queue.splice(0, ITERATOR_BOUND / 2);
      const seqs = lost.flatMap((e) => (e.type === "gap" ? [e.from, e.to] : e.seq ? [e.seq] : []));
      this.#queue.unshift({ type: "gap", group: this.#id, from: seqs[0] ?? 0, to: seqs.at(-1) ?? 0 });
    }

    end() {
      this.#ended = true;
      for (const next of this.#waiting.splice(0)) next({ value: undefined, done: true });
    }

    /** @returns {Promise<IteratorResult<any>>} */
    next() {
      if (this.#queue.length) return Promise.resolve({ value: this.#queue.shift(), done: false });
      if (this.#ended) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve) => this.#waiting.push(resolve));
    }

    /** @returns {Promise<IteratorResult<any>>} */
    return() {
      this.#stop();
      this.#queue = [];
      this.end();
      return Promise.resolve({ value: undefined, done: true });
    }
  }

  /** @returns {Promise<Group>} */
  function current() {
    return joins.at(-1) ?? Promise.reject(new GoopError("no_such_group", "no group is joined: call Goop.group.join(id) first"));
  }

  const group = {
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
    /** @param {any} config */
    create: async (config) => (await ask({ op: "group.create", config: plain(config, "the group") })).group,
    /** @param {string} id @param {any} changes */
    update: async (id, changes) => (await ask({ op: "group.update", group: id, set: plain(changes, "the changes") })).group,
    /** @param {string} id */
    close: async (id) => void (await ask({ op: "group.close", group: id })),
    /** The group that the invite link in this page's address is for, until it is joined. */
    get invited() { return invitation()?.group; },
    /** @param {string} id @param {any} [options] */
    invite: async (id, { as, expires, signal, ...options } = {}) => {
      const request = { ...options, op: "group.invite", group: id };
      if (as !== undefined) request.role = as;
      if (expires !== undefined) request.expires = expires instanceof Date ? expires.getTime() : expires;
      return (await ask(request, signal)).invite;
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
    /** @param {string} [id] */
    stats: async (id) => {
      const g = id === undefined ? await current() : groups.get(id);
      const { stats } = await ask({ op: "group.stats", group: id ?? g?.id });
      // The host's lag counts what it has not written; the page lacks what is on its way too.
      const lag = g && { lag: Math.max(0, stats.seq - g.seq) };
      return { ...stats, ...lag, rtt: bridge?.rtt() || undefined };
    },
  };

  // ---- data -------------------------------------------------------------------------------------

  /**
   * What a page may put in place of what the data protocol has: a Date for a time, bytes for a blob.
   * @this {any} @param {string} key @param {any} value
   */
  function asColumn(key, value) {
    const given = this[key];
    if (given instanceof Date) {
      if (Number.isNaN(given.getTime())) throw new GoopError("invalid_value", `"${key}" is an invalid Date`);
      return given.getTime();
    }
    const bytes = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
    if (!(bytes instanceof Uint8Array)) return value;
    let binary = "";
    for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return btoa(binary);
  }

  /** One request of the data protocol. @param {any} request @param {AbortSignal} [signal] @returns {Promise<any>} */
  async function ask(request, signal) {
    const body = text(request, "the request", asColumn);
    try {
      return JSON.parse(await member((b) => b.call(body), signal));
    } catch (e) {
      // Perhaps this peer is no owner any more: then the page should know it too.
      if (e instanceof GoopError && e.code === "forbidden" && identity.role === "owner") arrive();
      throw e;
    }
  }

  /** @param {string} op @param {string} table @param {any} [query] */
  const queryOf = (op, table, query = {}) => {
    const { signal, ...rest } = query;
    return { ...rest, op, table };
  };

  /** A page of rows, with the cursor behind it, which is no row. @param {any} answer */
  const page = ({ rows, cursor }) => Object.defineProperty(rows, "cursor", { value: cursor });

  /** What a writing op resolves with, of its answer. @param {string} op @param {any} answer @returns {any} */
  function outcome(op, answer) {
    switch (op) {
      case "insertMany": return answer.rows;
      case "updateWhere": return answer.updated;
      case "removeWhere": return answer.removed;
      case "remove": return undefined;
      case "insert": case "update": case "increment": return answer.row;
    }
    const { id, ...rest } = answer;
    return rest;
  }

  /** @param {any} request @param {any} [options] */
  async function change(request, options = {}) {
    if (options.key !== undefined) request.key = options.key;
    return outcome(request.op, await ask(request, options.signal));
  }

  const data = {
    /** @param {string} table @param {any} [q] */
    query: async (table, q) => page(await ask(queryOf("query", table, q), q?.signal)),
    /** @param {string} table @param {any} [q] */
    async *each(table, q) {
      let after;
      do {
        const rows = await data.query(table, after === undefined ? q : { ...q, after });
        yield* rows;
        after = rows.cursor;
      } while (after !== undefined);
    },
    /** @param {string} table @param {any} id @param {any} [o] */
    get: async (table, id, o) => (await ask(queryOf("get", table, { ...o, row: id }), o?.signal)).row,
    /** @param {string} table @param {any} [q] */
    count: async (table, q) => (await ask(queryOf("count", table, q), q?.signal)).count,
    /** @param {string} table @param {any} q */
    aggregate: async (table, q) => (await ask(queryOf("aggregate", table, q), q?.signal)).rows,
    /** @param {string} table @param {any} row @param {any} [o] */
    insert: (table, row, o) => change({ op: "insert", table, values: row }, o),
    /** @param {string} table @param {any[]} rows @param {any} [o] */
    insertMany: (table, rows, o) => change({ op: "insertMany", table, rows }, o),
    /** @param {string} table @param {any} id @param {any} changes @param {any} [o] */
    update: (table, id, changes, o) => change({ op: "update", table, row: id, values: changes }, o),
    /** @param {string} table @param {any} where @param {any} changes @param {any} [o] */
    updateWhere: (table, where, changes, o) => change({ op: "updateWhere", table, where, values: changes }, o),
    /** @param {string} table @param {any} id @param {any} [o] */
    remove: (table, id, o) => change({ op: "remove", table, row: id }, o),
    /** @param {string} table @param {any} where @param {any} [o] */
    removeWhere: (table, where, o) => change({ op: "removeWhere", table, where }, o),
    /** @param {string} table @param {any} row @param {any} [o] */
    upsert: (table, row, o) => change({ op: "upsert", table, values: row, on: o?.on }, o),
    /** @param {string} table @param {any} id @param {any} amounts @param {any} [o] */
    increment: (table, id, amounts, o) => change({ op: "increment", table, row: id, values: amounts }, o),
    /** @param {readonly any[]} operations @param {any} [o] @returns {Promise<any>} */
    async batch(operations, o) {
      const ops = Array.isArray(operations) ? operations.map((each) => each?.op) : [];
      const { results } = await change({ op: "batch", operations }, o);
      return results.map((/** @type {any} */ result, /** @type {number} */ i) => outcome(ops[i], result));
    },
    /** @param {string} sql @param {any[]} [params] @param {any} [o] */
    sql: (sql, params, o) => change({ op: "sql", text: sql, params }, o),
    /** @param {string} table @param {any} query @param {any} [callback] */
    async watch(table, query, callback) {
      if (typeof query === "function") [query, callback] = [{}, query];
      if (typeof callback !== "function") throw new GoopError("invalid_value", "watch needs a function that gets the rows");
      const request = text(queryOf("watch", table, query), "the query", asColumn);
      const view = new View();
      let stopped = false;
      /** @type {(() => void) | undefined} */
      let end;
      const stop = () => {
        if (stopped) return;
        stopped = true;
        query.signal?.removeEventListener("abort", stop);
        end?.();
      };
      query.signal?.addEventListener("abort", stop);
      try {
        await member(async (b) => {
          end = await b.watch(request, (answer, fresh) => {
            if (stopped) return;
            const a = JSON.parse(answer);
            if (a.error) return failed(a.error, `the watch of "${table}" has ended`);
            const change = fresh ? view.renew(a.rows) : view.change(a);
            if (change) call(callback, change);
          });
          if (stopped) end(); // given up while it began
        }, query.signal);
      } catch (e) {
        stop();
        throw e;
      }
      return stop;
    },
    tables: async () => (await ask({ op: "tables" })).tables,
    /** @param {string} table */
    schema: async (table) => (await ask({ op: "schema", table })).schema,
    /** @param {string} [table] */
    role: async (table) => ask(table === undefined ? { op: "role" } : { op: "role", table }),
  };

  /** A fault that no call of the page waits for. @param {any} e @param {string} what */
  function failed(e, what) {
    const error = e instanceof GoopError ? e : new GoopError(e.code, e.message, e);
    if (!listeners.emit("error", error)) console.warn(`Goop: ${what}:`, error.message);
  }

  /** The rows of a live query, as the host's events leave them. */
  class View {
    /** @type {Map<any, any>} */
    #rows = new Map();
    #lost = -1;

    /** The whole result: at first, after a loss of the connection, and after a move, when it is told only if it is new. @param {any[]} rows */
    renew(rows) {
      const before = this.#rows;
      const moved = this.#lost === losses;
      this.#lost = losses;
      if (moved && JSON.stringify(rows) === JSON.stringify([...before.values()])) return;
      this.#rows = new Map(rows.map((row) => [row._id, row]));
      const differs = (/** @type {any} */ row) => JSON.stringify(row) !== JSON.stringify(before.get(row._id));
      return {
        rows,
        added: rows.filter((row) => !before.has(row._id)),
        changed: rows.filter((row) => before.has(row._id) && differs(row)),
        removed: [...before.values()].filter((row) => !this.#rows.has(row._id)),
        fresh: true,
      };
    }

    /** One event. @param {any} event */
    change({ added = [], changed = [], removed = [], places, order }) {
      const gone = removed.map((/** @type {any} */ id) => this.#rows.get(id));
      for (const id of removed) this.#rows.delete(id);
      for (const row of [...changed, ...added]) this.#rows.set(row._id, row);
      if (places) {
        const placed = places.map((/** @type {any} */ [id]) => this.#rows.get(id));
        for (const [id] of places) this.#rows.delete(id);
        const rows = [...this.#rows.values()];
        places.forEach((/** @type {any} */ [, at], /** @type {number} */ i) => rows.splice(at, 0, placed[i]));
        this.#rows = new Map(rows.map((row) => [row._id, row]));
      }
      if (order) this.#rows = new Map(order.map((/** @type {any} */ id) => [id, this.#rows.get(id)]));
      return { rows: [...this.#rows.values()], added, changed, removed: gone, fresh: false };
    }
  }

  /** @type {import("./goop.d.ts").GoopAPI} */
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
})();
