// Announcements of hosts, made here from nothing but a key: what a door is told, without the host that would tell it.
// docs/door.md and shared/record describe the bytes.

import { generateKeyPairSync, sign } from "node:crypto";

const DOMAIN = Buffer.from("libp2p-peer-record");
const PAYLOAD_TYPE = Buffer.from([0x03, 0x01]);

/** A host that only announces itself. */
export class Announcer {
  #key = generateKeyPairSync("ed25519");
  #seq = BigInt(Date.now()) * 1_000_000n;

  constructor() {
    const raw = this.#key.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    this.publicKey = Buffer.concat([Buffer.from([0x08, 0x01, 0x12, 0x20]), raw]);
    this.id = Buffer.concat([Buffer.from([0x00, this.publicKey.length]), this.publicKey]);
    this.label = `k${BigInt(`0x0172${this.id.toString("hex")}`).toString(36)}`;
  }

  /** The next sequence number: each is a nanosecond later, and none is exact as a JavaScript number. */
  next() {
    return ++this.#seq;
  }

  /**
   * A signed peer record in its envelope.
   * @param {string[]} addrs as in multiaddr()
   * @param {{seq?: bigint, id?: Buffer}} options id is that of the host whose record it claims to be
   */
  envelope(addrs, { seq = this.next(), id = this.id } = {}) {
    const payload = Buffer.concat([
      field(1, id),
      Buffer.from([0x10]), uvarint(seq),
      ...addrs.map((a) => field(3, field(1, multiaddr(a)))),
    ]);
    const signed = Buffer.concat([DOMAIN, PAYLOAD_TYPE, payload].map(prefixed));
    return Buffer.concat([
      field(1, this.publicKey),
      field(2, PAYLOAD_TYPE),
      field(3, payload),
      field(5, sign(null, signed, this.#key.privateKey)),
    ]);
  }
}

/** The body of an announcement. */
export const body = (...envelopes) => Buffer.concat(envelopes.map(prefixed));

/** The address at which browsers reach a host over WebTransport. */
export const webtransport = (ip, port = 7780) =>
  `/${ip.includes(":") ? "ip6" : "ip4"}/${ip}/udp/${port}/quic-v1/webtransport/certhash/${"ab".repeat(32)}`;

const CODES = { ip4: 4, tcp: 6, ip6: 41, dns: 53, udp: 273, tls: 448, "quic-v1": 461, webtransport: 465, certhash: 466, ws: 477 };

/** The bytes of a multiaddr; a certhash is written as the hex digits of a SHA-256. */
function multiaddr(text) {
  const parts = text.split("/").slice(1);
  const bytes = [];
  while (parts.length > 0) {
    const protocol = parts.shift();
    bytes.push(uvarint(BigInt(CODES[protocol])));
    switch (protocol) {
      case "ip4":
        bytes.push(Buffer.from(parts.shift().split(".").map(Number)));
        break;
      case "ip6":
        bytes.push(ip6(parts.shift()));
        break;
      case "dns":
        bytes.push(prefixed(Buffer.from(parts.shift())));
        break;
      case "udp":
      case "tcp": {
        const port = Number(parts.shift());
        bytes.push(Buffer.from([port >> 8, port & 255]));
        break;
      }
      case "certhash":
        bytes.push(prefixed(Buffer.concat([Buffer.from([0x12, 0x20]), Buffer.from(parts.shift(), "hex")])));
    }
  }
  return Buffer.concat(bytes);
}

function ip6(text) {
  const [head, tail] = text.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail] : head;
  return Buffer.from(groups.map((g) => g.padStart(4, "0")).join(""), "hex");
}

const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2]), prefixed(bytes)]);
const prefixed = (bytes) => Buffer.concat([uvarint(BigInt(bytes.length)), bytes]);

function uvarint(n) {
  const bytes = [];
  for (; n >= 0x80n; n >>= 7n) bytes.push(Number(n & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(n)]);
}
