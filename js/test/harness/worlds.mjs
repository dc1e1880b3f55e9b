// Where pages and hosts meet, and where things lie.

import { join } from "node:path";
import { root } from "./host.mjs";

export const SITE = join(root, "js/test/site");
export const RESULTS = join(root, "test-results");
export const BROWSERS = ["chromium", "firefox"];

/**
 * On loopback a page is a secure context and uses WebTransport. At a LAN address over plain HTTP it is
 * none, and uses WebSocket.
 */
export const WORLDS = {
  webtransport: { address: "127.0.0.1", hub: false, secure: true },
  websocket: { address: "10.77.0.1", hub: true, secure: false },
};

if (process.env.GOOP_NETNS !== "ready") throw new Error("this needs its network; start it with ./build.sh, or js/test/netns.sh node …");
