// Bundles the rules library of the demo site from npm into one file, which is committed, so that the
// host builds without npm. With --check it only tells whether that file is what npm's would give.
//
//   node js/tools/bundle.mjs [--check]

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../../host/templates/chess/vendor/chess.js");
const library = here("../node_modules/chess.js/");

const { version } = JSON.parse(readFileSync(`${library}package.json`, "utf8"));
const licence = readFileSync(`${library}LICENSE`, "utf8").trim();
const result = await build({
  entryPoints: [`${library}dist/esm/chess.js`],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // the whole licence stands in the banner
  banner: { js: `/*!\nchess.js ${version}, made by ./build.sh bundle\n\n${licence}\n*/` },
  write: false,
});
const text = result.outputFiles[0].text;

if (process.argv.includes("--check")) {
  if (readFileSync(out, "utf8") !== text) {
    console.error(`${out} is not what npm's chess.js ${version} gives; ./build.sh bundle makes it anew`);
    process.exit(1);
  }
} else {
  writeFileSync(out, text);
}
