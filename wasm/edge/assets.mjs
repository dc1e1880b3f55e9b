// Puts the Worker's assets together out of js/dist/door, each where its address says, and writes down their headers.
//
//   node wasm/edge/assets.mjs

import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const source = join(root, "js/dist/door");
const assets = join(root, "bin/edge/assets");
const folder = join(assets, "goop/door");

/** What Cloudflare need not have: it compresses by itself, but for the programs (files.mjs). */
const LEFT = /^(headers|build-info)\.json$|\.gz$|(?<!\.wasm)\.br$/;
const HASHED = /-[0-9a-f]{20}\./;

rmSync(assets, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const names = readdirSync(source).filter((name) => !LEFT.test(name));
for (const name of names) copyFileSync(join(source, name), join(folder, name));

const common = JSON.parse(readFileSync(join(source, "headers.json"), "utf8"));
const rules = names.map((name) => ({
  path: `/goop/door/${name}`,
  headers: {
    ...common,
    "Cache-Control": HASHED.test(name) ? "public, max-age=31536000, immutable" : "no-cache",
    ...(name === "sw.js" ? { "Service-Worker-Allowed": "/" } : {}), // it is for the whole origin
  },
}));
writeFileSync(
  join(assets, "_headers"),
  rules.map(({ path, headers }) => [path, ...Object.entries(headers).map(([k, v]) => `  ${k}: ${v}`), ""].join("\n")).join(""),
);
