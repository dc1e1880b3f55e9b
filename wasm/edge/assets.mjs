// Puts the Worker's assets together: the door's pages and files, as Cloudflare is to find them by their addresses.
//
//   node wasm/edge/assets.mjs

import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const assets = join(root, "bin/edge/assets");
const folder = join(assets, "goop/door");

rmSync(assets, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
if (existsSync(join(root, "js/door"))) cpSync(join(root, "js/door"), folder, { recursive: true });

/** What every file carries; "! Name" takes away what Cloudflare would add. */
writeFileSync(join(assets, "_headers"), `/*
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
`);
