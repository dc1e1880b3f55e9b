// Makes what pages load of what Go has built: member.wasm, packed, Go's loader, the compressed forms of
// both, and build-info.json. What has not changed since the last time is left alone.
//
//   node js/tools/dist.mjs DIST-DIR MEMBER-WASM WASM-EXEC GO-VERSION

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pack } from "./pack.mjs";
import { noted, write, writePacked } from "./packed.mjs";

const [dist, member, exec, go] = process.argv.slice(2);
const sources = { "member.wasm": pack(readFileSync(member)), "wasm_exec.js": readFileSync(exec) };
const infoFile = join(dist, "build-info.json");
const before = noted(infoFile);
const files = {};
for (const [name, raw] of Object.entries(sources)) files[name] = writePacked(dist, name, raw, before.files?.[name]);
write(infoFile, Buffer.from(`${JSON.stringify({ go, files }, null, 2)}\n`));
