// Makes what ./build.sh puts beside member.wasm: Go's loader, the compressed forms of both, and
// build-info.json. What has not changed since the last time is left alone.
//
//   node js/tools/dist.mjs DIST-DIR WASM-EXEC GO-VERSION

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [dist, exec, go] = process.argv.slice(2);
// Written only when it differs: the host embeds the folder, and a new date would build it anew.
const loader = join(dist, "wasm_exec.js");
if (!existsSync(loader) || !readFileSync(loader).equals(readFileSync(exec))) copyFileSync(exec, loader);

const infoFile = join(dist, "build-info.json");
let before = {};
try {
  before = JSON.parse(readFileSync(infoFile, "utf8"));
} catch (e) {
  if (e.code !== "ENOENT") throw e;
}

const files = {};
for (const name of ["member.wasm", "wasm_exec.js"]) {
  const path = join(dist, name);
  const raw = readFileSync(path);
  const sha256 = createHash("sha256").update(raw).digest("hex");
  const known = before.files?.[name];
  if (known?.sha256 === sha256 && existsSync(`${path}.br`) && existsSync(`${path}.gz`)) {
    files[name] = known;
    continue;
  }
  const br = brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  const gz = gzipSync(raw, { level: 9 });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gz);
  files[name] = { sha256, raw: raw.length, br: br.length, gz: gz.length };
  console.error(`${name}: ${raw.length} bytes, gzip ${gz.length}, brotli ${br.length}`);
}

const info = `${JSON.stringify({ go, files }, null, 2)}\n`;
if (!existsSync(infoFile) || readFileSync(infoFile, "utf8") !== info) writeFileSync(infoFile, info);
