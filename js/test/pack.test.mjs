// A Go program that was packed for pages does what it did before: it grows stacks, collects garbage, recovers
// from panics, and names the functions of one that nobody recovers from.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { functions } from "../tools/pclntab.mjs";
import { pack } from "../tools/pack.mjs";
import { bodies, SECTION, sections, segments } from "../tools/wasm.mjs";

const PROGRAM = `package main

import "runtime"

var kept [][]byte

func deep(n int) (sum int) {
	var room [256]byte
	room[n%256] = byte(n)
	if n%100 == 0 {
		kept = append(kept, make([]byte, 10_000))
		runtime.GC()
	}
	if n > 0 {
		sum = deep(n - 1)
	}
	return sum + int(room[n%256])
}

func recovered() (what string) {
	defer func() { what = recover().(error).Error() }()
	var list []int
	return string(rune(list[len(kept)]))
}

//go:noinline
func fails() { panic("on purpose") }

func main() {
	println(deep(5000), len(kept), recovered())
	fails()
}
`;

test("a packed program runs as it did", { timeout: 240_000 }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "goop-pack-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "main.go"), PROGRAM);
  const go = (...args) => execFileSync("go", args, { cwd: folder, encoding: "utf8", env: { ...process.env, GOOS: "js", GOARCH: "wasm" } });
  go("build", "-ldflags=-s -w", "-o", "plain.wasm", "main.go");
  const plain = readFileSync(join(folder, "plain.wasm"));
  const packed = pack(plain);
  writeFileSync(join(folder, "packed.wasm"), packed);
  const exec = join(go("env", "GOROOT").trim(), "lib/wasm/wasm_exec_node.js");
  const run = (name) => {
    const { status, stderr } = spawnSync(process.execPath, [exec, join(folder, name)], { encoding: "utf8", env: { PATH: process.env.PATH } });
    return { status, lines: stderr.split("\n") };
  };
  const before = run("plain.wasm");
  const after = run("packed.wasm");
  assert.equal(after.status, before.status);
  assert.match(after.lines[0], /^\d+ 51 runtime error: index out of range \[51\] with length 0$/);
  assert.equal(after.lines[0], before.lines[0]);
  assert.match(after.lines.join("\n"), /panic: on purpose/);
  const names = ({ lines }) => lines.filter((line) => /^main\./.test(line));
  assert.deepEqual(names(after), names(before));
  assert.ok(names(after).includes("main.fails()") || names(after).includes("main.fails(...)"));
  assert.ok(!after.lines.some((line) => line.includes("main.go")), "a line of the source is still there");

  const content = (id) => sections(packed).find((section) => section.id === id).content;
  const found = functions(segments(content(SECTION.data))).functions;
  assert.equal(found.length, bodies(content(SECTION.code)).length);
  assert.ok(found.some(({ name }) => name === "main.deep"));
});

test("what is no Go program is refused", () => {
  assert.throws(() => pack(Buffer.from("not a module")), /no WebAssembly/);
  assert.throws(() => functions([{ at: 0, bytes: Buffer.alloc(1000) }]), /no table/);
});
