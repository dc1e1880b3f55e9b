// How the page is connected, by what the member says: Goop.status and Goop.ready.

import { GoopError } from "./error.js";
import { listeners } from "./events.js";
import { hostInfo, identity } from "./identity.js";

/** @type {any} */
export let status = Object.freeze({ state: "starting" });
/** How often the connection was lost. One that moved to another transport was not. */
export let losses = 0;

/** @type {() => void} */
export let resolveReady = () => {};
/** @type {(e: unknown) => void} */
export let rejectReady = () => {};
/** @type {Promise<void>} */
export const ready = new Promise((resolve, reject) => ([resolveReady, rejectReady] = [resolve, reject]));
ready.catch(() => {}); // a page that never looks at it is not told twice

/** @param {any} next */
export function setStatus(next) {
  status = Object.freeze(next);
  listeners.emit("status", status);
}

/** Takes over what the member says. @param {string} said @returns {boolean} whether the connection came up with it */
export function takeStatus(said) {
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
