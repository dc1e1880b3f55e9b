// What this peer is to the host, owner or visitor: that is asked after each connection, and again after a refusal that
// says that it may have changed. So the page's requests go through here.

import { GoopError } from "./error.js";
import { failed, listeners, report } from "./events.js";
import { identity, me } from "./identity.js";
import { forgetOwner, ownerSecret } from "./links.js";
import { fault } from "./member.js";
import { request } from "./request.js";
import { resolveReady } from "./status.js";

/** After each connection: claims an owner link once, and asks what this peer is. */
export async function arrive() {
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

/** A request of the page. @param {any} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function ask(body, signal) {
  try {
    return await request(body, signal);
  } catch (e) {
    // Perhaps this peer is no owner any more: then the page should know it too.
    if (e instanceof GoopError && e.code === "forbidden" && identity.role === "owner") arrive();
    throw e;
  }
}
