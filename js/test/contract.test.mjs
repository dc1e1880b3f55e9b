// The page API against its types: what goop.d.ts names is there. sdk.test.mjs has the golden frames, and
// docs.test.mjs the examples of the docs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "./harness/host.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS, SITE } from "./harness/worlds.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");

/** The names that goop.d.ts exports as values. */
function declared() {
  const source = ts.createSourceFile("goop.d.ts", read("js/goop.d.ts"), ts.ScriptTarget.Latest, true);
  const names = [];
  for (const node of source.statements) {
    if (ts.isExportAssignment(node)) names.push("default");
    const exported = ts.canHaveModifiers(node) && ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
    if (!exported) continue;
    if (ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node)) names.push(node.name.text);
    if (ts.isVariableStatement(node)) names.push(...node.declarationList.declarations.map((d) => d.name.text));
  }
  return names.sort();
}

/** The members of an interface of goop.d.ts. */
function members(name) {
  const source = ts.createSourceFile("goop.d.ts", read("js/goop.d.ts"), ts.ScriptTarget.Latest, true);
  const node = source.statements.find((s) => ts.isInterfaceDeclaration(s) && s.name.text === name);
  return [...new Set(node.members.map((m) => m.name?.getText(source)).filter(Boolean))].filter((n) => !n.startsWith("[")).sort();
}

for (const browser of BROWSERS) {
  scene(`what goop.d.ts names is there in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site: SITE });
    const tab = await (await s.peer(browser)).open(host.url);
    const there = await tab.evaluate(async () => {
      const module = await import("/goop/goop.mjs");
      const g = await Goop.group.join("room");
      const names = (o) => Object.keys(o).sort();
      return {
        same: module.default === globalThis.Goop,
        module: names(module), Goop: names(Goop), groups: names(Goop.group), data: names(Goop.data), me: names(Goop.me),
        group: Object.getOwnPropertyNames(Object.getPrototypeOf(g)),
      };
    });
    assert.equal(there.same, true, "the module and the classic script are the same object");
    assert.deepEqual(there.module, declared());
    assert.deepEqual(there.Goop, members("GoopAPI"));
    assert.deepEqual(there.groups, members("Groups"));
    assert.deepEqual(there.data, members("Data"));
    assert.deepEqual(there.me, members("Me"));
    assert.deepEqual(members("Group").filter((name) => !there.group.includes(name)), []);
  });
}
