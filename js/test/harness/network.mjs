// The network between the page namespace and the hub, and what can go wrong with it: see netns.sh.

import { execFileSync } from "node:child_process";

const ip = (...args) => execFileSync("ip", args);
const hub = (...args) => ip("netns", "exec", "hub", "ip", ...args);

/** Cuts the page's network, without a word to either side. */
export const cut = () => hub("link", "set", "port0", "nomaster");
/** Puts it back. */
export const heal = () => hub("link", "set", "port0", "master", "br0");

let dropping = false;

/** From here on UDP between the two is lost, in both directions, and without a word; TCP goes on. */
export function dropUdp() {
  if (dropping) return;
  hub("rule", "add", "pref", "5", "iif", "br0", "ipproto", "udp", "blackhole");
  hub("rule", "add", "pref", "5", "iif", "lo", "ipproto", "udp", "to", "10.77.0.0/24", "lookup", "77");
  dropping = true;
}

/** UDP is carried again. */
export function passUdp() {
  if (!dropping) return;
  hub("rule", "del", "pref", "5");
  hub("rule", "del", "pref", "5");
  dropping = false;
}

/** The page's machine moves to another network: its address is another one, and the old one leads nowhere. */
export function readdress(from, to) {
  ip("addr", "del", `${from}/24`, "dev", "page0"); // first: with it would go all others of its network
  ip("addr", "add", `${to}/24`, "dev", "page0");
  ip("route", "replace", "default", "via", "10.77.0.1");
}
