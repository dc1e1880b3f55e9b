// Tells where the bytes of member.wasm are, package by package, and writes it into docs/wasm-size.md. With
// --check it writes nothing, and fails when it, or the program of a door's visitors, is more than 5 % larger than what is written there.
//
//   node js/tools/ledger.mjs DIST-DIR EMPTY-WASM [--check]
//
// EMPTY-WASM is a Go program that does nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { brotli, pack } from "./pack.mjs";
import { functions } from "./pclntab.mjs";
import { bodies, SECTION, sections, segments } from "./wasm.mjs";

const LEDGER = fileURLToPath(new URL("../../docs/wasm-size.md", import.meta.url));
const ALLOWED = 1.05;

const [dist, empty, mode] = process.argv.slice(2);
const { go, files } = JSON.parse(readFileSync(join(dist, "build-info.json"), "utf8"));
const now = files["member.wasm"];
/** The program of a door's visitors, whose name in dist has a hash. */
const visitor = Object.entries(JSON.parse(readFileSync(join(dist, "door/build-info.json"), "utf8")).files).find(([name]) => name.endsWith(".wasm"))[1];

if (mode === "--check") {
  check();
} else {
  writeFileSync(LEDGER, ledger());
}

/** Holds the programs of now against the first rows of the ledger. */
function check() {
  const text = readFileSync(LEDGER, "utf8");
  for (const [name, built] of [["member.wasm", now], ["visitor.wasm", visitor]]) {
    const row = text.match(new RegExp(`^\\| \`${name}\`.* \\| ([\\d,]+) \\| [\\d,]+ \\| ([\\d,]+) \\|$`, "m"));
    if (!row) throw new Error(`${LEDGER} has no row of ${name}`);
    const [raw, br] = row.slice(1).map((text) => Number(text.replaceAll(",", "")));
    for (const [what, is, was] of [["raw", built.raw, raw], ["brotli", built.br, br]]) {
      console.error(`${name}, ${what}: ${is} bytes, in the ledger ${was} (${((is / was - 1) * 100).toFixed(1)} %)`);
      if (is > was * ALLOWED) {
        console.error(`This is more than 5 % over the ledger. ./build.sh ledger shows which package it is; if it has to be, commit what it writes.`);
        process.exitCode = 1;
      }
    }
  }
}

/** The package of a function: all before the first dot behind the last slash, without type arguments. */
function packageOf(name) {
  const plain = name.replace(/\[.*/s, "");
  if (/^(type|go):/.test(plain)) return "comparing and hashing of types";
  const slash = plain.lastIndexOf("/");
  const dot = plain.indexOf(".", slash + 1);
  return dot < 0 ? "Go's assembler" : plain.slice(0, dot).replaceAll("%2e", ".");
}

function ledger() {
  const list = sections(readFileSync(join(dist, "member.wasm")));
  const content = (id) => list.find((section) => section.id === id).content;
  const code = bodies(content(SECTION.code));
  const data = segments(content(SECTION.data));
  const table = functions(data);
  if (table.functions.length !== code.length) throw new Error("the table of functions is not that of the code");
  const packages = new Map();
  const sums = { code: 0, names: 0, entry: 0, tables: 0 };
  code.forEach((body, i) => {
    const { name, names, entry, tables } = table.functions[i];
    const key = packageOf(name);
    const sum = packages.get(key) ?? { key, functions: 0, bodies: [], code: 0, table: 0 };
    packages.set(key, sum);
    sum.functions++;
    sum.bodies.push(body);
    sum.code += body.length;
    sum.table += names + entry + tables;
    for (const [kind, n] of Object.entries({ code: body.length, names, entry, tables })) sums[kind] += n;
  });
  const allData = data.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const rows = [...packages.values()]
    .map((p) => ({ ...p, brotli: brotli(Buffer.concat(p.bodies)).length }))
    .toSorted((a, b) => b.code + b.table - a.code - a.table);
  const nothing = pack(readFileSync(empty));
  const other = files["wasm_exec.js"];
  const number = (n) => n.toLocaleString("en-US");
  const row = (...cells) => `| ${cells.map((c) => (typeof c === "number" ? number(c) : c)).join(" | ")} |`;
  return `# The size of the member

Written by \`./build.sh ledger\`, of ${go}. \`./build.sh check\` fails when one of the two programs is more than 5 % over this.

| file | raw | gzip | brotli |
|---|---|---|---|
${row("`member.wasm`", now.raw, now.gz, now.br)}
${row("`visitor.wasm`, of a door", visitor.raw, visitor.gz, visitor.br)}
${row("`wasm_exec.js`", other.raw, other.gz, other.br)}
${row("a Go program that does nothing", nothing.length, gzipSync(nothing, { level: 9 }).length, brotli(nothing).length)}

## What it is made of

| part | raw | brotli, alone |
|---|---|---|
${row("code", content(SECTION.code).length, brotli(content(SECTION.code)).length)}
${row("data", allData, brotli(Buffer.concat(data.map(({ bytes }) => bytes))).length)}
${row("of the data: names of functions, also of inlined ones", table.names, "")}
${row("of the data: one entry for each function", sums.entry, "")}
${row("of the data: tables of lines, stack sizes and what the garbage collector asks", table.tables, "")}
${row("of the data: types, texts, constants and the rest", allData - table.names - sums.entry - table.tables, "")}

## By package

*code* is what stands in the code section, and beside it what that is when brotli has it alone (together they are
smaller); *table* is what the runtime knows of the package's functions. Types, texts and constants are not told apart.
The next place to cut is where a package near the top is one that nobody needs.

| package | functions | code | brotli, alone | table |
|---|---|---|---|---|
${rows.map((p) => row(`\`${p.key}\``, p.functions, p.code, p.brotli, p.table)).join("\n")}
`;
}
