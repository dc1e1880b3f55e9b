// Made by ./build.sh bundle of the modules in js/goop, which have the comments. What it offers is in goop.d.ts.
"use strict";
(() => {
  // js/goop/error.js
  var GoopError = class extends Error {
    /**
     * @param {ErrorCode} code
     * @param {string} message
     * @param {{id?: string, retryAfter?: number, seq?: number, unsent?: import("../goop.d.ts").Unsent}} [detail]
     */
    constructor(code, message, detail) {
      super(message || code);
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
  };

  // js/goop/events.js
  var report = (e) => "reportError" in globalThis ? reportError(e) : queueMicrotask(() => {
    throw e;
  });
  function call(fn, event) {
    try {
      const result = (
        /** @type {any} */
        fn(event)
      );
      if (result && typeof result.catch === "function") result.catch(report);
    } catch (e) {
      report(e);
    }
  }
  var Listeners = class {
    /** @type {Map<string, ((event: any) => void)[]>} */
    #byType = /* @__PURE__ */ new Map();
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
    /** An error that no call of the page waits for; the console has it when nobody listens. @param {GoopError} error @param {string} what */
    fail(error, what) {
      if (!this.emit("error", error)) console.warn(`Goop: ${what}:`, error.message);
    }
  };
  var listeners = new Listeners(["status", "me", "error", "invited"]);
  function failed(e, what) {
    listeners.fail(e instanceof GoopError ? e : new GoopError(e.code, e.message, e), what);
  }

  // js/goop/preconnect.js
  function preconnect(transport) {
    let begun;
    const descriptor = fetch(`${location.origin}/goop/host.json`, { cache: "no-store", redirect: "error" }).then((response) => {
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.text();
    });
    descriptor.then((json) => {
      const [first] = JSON.parse(json).webtransport ?? [];
      if (!first || transport === "websocket" || !("WebTransport" in globalThis)) return;
      const serverCertificateHashes = first.certhashes.map((hex) => ({ algorithm: "sha-256", value: Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)) }));
      const session = new WebTransport(first.url, { serverCertificateHashes });
      begun = { url: first.url, session };
      session.ready.catch(() => {
      });
      session.closed.catch(() => {
      }).then(() => {
        if (begun?.session === session) begun = void 0;
      });
    }).catch(() => {
    });
    const take = () => {
      const taken = begun;
      begun = void 0;
      return taken;
    };
    return {
      descriptor,
      session(url) {
        return begun?.url === url ? take()?.session : void 0;
      },
      drop: () => take()?.session.close()
    };
  }

  // js/goop/loader.js
  var ASSETS = __GOOP_ASSETS__;
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
  function turn() {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  }
  async function load(told, ended) {
    const loading = Promise.all([compile(ASSETS.wasm), import(ASSETS.exec)]);
    const transport = new URLSearchParams(location.search).get("goop-transport") ?? "";
    const early = preconnect(transport);
    try {
      const [module] = await loading;
      const go = new globalThis.Go();
      const instance = await WebAssembly.instantiate(module, go.importObject);
      await turn();
      return await new Promise((resolve, reject) => {
        let over = reject;
        globalThis.goopStart = {
          base: location.origin,
          transport,
          early,
          GoopError: (
            /** @type {any} */
            GoopError
          ),
          ready: (bridge2) => {
            over = ended;
            resolve(bridge2);
          },
          ...told
        };
        go.run(instance).then(() => over(new Error("it ended")), (e) => over(e));
        delete /** @type {any} */
        globalThis.goopStart;
      });
    } catch (e) {
      early.drop();
      throw e;
    }
  }

  // js/goop/json.js
  var put = (o, k, v) => Object.defineProperty(o, k, { value: v, writable: true, enumerable: true, configurable: true });
  var isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);
  function freeze(v) {
    if (typeof v === "object" && v !== null && !Object.isFrozen(v)) {
      Object.freeze(v);
      for (const inner of Object.values(v)) freeze(inner);
    }
    return v;
  }
  function merge(target, patch) {
    if (!isObject(patch)) return freeze(patch);
    const out = {};
    if (isObject(target)) for (const [k, v] of Object.entries(target)) put(out, k, v);
    for (const [k, v] of Object.entries(patch)) {
      if (v === null) delete /** @type {any} */
      out[k];
      else put(out, k, merge(Object.hasOwn(out, k) ? (
        /** @type {any} */
        out[k]
      ) : void 0, v));
    }
    return Object.freeze(out);
  }
  function text(value, what, replacer) {
    let s;
    try {
      s = JSON.stringify(value, replacer);
    } catch (e) {
      if (e instanceof GoopError) throw e;
      throw new GoopError("invalid_value", `${what} cannot be written as JSON: ${/** @type {Error} */
      e.message}`);
    }
    if (s === void 0) throw new GoopError("invalid_value", `${what} is ${typeof value}, which JSON does not have`);
    return s;
  }
  function plain(value, what) {
    if (!isObject(value)) throw new GoopError("invalid_value", `${what} has to be an object such as {label: "Ann"}`);
    return JSON.parse(text(value, what));
  }

  // js/goop/registry.js
  var groups = /* @__PURE__ */ new Map();

  // js/goop/identity.js
  var identity = { meta: Object.freeze({}) };
  var hostInfo = {};
  var me = {
    get peer() {
      return identity.peer;
    },
    get session() {
      return identity.session;
    },
    get role() {
      return identity.role;
    },
    get label() {
      return typeof identity.meta.label === "string" ? identity.meta.label : "";
    },
    get meta() {
      return identity.meta;
    },
    /** @param {any} meta */
    async set(meta) {
      identity.meta = merge(identity.meta, plain(meta, "meta"));
      listeners.emit("me", me);
      await Promise.all([...groups.values()].map((g) => g.refreshMeta()));
    }
  };

  // js/goop/status.js
  var status = Object.freeze({ state: "starting" });
  var losses = 0;
  var resolveReady = () => {
  };
  var rejectReady = () => {
  };
  var ready = new Promise((resolve, reject) => [resolveReady, rejectReady] = [resolve, reject]);
  ready.catch(() => {
  });
  function setStatus(next) {
    status = Object.freeze(next);
    listeners.emit("status", status);
  }
  function takeStatus(said) {
    const { peer, host, name, version, session, error, ...rest } = JSON.parse(said);
    if (error) rest.error = new GoopError(error.code, error.message, error);
    if (peer) identity.peer = peer;
    if (session) identity.session = session;
    if (host) Object.assign(hostInfo, { peer: host, name, version });
    const cameUp = rest.state === "online" && status.state !== "online";
    if (rest.state !== "online") losses++;
    setStatus(rest);
    if (rest.error?.code === "wrong_host") rejectReady(rest.error);
    return cameUp;
  }

  // js/goop/member.js
  var fault;
  var bridge;
  var started;
  var waiting = /* @__PURE__ */ new Set();
  var posts = [];
  var lastPost = 0;
  var posted = /* @__PURE__ */ new Map();
  var onFault;
  function start(onStatus, ended) {
    onFault = ended;
    started = load({ outcomes: onOutcomes, status: onStatus }, (e) => fail("Goop has stopped", e)).then(
      (b) => {
        if (fault) throw fault;
        bridge = b;
        b.visible(document.visibilityState !== "hidden");
        return b;
      },
      (e) => {
        fail("Goop could not start", e);
        throw fault;
      }
    );
    started.catch(() => {
    });
    addEventListener("online", () => bridge?.wake());
    navigator.connection?.addEventListener("change", () => bridge?.wake());
    addEventListener("pageshow", () => bridge?.wake());
    addEventListener("pagehide", () => bridge?.suspend());
    document.addEventListener("visibilitychange", () => bridge?.visible(document.visibilityState !== "hidden"));
  }
  function fail(why, cause) {
    if (fault) return;
    fault = new GoopError("internal", `${why}: ${cause instanceof Error ? cause.message : cause}. Reload the page.`);
    fault.cause = cause;
    bridge = void 0;
    for (const reject of waiting) reject(fault);
    waiting.clear();
    for (const { reject } of posted.values()) reject(fault);
    posted.clear();
    setStatus({ state: "closed", error: fault });
    rejectReady(fault);
    onFault(fault);
  }
  function answer(signal, begin2) {
    return new Promise((resolve, reject) => {
      if (fault) return reject(fault);
      if (!signal) return begin2(resolve, reject);
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        forget();
        reject(signal.reason);
      };
      const heard = (how) => (v) => {
        signal.removeEventListener("abort", abort);
        how(v);
      };
      const forget = begin2(heard(resolve), heard(reject));
      signal.addEventListener("abort", abort);
    });
  }
  function member(fn, signal) {
    return answer(signal, (resolve, reject) => {
      const forget = () => waiting.delete(reject);
      waiting.add(reject);
      started.then(fn).then(resolve, reject).finally(forget);
      return forget;
    });
  }
  function post(entry, signal) {
    return answer(signal, (resolve, reject) => {
      const n = ++lastPost;
      if (posts.push(`{"n":${n},${entry}}`) === 1) queueMicrotask(flushPosts);
      posted.set(n, { resolve, reject });
      return () => posted.delete(n);
    });
  }
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
  function onOutcomes(outcomes) {
    for (const [n, seq, time] of JSON.parse(outcomes)) {
      const waits = posted.get(n);
      posted.delete(n);
      if (time !== void 0) waits?.resolve({ seq, time });
      else waits?.reject(new GoopError(seq.code, seq.message, seq));
    }
  }

  // js/goop/request.js
  function asColumn(key, value) {
    const given = this[key];
    if (given instanceof Date) {
      if (Number.isNaN(given.getTime())) throw new GoopError("invalid_value", `"${key}" is an invalid Date`);
      return given.getTime();
    }
    const bytes = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
    if (!(bytes instanceof Uint8Array)) return value;
    let binary = "";
    for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(binary);
  }
  var requestText = (body, what) => text(body, what, asColumn);
  function queryOf(op, table, query = {}) {
    const { signal, ...rest } = query;
    return { ...rest, op, table };
  }
  async function request(body, signal) {
    const line = requestText(body, "the request");
    return JSON.parse(await member((b) => b.call(line), signal));
  }

  // js/goop/livequery.js
  var View = class {
    /** @type {Map<any, any>} */
    #rows = /* @__PURE__ */ new Map();
    #lost = -1;
    /** The whole result: at first, after a loss of the connection, and after a move, when it is told only if it is new. @param {any[]} rows */
    renew(rows) {
      const before = this.#rows;
      const moved = this.#lost === losses;
      this.#lost = losses;
      if (moved && JSON.stringify(rows) === JSON.stringify([...before.values()])) return;
      this.#rows = new Map(rows.map((row) => [row._id, row]));
      const differs = (row) => JSON.stringify(row) !== JSON.stringify(before.get(row._id));
      return {
        rows,
        added: rows.filter((row) => !before.has(row._id)),
        changed: rows.filter((row) => before.has(row._id) && differs(row)),
        removed: [...before.values()].filter((row) => !this.#rows.has(row._id)),
        fresh: true
      };
    }
    /** One event. @param {any} event */
    change({ added = [], changed = [], removed = [], places, order }) {
      const gone = removed.map((id) => this.#rows.get(id));
      for (const id of removed) this.#rows.delete(id);
      for (const row of [...changed, ...added]) this.#rows.set(row._id, row);
      if (places) {
        const placed = places.map(([id]) => this.#rows.get(id));
        for (const [id] of places) this.#rows.delete(id);
        const rows = [...this.#rows.values()];
        places.forEach(([, at], i) => rows.splice(at, 0, placed[i]));
        this.#rows = new Map(rows.map((row) => [row._id, row]));
      }
      if (order) this.#rows = new Map(order.map((id) => [id, this.#rows.get(id)]));
      return { rows: [...this.#rows.values()], added, changed, removed: gone, fresh: false };
    }
  };
  async function watch(table, query, callback) {
    if (typeof query === "function") [query, callback] = [{}, query];
    if (typeof callback !== "function") throw new GoopError("invalid_value", "watch needs a function that gets the rows");
    const line = requestText(queryOf("watch", table, query), "the query");
    const view = new View();
    let stopped = false;
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
        end = await b.watch(line, (answer2, fresh) => {
          if (stopped) return;
          const a = JSON.parse(answer2);
          if (a.error) return failed(a.error, `the watch of "${table}" has ended`);
          const change = fresh ? view.renew(a.rows) : view.change(a);
          if (change) call(callback, change);
        });
        if (stopped) end();
      }, query.signal);
    } catch (e) {
      stop();
      throw e;
    }
    return stop;
  }

  // js/goop/links.js
  var INVITE = "goop-invite";
  var inviteLink = "";
  var ownerSecret = "";
  function takeLinks() {
    inviteLink = stored();
    takeOwner();
    takeInvite();
  }
  function takeOwner() {
    const secret = takeFragment("goop-owner");
    if (secret) ownerSecret = secret;
    return !!secret;
  }
  function forgetOwner(secret) {
    if (ownerSecret === secret) ownerSecret = "";
  }
  function takeInvite() {
    const link = takeFragment("goop-invite");
    if (link) keepInvite(link);
    return !!link;
  }
  function keepInvite(link) {
    inviteLink = link;
    try {
      if (link) sessionStorage.setItem(INVITE, link);
      else sessionStorage.removeItem(INVITE);
    } catch {
    }
  }
  function stored() {
    try {
      return sessionStorage.getItem(INVITE) ?? "";
    } catch {
      return "";
    }
  }
  function invitation() {
    const at = inviteLink.lastIndexOf(".");
    return at > 0 ? { group: inviteLink.slice(0, at), token: inviteLink.slice(at + 1) } : void 0;
  }
  function takeFragment(name) {
    const parts = location.hash.slice(1).split("&");
    const found = parts.find((p) => p.startsWith(name + "="));
    if (found === void 0) return "";
    const rest = parts.filter((p) => p !== found).join("&");
    history.replaceState(history.state, "", location.pathname + location.search + (rest && "#" + rest));
    try {
      return decodeURIComponent(found.slice(name.length + 1));
    } catch {
      return "";
    }
  }

  // js/goop/role.js
  async function arrive() {
    try {
      if (ownerSecret) {
        const secret = ownerSecret;
        try {
          await request({ op: "claim", secret });
        } catch (e) {
          failed(e, "the owner link was refused");
        }
        forgetOwner(secret);
      }
      const { role } = await request({ op: "role" });
      if (role !== identity.role) {
        identity.role = role;
        listeners.emit("me", me);
      }
      resolveReady();
    } catch (e) {
      if (!fault) report(e);
    }
  }
  async function ask(body, signal) {
    try {
      return await request(body, signal);
    } catch (e) {
      if (e instanceof GoopError && e.code === "forbidden" && identity.role === "owner") arrive();
      throw e;
    }
  }

  // js/goop/data.js
  var page = ({ rows, cursor }) => Object.defineProperty(rows, "cursor", { value: cursor });
  function outcome(op, answer2) {
    switch (op) {
      case "insertMany":
        return answer2.rows;
      case "updateWhere":
        return answer2.updated;
      case "removeWhere":
        return answer2.removed;
      case "remove":
        return void 0;
      case "insert":
      case "update":
      case "increment":
        return answer2.row;
    }
    const { id, ...rest } = answer2;
    return rest;
  }
  async function write(body, options = {}) {
    if (options.key !== void 0) body.key = options.key;
    return outcome(body.op, await ask(body, options.signal));
  }
  var data = {
    /** @param {string} table @param {any} [q] */
    query: async (table, q) => page(await ask(queryOf("query", table, q), q?.signal)),
    /** @param {string} table @param {any} [q] */
    async *each(table, q) {
      let after;
      do {
        const rows = await data.query(table, after === void 0 ? q : { ...q, after });
        yield* rows;
        after = rows.cursor;
      } while (after !== void 0);
    },
    /** @param {string} table @param {any} id @param {any} [o] */
    get: async (table, id, o) => (await ask(queryOf("get", table, { ...o, row: id }), o?.signal)).row,
    /** @param {string} table @param {any} [q] */
    count: async (table, q) => (await ask(queryOf("count", table, q), q?.signal)).count,
    /** @param {string} table @param {any} q */
    aggregate: async (table, q) => (await ask(queryOf("aggregate", table, q), q?.signal)).rows,
    /** @param {string} table @param {any} row @param {any} [o] */
    insert: (table, row, o) => write({ op: "insert", table, values: row }, o),
    /** @param {string} table @param {any[]} rows @param {any} [o] */
    insertMany: (table, rows, o) => write({ op: "insertMany", table, rows }, o),
    /** @param {string} table @param {any} id @param {any} changes @param {any} [o] */
    update: (table, id, changes, o) => write({ op: "update", table, row: id, values: changes }, o),
    /** @param {string} table @param {any} where @param {any} changes @param {any} [o] */
    updateWhere: (table, where, changes, o) => write({ op: "updateWhere", table, where, values: changes }, o),
    /** @param {string} table @param {any} id @param {any} [o] */
    remove: (table, id, o) => write({ op: "remove", table, row: id }, o),
    /** @param {string} table @param {any} where @param {any} [o] */
    removeWhere: (table, where, o) => write({ op: "removeWhere", table, where }, o),
    /** @param {string} table @param {any} row @param {any} [o] */
    upsert: (table, row, o) => write({ op: "upsert", table, values: row, on: o?.on }, o),
    /** @param {string} table @param {any} id @param {any} amounts @param {any} [o] */
    increment: (table, id, amounts, o) => write({ op: "increment", table, row: id, values: amounts }, o),
    /** @param {readonly any[]} operations @param {any} [o] @returns {Promise<any>} */
    async batch(operations, o) {
      const ops = Array.isArray(operations) ? operations.map((each) => each?.op) : [];
      const { results } = await write({ op: "batch", operations }, o);
      return results.map((result, i) => outcome(ops[i], result));
    },
    /** @param {string} sql @param {any[]} [params] @param {any} [o] */
    sql: (sql, params, o) => write({ op: "sql", text: sql, params }, o),
    watch,
    tables: async () => (await ask({ op: "tables" })).tables,
    /** @param {string} table */
    schema: async (table) => (await ask({ op: "schema", table })).schema,
    /** @param {string} [table] */
    role: async (table) => ask(table === void 0 ? { op: "role" } : { op: "role", table })
  };

  // js/goop/grouprequests.js
  var requests = {
    /** @param {any} config */
    create: async (config) => (await ask({ op: "group.create", config: plain(config, "the group") })).group,
    /** @param {string} id @param {any} changes */
    update: async (id, changes) => (await ask({ op: "group.update", group: id, set: plain(changes, "the changes") })).group,
    /** @param {string} id */
    close: async (id) => void await ask({ op: "group.close", group: id }),
    /** @param {string} id @param {any} [options] */
    invite: async (id, { as, expires, signal, ...options } = {}) => {
      const body = { ...options, op: "group.invite", group: id };
      if (as !== void 0) body.role = as;
      if (expires !== void 0) body.expires = expires instanceof Date ? expires.getTime() : expires;
      return (await ask(body, signal)).invite;
    },
    /** @param {string} id @param {string} idOrToken */
    revoke: async (id, idOrToken) => {
      const which = /^[0-9a-f]{16}$/.test(idOrToken) ? { invite: idOrToken } : { token: idOrToken };
      await ask({ op: "group.revoke", group: id, ...which });
    },
    /** @param {string} id @param {string} peer @param {{message?: string}} [options] */
    kick: async (id, peer, { message } = {}) => void await ask({ op: "group.kick", group: id, peer, message }),
    /** @param {string} id @param {string} peer @param {{message?: string}} [options] */
    ban: async (id, peer, { message } = {}) => void await ask({ op: "group.ban", group: id, peer, message }),
    /** @param {string} id @param {string} peer */
    unban: async (id, peer) => void await ask({ op: "group.unban", group: id, peer }),
    /** @param {string} id @param {string} peer @param {string} role */
    setRole: async (id, peer, role) => void await ask({ op: "group.setRole", group: id, peer, role }),
    /** @param {string} id @param {any} [options] */
    history: async (id, { signal, ...options } = {}) => {
      const { rows } = await ask({ ...options, op: "group.history", group: id }, signal);
      return rows.map(({ redact, ...row }) => redact ? { ...row, type: "redact", group: id, target: redact } : { ...row, group: id });
    },
    /** @param {string} id @param {{seq: number}} [g] the group, if the page has joined it */
    stats: async (id, g = groups.get(id)) => {
      const { stats } = await ask({ op: "group.stats", group: id });
      const lag = g && { lag: Math.max(0, stats.seq - g.seq) };
      return { ...stats, ...lag, rtt: bridge?.rtt() || void 0 };
    }
  };

  // js/goop/iteration.js
  var BOUND = 1e4;
  var Iteration = class {
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
      if (this.#queue.length > BOUND) this.#giveUp();
    }
    /** The loop does not keep up: half of what waits becomes one gap. */
    #giveUp() {
      const lost = this.#queue.splice(0, BOUND / 2);
      const seqs = lost.flatMap((e) => e.type === "gap" ? [e.from, e.to] : e.seq ? [e.seq] : []);
      this.#queue.unshift({ type: "gap", group: this.#id, from: seqs[0] ?? 0, to: seqs.at(-1) ?? 0 });
    }
    end() {
      this.#ended = true;
      for (const next of this.#waiting.splice(0)) next({ value: void 0, done: true });
    }
    /** @returns {Promise<IteratorResult<any>>} */
    next() {
      if (this.#queue.length) return Promise.resolve({ value: this.#queue.shift(), done: false });
      if (this.#ended) return Promise.resolve({ value: void 0, done: true });
      return new Promise((resolve) => this.#waiting.push(resolve));
    }
    /** @returns {Promise<IteratorResult<any>>} */
    return() {
      this.#stop();
      this.#queue = [];
      this.end();
      return Promise.resolve({ value: void 0, done: true });
    }
  };

  // js/goop/group.js
  var PASSING = ["offline", "timeout", "rate_limited", "internal", "closed"];
  var Group = class {
    #listeners = new Listeners(["msg", "state", "redact", "gap", "close", "members", "error"]);
    /** @type {Set<Iteration>} */
    #iterations = /* @__PURE__ */ new Set();
    /** @type {Map<string, Member>} */
    #roster = /* @__PURE__ */ new Map();
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
      this.#ownMeta = options.meta === void 0 ? void 0 : plain(options.meta, "meta");
      const link = invitation();
      const followed = options.invite === void 0 && link?.group === id ? link.token : void 0;
      const body = text({ invite: options.invite ?? followed ?? "", meta: this.#meta() }, "the options of join");
      this.joined = member(async (b) => {
        this.#session = await b.join(id, body, (frames) => this.#deliver(frames));
        return this;
      });
      this.joined.then(() => true, (e) => {
        this.#forget();
        return e instanceof GoopError && !PASSING.includes(e.code);
      }).then((over) => {
        if (over && followed && invitation()?.token === followed) keepInvite("");
      });
    }
    get id() {
      return this.#id;
    }
    get name() {
      return this.#welcome.name;
    }
    get role() {
      return this.#welcome.you.role;
    }
    get rights() {
      return this.#welcome.you.rights;
    }
    get durable() {
      return this.#welcome.durable;
    }
    get access() {
      return this.#welcome.access;
    }
    get maxMembers() {
      return this.#welcome.maxMembers;
    }
    get limits() {
      return this.#welcome.limits;
    }
    get state() {
      return this.#state;
    }
    get seq() {
      return this.#seq;
    }
    get count() {
      return this.#count;
    }
    get closed() {
      return this.#closed;
    }
    get waiting() {
      return bridge && this.#session !== void 0 ? bridge.waiting(this.#session) : 0;
    }
    get members() {
      return this.#members ??= [...this.#roster.values()];
    }
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
    history(options) {
      return requests.history(this.#id, options);
    }
    stats() {
      return requests.stats(this.#id);
    }
    /** @param {any} [options] */
    invite(options) {
      return requests.invite(this.#id, options);
    }
    /** @param {string} idOrToken */
    revoke(idOrToken) {
      return requests.revoke(this.#id, idOrToken);
    }
    /** @param {string} peer @param {any} [options] */
    kick(peer, options) {
      return requests.kick(this.#id, peer, options);
    }
    /** @param {string} peer @param {any} [options] */
    ban(peer, options) {
      return requests.ban(this.#id, peer, options);
    }
    /** @param {string} peer */
    unban(peer) {
      return requests.unban(this.#id, peer);
    }
    /** @param {string} peer @param {string} role */
    setRole(peer, role) {
      return requests.setRole(this.#id, peer, role);
    }
    /** @param {any} changes */
    update(changes) {
      return requests.update(this.#id, changes);
    }
    close() {
      return requests.close(this.#id);
    }
    /** The session's number, while there is one. */
    #open() {
      if (this.#closed || this.#session === void 0) {
        throw new GoopError("closed", `the group "${this.#id}" is not joined any more`);
      }
      return this.#session;
    }
    async leave() {
      const session = this.#session;
      if (this.#closed || session === void 0) return;
      this.#end({ type: "close", group: this.#id, reason: "left" });
      await member((b) => b.leave(session));
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
      await this.joined.catch(() => {
      });
      const session = this.#session;
      if (this.#closed || session === void 0) return;
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
        case "gap":
          return this.#pass({ type: "gap", group: this.#id, from: f.from + 1, to: f.to });
        case "close":
          return this.#end({ type: "close", group: this.#id, ...f.payload });
        case "error": {
          if (this.#session === void 0) return;
          const error = new GoopError(f.payload.code, f.payload.message, { ...f.payload, unsent: f.unsent });
          if (f.payload.fatal) this.fail(error);
          else this.#listeners.fail(error, `group "${this.#id}"`);
        }
      }
    }
    /** The group ends, for the reason that an error names. @param {any} error */
    fail(error) {
      if (this.#session === void 0) return this.#forget();
      this.#listeners.fail(error, `group "${this.#id}"`);
      this.#end({ type: "close", group: this.#id, reason: error.code, message: error.message });
    }
    /** @param {any} w */
    #takeWelcome(w) {
      const { members, more, count, state, seq, rosterVersion, ...rest } = w;
      const again = this.#welcome.epoch !== void 0;
      this.#welcome = rest;
      this.#seq = seq;
      if (!w.resumed) this.#state = freeze(state ?? {});
      const before = this.#lost === losses && again ? this.#people() : void 0;
      this.#lost = losses;
      this.#roster.clear();
      this.#takeMembers({ members, more, count, version: rosterVersion }, before);
      if (again && !w.resumed) this.#pass({ type: "state", group: this.#id, seq, state: this.#state });
    }
    #people() {
      return JSON.stringify([this.#count, ...this.#roster.values()]);
    }
    /** @param {any} r @param {string} [before] the same again is nothing to tell of */
    #takeMembers(r, before) {
      if (r.members) {
        if (this.#unfinished !== r.version || !r.members.length) this.#roster.clear();
        for (const m of r.members) this.#roster.set(m.peer, m);
        this.#unfinished = r.more ? r.version : void 0;
      }
      const same = !r.members && !r.you && !r.joined?.length && !r.left?.length && r.count === this.#count && r.updated?.every((m) => JSON.stringify(m) === JSON.stringify(this.#roster.get(m.peer)));
      for (const m of r.joined ?? []) this.#roster.set(m.peer, m);
      for (const m of r.updated ?? []) this.#roster.set(m.peer, m);
      for (const d of r.left ?? []) this.#roster.delete(d.peer);
      if (r.you) this.#welcome = { ...this.#welcome, you: r.you };
      this.#count = r.count;
      this.#members = void 0;
      if (!this.#unfinished && !same && (before === void 0 || before !== this.#people())) {
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
      else return;
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
  };

  // js/goop/groups.js
  var joins = [];
  function current() {
    return joins.at(-1) ?? Promise.reject(new GoopError("no_such_group", "no group is joined: call Goop.group.join(id) first"));
  }
  var group = {
    ...requests,
    /** @param {string} id @param {((event: any) => void) | null} [callback] @param {any} [options] */
    join(id, callback, options = {}) {
      const joining = (async () => {
        if (typeof id !== "string" || !id) throw new GoopError("invalid_value", `join needs a group's id such as "lobby"`);
        if (callback && typeof callback !== "function") throw new GoopError("invalid_value", "the second argument of join is a function");
        const known = groups.get(id);
        const g = known ?? new Group(id, options);
        if (!known) groups.set(id, g);
        g.addCallback(callback);
        if (!options.signal) return g.joined;
        return member(() => g.joined, options.signal).catch((e) => {
          if (!known && options.signal.aborted) g.joined.then(() => g.leave()).catch(() => {
          });
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
    get invited() {
      return invitation()?.group;
    },
    /** @param {string} [id] */
    stats: async (id) => {
      if (id !== void 0) return requests.stats(id);
      const g = await current();
      return requests.stats(g.id, g);
    }
  };

  // js/goop/main.js
  function begin() {
    start((said) => {
      if (takeStatus(said)) arrive();
    }, (fault2) => {
      for (const g of [...groups.values()]) g.fail(fault2);
    });
    takeLinks();
    addEventListener("hashchange", () => {
      if (takeInvite()) listeners.emit("invited", invitation()?.group);
      if (takeOwner() && status.state === "online") arrive();
    });
    const Goop = {
      group: (
        /** @type {any} */
        group
      ),
      data,
      me: (
        /** @type {any} */
        me
      ),
      host: (
        /** @type {any} */
        hostInfo
      ),
      get status() {
        return bridge && status.state === "online" ? { ...status, rtt: bridge.rtt() || void 0 } : status;
      },
      ready,
      now: () => bridge ? bridge.now() : Date.now(),
      get clock() {
        const within = bridge?.within() ?? -1;
        return { now: Goop.now(), error: within < 0 ? void 0 : within };
      },
      reach: async (options) => (await ask({ op: "reach" }, options?.signal)).links,
      on: (type, listener) => listeners.on(type, listener),
      GoopError: (
        /** @type {any} */
        GoopError
      )
    };
    globalThis.Goop = Object.freeze(Goop);
  }
  if (!globalThis.Goop) begin();
})();
