// The page that is seen at a host's address until its own pages come: on the first visit, while the host is away, and when
// the browser wants to be asked. It connects itself, because a browser asks people only about pages that they see;
// then it comes again through the service worker, with the same address.
"use strict";

(() => {
  const { assets, start } = goopVisitor;
  /** Pauses between tries, in milliseconds: the first and the longest. */
  const PAUSES = [1_500, 15_000];
  /** How often this page may come again within a minute before it asks. */
  const RELOADS = 3;
  const RELOADED = "goop-door-reloaded";

  /** @param {string} id */
  const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

  /** Shows one of the views. @param {string} view */
  function show(view) {
    if (document.body.dataset.view === view) return;
    document.body.dataset.view = view;
    for (const section of document.querySelectorAll("section")) section.hidden = section.dataset.view !== view;
    document.title = document.querySelector(`section[data-view="${view}"] h1`)?.textContent ?? "";
  }

  /** Resolves when somebody presses a button. @param {string} id */
  const pressed = (id) => new Promise((resolve) => byId(id).addEventListener("click", resolve, { once: true }));

  // ---- the browser's permission --------------------------------------------------------------------

  /** What the browser says about local addresses: undefined where it does not ask. @param {"network" | "device"} near */
  async function permission(near) {
    for (const name of [near === "device" ? "loopback-network" : "local-network", "local-network-access"]) {
      try {
        return await navigator.permissions.query({ name: /** @type {any} */ (name) });
      } catch {
        // It does not know this name.
      }
    }
    return undefined;
  }

  /**
   * Explains what the browser is about to ask, if it will.
   * @param {"" | "network" | "device"} near
   * @returns {Promise<PermissionStatus | undefined>} undefined where there is nothing to ask for
   */
  async function consent(near) {
    // A page that comes from this device itself may reach it anyway.
    const status = near && !location.hostname.endsWith(".localhost") ? await permission(near) : undefined;
    if (status?.state !== "prompt") return status;
    byId("where").textContent = near === "device" ? "this very device" : "a computer in your own network";
    show("ask");
    await Promise.race([pressed("go"), changed(status)]);
    show("connecting");
    byId("asking").hidden = false;
    return status;
  }

  /** @param {PermissionStatus} status */
  const changed = (status) => new Promise((resolve) => status.addEventListener("change", resolve, { once: true }));

  // ---- the way --------------------------------------------------------------------------------------

  /** Resolves when it makes sense to try again: after a pause, or when the network or the reader is back. @param {number} pause */
  async function rest(pause) {
    const controller = new AbortController();
    const { signal } = controller;
    let timer;
    await new Promise((resolve) => {
      timer = setTimeout(resolve, pause * (0.75 + Math.random() / 2));
      addEventListener("online", resolve, { signal });
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && resolve(undefined), { signal });
    });
    clearTimeout(timer);
    controller.abort();
  }

  /** Tries until there is a connection. @param {() => Promise<import("./globals.d.ts").Visitor>} visitor */
  async function reach(visitor) {
    for (let pause = PAUSES[0] ?? 0; ; pause = Math.min(pause * 1.5, PAUSES[1] ?? 0)) {
      /** @type {PermissionStatus | undefined} */
      let status;
      try {
        const v = await visitor();
        status = await consent((await v.look()).near);
        return void (await v.connect());
      } catch (e) {
        if (status?.state === "denied") {
          show("denied");
          await Promise.race([pressed("again-denied"), changed(status)]);
          show("connecting");
          continue;
        }
        if (status?.state === "prompt") continue; // nobody has answered yet
        await explain(/** @type {any} */ (e));
      }
      await rest(pause);
    }
  }

  /** @param {Error & {code?: string}} error */
  async function explain({ code, message }) {
    console.info(`Goop: ${message}`);
    switch (code) {
      case "not_found":
        return show("away");
      case "wrong_host":
      case "bad_message":
        byId("fault").textContent = message;
        show("forged");
        return void (await pressed("again-forged"));
      case "offline":
      case "timeout":
        byId("why").textContent = message;
        return show(/door does not answer/.test(message) ? "offline" : "unreachable");
    }
    byId("why").textContent = message;
    show("unreachable");
  }

  /** Comes again, now through the service worker; not over and over, should that one fail where this page does not. */
  async function comeAgain() {
    const now = Date.now();
    for (;;) {
      const times = JSON.parse(sessionStorage.getItem(RELOADED) ?? "[]").filter((/** @type {number} */ t) => now - t < 60_000);
      if (times.length < RELOADS) {
        sessionStorage.setItem(RELOADED, JSON.stringify([...times, now]));
        return location.reload();
      }
      show("trouble");
      await pressed("again-trouble");
      sessionStorage.removeItem(RELOADED);
    }
  }

  /** @param {string} why */
  function lacking(why) {
    byId("lacks").textContent = why;
    show("unsupported");
  }

  async function main() {
    if (!isSecureContext) return lacking("It needs a secure address, one that begins with https.");
    if (!("serviceWorker" in navigator)) {
      return lacking("This browser, or this private window, has no service workers, and they are what brings the site's pages here.");
    }
    if (!("WebAssembly" in globalThis) || !("DecompressionStream" in globalThis)) return lacking("This browser is too old for it.");
    show("connecting");
    let installed;
    try {
      installed = navigator.serviceWorker.register("/goop/door/sw.js", { scope: "/", updateViaCache: "imports" });
      await installed;
    } catch (e) {
      // Without a network, the one of the last visit is still there.
      if (!(await navigator.serviceWorker.getRegistration("/").catch(() => undefined))) {
        const { name, message } = /** @type {Error} */ (e);
        if (name === "SecurityError" || name === "NotSupportedError" || name === "InvalidStateError") {
          return lacking(`Your browser keeps no service workers in this window; private windows often do not (${message}).`);
        }
        show("offline");
        await rest(5_000);
        return main();
      }
    }
    /** @type {Promise<import("./globals.d.ts").Visitor> | undefined} */
    let running;
    await reach(async () => {
      await import(assets.exec); // it sets globalThis.Go
      running ??= start(() => fetch(assets.wasm), () => (running = undefined)).catch((e) => {
        running = undefined;
        throw e;
      });
      return running;
    });
    show("connecting");
    const registration = await navigator.serviceWorker.ready;
    registration.active?.postMessage("goop-connect");
    await comeAgain();
  }

  main();
})();
