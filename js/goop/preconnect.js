// Begins to connect while the member is loaded, which saves a first visit the round trips.

/**
 * Asks how the host is reached and begins a WebTransport session with it, while the member is loaded: it takes
 * both over with its first try, and tries by itself what has failed by then.
 * @param {string} transport "webtransport" or "websocket" to use that one alone
 * @returns {import("../globals.d.ts").Early}
 */
export function preconnect(transport) {
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
