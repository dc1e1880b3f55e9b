// What the parts of a group's page share: its state, and the names of its people.

/** How often a change is tried when others are faster. */
const TRIES = 6;

/**
 * Changes the group's state by what make() returns for the state as it is: compare and set. When somebody was
 * faster, make is asked again, until it returns nothing.
 * @param {() => object | null | undefined} make
 * @returns {Promise<boolean>} whether something was changed
 */
export async function change(g, make) {
  for (let left = TRIES; ; left--) {
    const patch = make();
    if (!patch) return false;
    try {
      await g.setState(patch, { ifSeq: g.seq });
      return true;
    } catch (e) {
      if (e.code !== "conflict" || left === 1) throw e;
      await reached(g, e.seq);
    }
  }
}

/** Waits until the page has seen an entry of the group. */
export function reached(g, seq) {
  if (g.seq >= seq || g.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const stops = ["state", "msg", "close"].map((type) => g.on(type, () => {
      if (g.seq < seq && !g.closed) return;
      for (const stop of stops) stop();
      resolve();
    }));
  });
}

/** The name of a peer: as it calls itself now, or as it did when it was last here, or was removed. */
export function nameOf(g, peer) {
  if (typeof peer !== "string") return "Somebody"; // as others may have put it into the state
  const name = g.members.find((m) => m.peer === peer)?.label || g.state.people?.[peer] || g.state.removed?.[peer];
  return typeof name === "string" && name ? name : "Somebody";
}

/** One of a dozen colours for a peer, the same on every page. */
export function hueOf(peer) {
  let sum = 0;
  for (const c of peer) sum = (sum * 31 + c.charCodeAt(0)) % 9973;
  return (sum % 12) * 30;
}

/**
 * The links in a group's state, the newest first. Others may have put there what they like.
 * @returns {{id: string, href: string, host: string, title: string, by: string}[]} title and by may be ""
 */
export function linksOf(state) {
  const text = (value) => (typeof value === "string" ? value : "");
  const time = (value) => (typeof value === "number" ? value : 0);
  return Object.entries(state.links ?? {})
    .map(([id, link]) => ({ id, link, href: addressOf(link?.url) }))
    .filter(({ href }) => href)
    .sort((a, b) => time(b.link.at) - time(a.link.at))
    .map(({ id, link, href }) => ({ id, href, host: new URL(href).hostname, title: text(link.title), by: text(link.by) }));
}

/** A web address as it may stand in a link, "" for what is none. "example.org" is meant as https. */
export function addressOf(text) {
  if (typeof text !== "string") return "";
  const value = text.trim();
  try {
    const u = new URL(/^[a-z][a-z0-9+.-]*:/i.test(value) ? value : `https://${value}`);
    return u.protocol === "http:" || u.protocol === "https:" ? u.href : "";
  } catch {
    return "";
  }
}
