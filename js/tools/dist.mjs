// Makes what pages load of what Go has built: member.wasm, packed, Go's loader, the compressed forms of
// both, and build-info.json. What has not changed since the last time is left alone.
//
//   node js/tools/dist.mjs DIST-DIR MEMBER-WASM WASM-EXEC GO-VERSION

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { brotli, pack } from "./pack.mjs";

const [dist, member, exec, go] = process.argv.slice(2);
const sources = { "member.wasm": pack(readFileSync(member)), "wasm_exec.js": readFileSync(exec) };

const infoFile = join(dist, "build-info.json");
let before = {};
try {
  before = JSON.parse(readFileSync(infoFile, "utf8"));
} catch (e) {
  if (e.code !== "ENOENT") throw e;
}

const files = {};
for (const [name, raw] of Object.entries(sources)) {
  const path = join(dist, name);
  // Written only when it differs: the host embeds the folder, and a new date would build it anew.
  if (!existsSync(path) || !readFileSync(path).equals(raw)) writeFileSync(path, raw);
  const sha256 = createHash("sha256").update(raw).digest("hex");
  const known = before.files?.[name];
  if (known?.sha256 === sha256 && existsSync(`${path}.br`) && existsSync(`${path}.gz`)) {
    files[name] = known;
    continue;
  }
  const br = brotli(raw);
  const gz = gzipSync(raw, { level: 9 });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gz);
  files[name] = { sha256, raw: raw.length, br: br.length, gz: gz.length };
  console.error(`${name}: ${raw.length} bytes, gzip ${gz.length}, brotli ${br.length}`);
}

const info = `${JSON.stringify({ go, files }, null, 2)}\n`;
if (!existsSync(infoFile) || readFileSync(infoFile, "utf8") !== info) writeFileSync(infoFile, info);
