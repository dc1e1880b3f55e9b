// The first script of a page that runs an example of the docs. It keeps what the example prints, with
// the line that printed it, and what goes wrong; the page's policy is the one of every site.
"use strict";
const seen = (globalThis.seen = { printed: [], faults: [] });
const fault = (what, e) => seen.faults.push(`${what}: ${e?.stack ?? e}`);

addEventListener("error", (e) => fault("error", e.error ?? e.message));
addEventListener("unhandledrejection", (e) => fault("nobody caught", e.reason));
document.addEventListener("securitypolicyviolation", (e) => fault("the policy forbids", `${e.violatedDirective} ${e.blockedURI}`));

const log = console.log;
console.log = (...args) => {
  const line = new Error().stack.match(/\/example\.mjs:(\d+):\d+/)?.[1];
  seen.printed.push({ line: Number(line), text: args.map(String).join(" ") });
  log(...args);
};

/** What the example has called and may not have waited for. */
const calls = [];

/** Has the functions of an object remember the promises that they return. */
function remember(owner) {
  for (const name of Object.getOwnPropertyNames(owner)) {
    const { value: fn, writable } = Object.getOwnPropertyDescriptor(owner, name);
    if (typeof fn !== "function" || !writable || name === "constructor") continue;
    owner[name] = function (...args) {
      const result = fn.apply(this, args);
      if (result instanceof Promise) calls.push(result);
      return result;
    };
  }
}

/** Called once Goop is there, before the example. */
globalThis.listen = () => [Goop.group, Goop.data].forEach(remember);

/** Resolves when all that the example has begun is over; what fails only now has nobody to catch it. */
globalThis.settled = async () => {
  const pending = Symbol("pending");
  for (const call of calls) {
    const now = await Promise.race([call, Promise.resolve(pending)]).catch(() => "the example has seen to it");
    if (now === pending) await call.catch((e) => fault("nobody waited for", e));
  }
};
