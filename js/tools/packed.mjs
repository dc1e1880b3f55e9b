// Writes what a build gives, with its compressed forms, and leaves alone what has not changed.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { brotli } from "./pack.mjs";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Writes a file only when it differs: the host embeds the folder, and a new date would build it anew. */
export function write(path, bytes) {
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileSync(path, bytes);
}

/** What the last build noted, or nothing. */
export function noted(infoFile) {
  try {
    return JSON.parse(readFileSync(infoFile, "utf8"));
  } catch (e) {
    if (e.code !== "ENOENT") throw e;
    return {};
  }
}

/** Writes a file with a .br and a .gz beside it, and returns its entry for build-info.json; known is that of the last time. */
export function writePacked(folder, name, raw, known) {
  const path = join(folder, name);
  write(path, raw);
  const hash = sha256(raw);
  if (known?.sha256 === hash && existsSync(`${path}.br`) && existsSync(`${path}.gz`)) return known;
  const br = brotli(raw);
  const gz = gzipSync(raw, { level: 9 });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gz);
  console.error(`${name}: ${raw.length} bytes, gzip ${gz.length}, brotli ${br.length}`);
  return { sha256: hash, raw: raw.length, br: br.length, gz: gz.length };
}
