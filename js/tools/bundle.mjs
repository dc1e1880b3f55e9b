// Makes what pages load out of modules, each time one file, which is committed, so that the host builds without npm: goop.js,
// and the libraries of the built-in sites and of the host's own page, from npm. With --check it only tells whether those
// files are what would be made.
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

/** A library: what it is made of, the file, and how. */
function library({ name, entry, out }) {
  const folder = here(`../node_modules/${name}/`);
  const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  return {
    from: `npm's ${name} ${version}`,
    out,
    options: {
      entryPoints: [folder + entry],
      minify: true,
      format: "esm",
      target: "es2022",
      legalComments: "none", // the whole licence stands in the banner
      banner: { js: `/*!\n${name} ${version}, made by ./build.sh bundle\n\n${licence(folder, entry)}\n*/` },
    },
  };
}

/** A classic script, so that Goop is there for the scripts below it; the code is as it was written, for who reads it in a page. */
const GOOP = {
  from: "js/goop",
  out: "js/goop.js",
  options: {
    entryPoints: [here("../goop/main.js")],
    format: "iife",
    target: "esnext",
    charset: "utf8",
    banner: { js: "// Made by ./build.sh bundle of the modules in js/goop, which have the comments. What it offers is in goop.d.ts." },
  },
};

let stale = false;
for (const { from, out, options } of [GOOP, ...LIBRARIES.map(library)]) {
  // Comments name the modules as they are seen from the top folder, wherever this is run.
  const result = await build({ ...options, bundle: true, write: false, absWorkingDir: here("../..") });
  const text = result.outputFiles[0].text;
  const path = here(`../../${out}`);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${path} is not what ${from} gives; ./build.sh bundle makes it anew`);
    stale = true;
  }
}
if (stale) process.exit(1);
