// Makes what a door serves below /goop/door/: the files of js/door as they are, but with the addresses of the program
// written into them, and the program and Go's loader under names with their hash. What has not changed is left alone.
//
//   node js/tools/door.mjs SOURCE-DIR DIST-DIR VISITOR-WASM WASM-EXEC GO-VERSION

import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pack } from "./pack.mjs";
import { noted, sha256, write, writePacked } from "./packed.mjs";

const [source, dist, visitor, exec, go] = process.argv.slice(2);
mkdirSync(dist, { recursive: true });
const infoFile = join(dist, "build-info.json");
const before = noted(infoFile);
const files = {};
const assets = {};
const made = new Set(["build-info.json"]);
for (const [key, name, raw] of [["wasm", "visitor.wasm", pack(readFileSync(visitor))], ["exec", "wasm_exec.js", readFileSync(exec)]]) {
  const [stem, ext] = name.split(".");
  const hashed = `${stem}-${sha256(raw).slice(0, 20)}.${ext}`;
  files[hashed] = writePacked(dist, hashed, raw, before.files?.[hashed]);
  assets[key] = `/goop/door/${hashed}`;
  for (const each of [hashed, `${hashed}.br`, `${hashed}.gz`]) made.add(each);
}
for (const name of readdirSync(source)) {
  if (name.endsWith(".d.ts")) continue;
  write(join(dist, name), Buffer.from(readFileSync(join(source, name), "utf8").replace("__GOOP_DOOR__", JSON.stringify(assets))));
  made.add(name);
}
for (const name of readdirSync(dist)) if (!made.has(name)) rmSync(join(dist, name));
write(infoFile, Buffer.from(`${JSON.stringify({ go, files }, null, 2)}\n`));
