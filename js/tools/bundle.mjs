// Bundles the libraries of the built-in sites, and of the host's own page, from npm, each into one file, which is committed, so that the
// host builds without npm. With --check it only tells whether those files are what npm's would give.
//
//   node js/tools/bundle.mjs [--check]

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The libraries: the npm package, its entry, and the file that it becomes. */
const LIBRARIES = [
  { name: "chess.js", entry: "dist/esm/chess.js", out: "host/templates/chess/vendor/chess.js" },
  { name: "qrcode-generator", entry: "dist/qrcode.mjs", out: "js/vendor/qrcode.js" },
];

/** The whole licence; a package without a file of it has it in the first comment of its code. */
function licence(folder, entry) {
  if (existsSync(`${folder}LICENSE`)) return readFileSync(`${folder}LICENSE`, "utf8").trim();
  const head = readFileSync(folder + entry, "utf8").match(/^(?:\/\/.*\n)+/)[0];
  return head.replaceAll(/^\/\/[ -]*/gm, "").trim();
}

let stale = false;
for (const { name, entry, out } of LIBRARIES) {
  const folder = here(`../node_modules/${name}/`);
  const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  const result = await build({
    entryPoints: [folder + entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none", // the whole licence stands in the banner
    banner: { js: `/*!\n${name} ${version}, made by ./build.sh bundle\n\n${licence(folder, entry)}\n*/` },
    write: false,
  });
  const text = result.outputFiles[0].text;
  const path = here(`../../${out}`);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${path} is not what npm's ${name} ${version} gives; ./build.sh bundle makes it anew`);
    stale = true;
  }
}
if (stale) process.exit(1);
