// How large files are, as they lie there and compressed as well as gzip and Brotli can.

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** @param {string[]} paths */
export function sum(paths) {
  const total = { raw: 0, gzip: 0, brotli: 0 };
  for (const path of paths) {
    const text = readFileSync(path);
    total.raw += text.length;
    total.gzip += compressed(path, "gz") ?? gzipSync(text, { level: 9 }).length;
    total.brotli += compressed(path, "br") ?? brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } }).length;
  }
  return total;
}

/** The size of the compressed file that lies beside one, if there is one. */
function compressed(path, kind) {
  try {
    return readFileSync(`${path}.${kind}`).length;
  } catch {
    return undefined;
  }
}
