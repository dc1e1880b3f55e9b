// The service worker of a host's origin at a door. It answers what the site's pages ask for with what the host itself
// answers, over one connection that the visitor (wasm/visitor) makes to it. What lies below /goop/door/ is the
// door's, and stays with the browser. Nothing that passes here is seen by the door.
"use strict";

importScripts("/goop/door/visitor.js");
importScripts(goopVisitor.assets.exec);

(() => {
  /** @typedef {import("./globals.d.ts").Visitor} Visitor */
  const worker = /** @type {any} */ (globalThis);
  const { assets, CACHE, DoorError, start } = goopVisitor;

  const DOOR = "/goop/door/";
  /** Under what the waiting page is kept. The door gives it for every address that is not its own. */
  const WAITING = "/goop/door/visit.html";
  /** What it needs, should the door be away too. */
  const KEPT = ["/goop/door/visit.js", "/goop/door/visitor.js", "/goop/door/style.css", assets.exec, assets.wasm];
  /** How long a page that is opened waits for the connection, in milliseconds, before it is told what goes on. */
  const PATIENCE = 3_000;

  /** The cache of what the host gave. */
  const SITE = "goop-door-site";
  const SITE_ENTRIES = 200;
  /** The largest answer that is kept, in bytes. */
  const SITE_BYTES = 8 << 20;
  /** The host's own files whose names change with their content. */
  const FOREVER = /^\/goop\/[a-z_]+-[0-9a-f]{20}\.(?:js|wasm)$/;

  // ---- life ---------------------------------------------------------------------------------------

  worker.addEventListener("install", (/** @type {any} */ event) => {
    worker.skipWaiting(); // it holds nothing that the one before would miss
    event.waitUntil(install());
  });

  async function install() {
    const cache = await caches.open(CACHE);
    const files = KEPT.map((url) => new Request(url, { cache: url.includes("-") ? "default" : "no-cache" }));
    const [page] = await Promise.all([fetch("/", { cache: "no-cache" }), cache.addAll(files)]);
    if (!page.ok) throw new DoorError("offline", `the door has no page: ${page.status}`);
    await cache.put(WAITING, page);
  }

  worker.addEventListener("activate", (/** @type {any} */ event) => {
    event.waitUntil(tidy().then(() => worker.clients.claim()));
  });

  /** Forgets the files of earlier versions. */
  async function tidy() {
    const cache = await caches.open(CACHE);
    for (const request of await cache.keys()) {
      const path = new URL(request.url).pathname;
      if (!KEPT.includes(path) && /-[0-9a-f]{20}\./.test(path)) await cache.delete(request);
    }
  }

  /** The page has connected: so will this one be, when the page comes again. */
  worker.addEventListener("message", (/** @type {any} */ event) => {
    if (event.data === "goop-connect") event.waitUntil(visitor().then((v) => v.connect()).catch(() => {}));
  });

  /** @type {Promise<Visitor> | undefined} */
  let running;

  /** The program, which is started by the first who needs it: the browser ends a worker that has nothing to do. */
  function visitor() {
    const forget = () => (running = undefined);
    running ??= start(async () => (await (await caches.open(CACHE)).match(assets.wasm)) ?? fetch(assets.wasm), forget).catch((e) => {
      forget();
      throw e;
    });
    return running;
  }

  // ---- answers ------------------------------------------------------------------------------------

  worker.addEventListener("fetch", (/** @type {any} */ event) => {
    const url = new URL(event.request.url);
    if (url.origin !== location.origin) return;
    if (!url.pathname.startsWith(DOOR)) event.respondWith(answer(event, url));
    else if (KEPT.includes(url.pathname)) event.respondWith(fetch(event.request).catch(() => kept(url.pathname)));
  });

  /** @param {string} path */
  async function kept(path) {
    return (await (await caches.open(CACHE)).match(path)) ?? Response.error();
  }

  /** @param {any} event @param {URL} url @returns {Promise<Response>} */
  async function answer(event, url) {
    const { request } = event;
    try {
      if (request.mode === "navigate") await connected();
      if (request.method === "GET" && url.pathname === "/goop/host.json") {
        const text = await (await visitor()).descriptor();
        return new Response(text, { headers: { "Content-Type": "application/json", "Cache-Control": "no-store" } });
      }
      if (request.method !== "GET" || request.cache === "no-store" || own(request.headers)) return (await ask(event, url)).response;
      return await remembered(event, url);
    } catch (e) {
      return refusal(request, /** @type {any} */ (e));
    }
  }

  /** Waits for the connection, but not for long: the waiting page can tell more than an empty one. */
  async function connected() {
    const late = new Promise((_, reject) => setTimeout(reject, PATIENCE, new DoorError("timeout", "the connection takes its time")));
    const there = visitor().then((v) => v.connect());
    there.catch(() => {});
    await Promise.race([there, late]);
  }

  /** Whether a page asks for parts or changes itself: then the answer is for it alone. @param {Headers} headers */
  function own(headers) {
    return ["range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"].some((name) => headers.has(name));
  }

  /** @param {Request} request @param {Error & {code?: string}} error */
  async function refusal(request, error) {
    const away = ["not_found", "offline", "timeout", "wrong_host", "closed"].includes(error.code ?? "") || !(await running?.catch(() => {}));
    const text = (/** @type {number} */ status, /** @type {string} */ body) =>
      new Response(`${body}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" } });
    if (request.mode !== "navigate" || request.method !== "GET") {
      return text(away ? 503 : 502, `The host does not answer: ${error.message}`);
    }
    if (!away) return text(502, `The host's answer could not be shown: ${error.message}`);
    // With another version of the door the page is another, too.
    const page = await fetch("/", { cache: "no-cache" }).catch(() => undefined);
    const { body, headers } = page?.ok ? page : await kept(WAITING);
    return new Response(body, { status: 503, headers });
  }

  /**
   * Asks the host.
   * @param {any} event @param {URL} url @param {string} [etag] of what is kept
   */
  async function ask(event, url, etag) {
    const { request } = event;
    const ranged = request.headers.has("range");
    const headers = ["Accept-Encoding", ranged ? "identity" : "gzip"];
    for (const [name, value] of request.headers) {
      if (name !== "accept-encoding" && name !== "cookie") headers.push(name, value);
    }
    if (etag) headers.push("If-None-Match", etag);
    const v = await visitor();
    const a = await v.fetch(request.method, url.pathname + url.search, headers, request.signal);
    try {
      return { response: build(v, a, url, event), status: a.status };
    } catch (e) {
      if (a.number) v.cancel(a.number).catch(() => {}); // nobody will read it
      throw e;
    }
  }

  /**
   * The answer as the page gets it. The browser does not decode what a service worker answers.
   * @param {Visitor} v @param {import("./globals.d.ts").VisitorAnswer} a @param {URL} url @param {any} event
   */
  function build(v, a, url, event) {
    const headers = new Headers();
    for (let i = 0; i < a.headers.length; i += 2) {
      const [name = "", value = ""] = a.headers.slice(i, i + 2);
      try {
        headers.append(name, value);
      } catch {
        // Characters that a header of a page cannot have: it goes without.
      }
    }
    /** @type {ReadableStream | null} */
    let body = a.number ? bodyOf(v, a.number, event) : null;
    const coding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
    if (coding === "gzip" && a.status !== 206) {
      body &&= body.pipeThrough(new DecompressionStream("gzip"));
      headers.delete("content-length");
    } else if (coding !== "identity") {
      body?.cancel().catch(() => {});
      throw new DoorError("bad_message", `it is encoded as ${coding}, which nobody asked for`);
    }
    headers.delete("content-encoding");
    // What a service worker answers has no address of its own, so there is nothing that this could be relative to.
    const to = headers.get("location");
    if (to !== null && URL.canParse(to, url.href)) headers.set("location", new URL(to, url.href).href);
    return new Response(body, { status: a.status, statusText: a.reason, headers });
  }

  /** @param {Visitor} v @param {number} number @param {any} event */
  function bodyOf(v, number, event) {
    /** @type {() => void} */
    let over = () => {};
    event.waitUntil(new Promise((resolve) => (over = () => resolve(undefined)))); // the worker lives as long
    let given = false; // up, by who reads it
    return new ReadableStream({
      async pull(controller) {
        try {
          const chunk = await v.read(number);
          if (given) return;
          if (chunk) return controller.enqueue(chunk);
          controller.close();
        } catch (e) {
          if (!given) controller.error(e);
        }
        over();
      },
      cancel() {
        given = true;
        over();
        return v.cancel(number);
      },
    }, { highWaterMark: 0 });
  }

  // ---- what is kept of the host -------------------------------------------------------------------

  /**
   * Answers from what is kept, where the host says that it is still right. The browser's own cache stands in front of the
   * network, and a service worker instead of it: so there would be none.
   * @param {any} event @param {URL} url
   */
  async function remembered(event, url) {
    const cache = await caches.open(SITE).catch(() => undefined);
    const found = event.request.cache === "reload" ? undefined : await cache?.match(event.request.url);
    if (found && FOREVER.test(url.pathname)) return found;
    const { response, status } = await ask(event, url, found?.headers.get("etag") ?? undefined);
    if (status === 304 && found) {
      const headers = new Headers(found.headers);
      for (const [name, value] of response.headers) headers.set(name, value);
      return new Response(found.body, { status: 200, headers });
    }
    const large = Number(response.headers.get("content-length")) > SITE_BYTES;
    if (!cache || status !== 200 || large || !response.headers.has("etag") || response.headers.get("cache-control")?.includes("no-store")) return response;
    event.waitUntil(keep(cache, event.request.url, response.clone()).catch(() => {}));
    return response;
  }

  /** @param {Cache} cache @param {string} url @param {Response} response */
  async function keep(cache, url, response) {
    let size = 0;
    const bounded = response.body?.pipeThrough(new TransformStream({
      transform(chunk, controller) {
        if ((size += chunk.length) > SITE_BYTES) controller.error(new RangeError("too large to be kept"));
        else controller.enqueue(chunk);
      },
    }));
    await cache.put(url, new Response(bounded, response));
    const keys = await cache.keys();
    for (const old of keys.slice(0, Math.max(0, keys.length - SITE_ENTRIES))) await cache.delete(old);
  }
})();
