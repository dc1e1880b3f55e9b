// A host's key, as its data folder has it.

import { generateKeyPairSync } from "node:crypto";

/** In minutes, as go-libp2p's WebTransport has it: how long a certificate is valid, and how long it is shown. */
const VALID = 14 * 24 * 60;
const SHOWN = VALID - 2 * 60;

/** The last 32 bytes of either key's DER are the key. */
const DER = { publicKeyEncoding: { format: "der", type: "spki" }, privateKeyEncoding: { format: "der", type: "pkcs8" } };

/**
 * A key whose host shows its next certificate soon. go-libp2p derives the minute from the public key's first two
 * bytes, an hour after the beginning of the next certificate, so one key of about 20,000 will do.
 * @param {number} least milliseconds from now, and at most a minute more
 * @returns {{key: Uint8Array, at: number}} the file's bytes, and the moment as Date.now() has it
 */
export function rotatingKey(least) {
  for (;;) {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519", DER);
    const minute = Math.ceil((Date.now() + least) / 60_000);
    const pub = publicKey.subarray(-32);
    if ((pub.readUInt16LE(0) % VALID) % SHOWN !== (minute - 60) % SHOWN) continue;
    // A libp2p private key: type Ed25519, then 64 bytes of seed and public key.
    return { key: Buffer.concat([Buffer.from([8, 1, 18, 64]), privateKey.subarray(-32), pub]), at: minute * 60_000 };
  }
}
