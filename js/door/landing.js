// The door's own first page: leads from a host's id to its address.
"use strict";

(() => {
  const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  /** What stands before the 32 bytes of the key in the multihash of an Ed25519 peer id. */
  const PREFIX = 0x0024_0801_1220n;

  /** The label of a host: of its id, of a label, or of a whole address. @param {string} text */
  function labelOf(text) {
    const label = text.trim().replace(/^https?:\/\//, "").split(/[./:?#]/)[0] ?? "";
    if (/^k[0-9a-z]{50,62}$/.test(label)) return label;
    if (!/^[1-9A-HJ-NP-Za-km-z]{50,54}$/.test(label)) return undefined;
    let number = 0n;
    for (const c of label) number = number * 58n + BigInt(BASE58.indexOf(c));
    if (number >> 256n !== PREFIX) return undefined;
    // A CIDv1 of the kind "libp2p key": 01 72 and the multihash.
    return "k" + ((0x0172n << 304n) | number).toString(36);
  }

  const form = /** @type {HTMLFormElement} */ (document.getElementById("to"));
  const field = /** @type {HTMLInputElement} */ (document.getElementById("host"));
  const fault = /** @type {HTMLElement} */ (document.getElementById("fault"));
  /** @type {HTMLElement} */ (document.getElementById("door")).textContent = location.origin;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const label = labelOf(field.value);
    field.setAttribute("aria-invalid", String(!label));
    if (label) return location.assign(`${location.protocol}//${label}.${location.host}/`);
    fault.textContent = "This is not a host's id, which begins with 12D3KooW. Who runs the host sees it with goop status.";
    field.focus();
  });
})();
