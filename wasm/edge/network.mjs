// door.Network of shared/door, for reads, which do without Go: what names the network in which an address is. A test
// holds the two to each other.

const LOOPBACK = 1;
const PRIVATE = 2;
const GLOBAL = 3;

/**
 * @param {string} address as Cloudflare writes it in CF-Connecting-IP
 * @returns {{name: string, scope: number}} An address that nobody is reached at counts as global: for a visitor it makes
 *   no difference, and announcements Go looks at itself. Of what is no address the name is "".
 */
export function network(address) {
  const v4 = ipv4(address);
  if (v4) return { name: v4[0] === 127 ? "loopback" : v4.join("."), scope: scope4(v4) };
  const v6 = ipv6(address);
  if (!v6) return { name: "", scope: GLOBAL };
  if (v6.slice(0, 5).every((g) => g === 0) && v6[5] === 0xffff) return network(v6.slice(6).map((g) => `${g >> 8}.${g & 255}`).join("."));
  if (v6.every((g, i) => g === (i === 7 ? 1 : 0))) return { name: "loopback", scope: LOOPBACK };
  let prefix = v6.slice(0, 4);
  while (prefix.at(-1) === 0) prefix = prefix.slice(0, -1);
  return { name: `${prefix.map((g) => g.toString(16)).join(":")}::/64`, scope: (v6[0] & 0xfe00) === 0xfc00 ? PRIVATE : GLOBAL };
}

/**
 * Under what the new hosts of an address are counted: an IPv4 address itself, and of an IPv6 address the /48, because whoever
 * is given one has 65,536 networks.
 * @param {string} address
 */
export function site(address) {
  const v6 = ipv6(address);
  return v6 && v6[0] !== 0 ? `${v6.slice(0, 3).map((g) => g.toString(16)).join(":")}::/48` : network(address).name;
}

function scope4([a, b]) {
  if (a === 127) return LOOPBACK;
  const own = a === 10 || (a === 172 && (b & 0xf0) === 16) || (a === 192 && b === 168) || (a === 100 && (b & 0xc0) === 64);
  return own ? PRIVATE : GLOBAL;
}

/** The four bytes, or null. */
function ipv4(text) {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((p) => /^(0|[1-9][0-9]{0,2})$/.test(p) && Number(p) < 256) ? parts.map(Number) : null;
}

/** The eight groups, or null. */
function ipv6(text) {
  const tail4 = ipv4(text.slice(text.lastIndexOf(":") + 1));
  if (tail4) text = text.slice(0, text.lastIndexOf(":") + 1) + `${((tail4[0] << 8) | tail4[1]).toString(16)}:${((tail4[2] << 8) | tail4[3]).toString(16)}`;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((h) => (h === "" ? [] : h.split(":")));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return null;
  const groups = tail ? [...head, ...Array(missing).fill("0"), ...tail] : head;
  return groups.every((g) => /^[0-9a-f]{1,4}$/i.test(g)) ? groups.map((g) => parseInt(g, 16)) : null;
}
