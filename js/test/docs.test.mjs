// The docs are true: their examples run in real browsers on a real host, their tables are the program's,
// their links lead somewhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "./harness/host.mjs";
import { scene } from "./harness/scene.mjs";
import { BROWSERS } from "./harness/worlds.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");
const documents = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", ...readdirSync(join(root, "docs")).filter((f) => f.endsWith(".md")).map((f) => `docs/${f}`)];

/** The fenced blocks of a document: {info, code, line}; line is that of the first line within. */
function blocks(path) {
  const text = read(path);
  return [...text.matchAll(/^```([^\n`]*)\n(.*?)^```$/gms)].map((m) => ({
    info: m[1].trim(), code: m[2], line: text.slice(0, m.index).split("\n").length + 1,
  }));
}

/** The code of the one block of a document with that info. */
function block(path, info) {
  const found = blocks(path).filter((b) => b.info === info);
  assert.equal(found.length, 1, `${path} has ${found.length} blocks "${info}", want one`);
  return found[0].code;
}

/** A document without its fenced blocks. */
const prose = (path) => read(path).replace(/^```.*?^```$/gms, "");

/** A folder that is gone after the scene. */
function folder(s) {
  const path = mkdtempSync(join(tmpdir(), "goop-docs-"));
  s.defer(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What an example says that it prints, and in which line; a line that is only a comment belongs to the one above. */
function promised(code) {
  let last = 0;
  return code.split("\n").flatMap((text, i) => {
    const said = text.match(/^(.*)\/\/ prints: (.*)$/);
    if (!said) return [];
    if (said[1].trim()) last = i + 1;
    return [{ line: last, text: said[2].trim() }];
  });
}

// ---- examples -------------------------------------------------------------------------------------

for (const browser of BROWSERS) for (const [path, least] of [["docs/api.md", 10], ["docs/data.md", 8]]) {
  scene(`the examples of ${path} run in ${browser}`, "webtransport", async (s) => {
    const all = blocks(path);
    const examples = all.filter((b) => b.info === "js run" || b.info === "js owner");
    assert.deepEqual(all.filter((b) => /^js( |$)/.test(b.info) && !examples.includes(b)), [], "each example says who runs it");
    assert.ok(examples.length >= least, `only ${examples.length} examples found`);

    const site = folder(s);
    writeFileSync(join(site, "goop.json"), block(path, "json goop.json"));
    for (const name of ["watch.js", "listen.js"]) cpSync(join(root, "js/test/docs", name), join(site, name));
    for (const { code, line } of examples) {
      mkdirSync(join(site, String(line)));
      for (const name of ["index.html", "end.mjs"]) cpSync(join(root, "js/test/docs", name), join(site, String(line), name));
      writeFileSync(join(site, String(line), "example.mjs"), code);
    }
    mkdirSync(join(site, "claim"));
    writeFileSync(join(site, "claim/index.html"), `<!doctype html><script src="/goop/goop.js"></script>`);
    const host = await s.host({ site });
    const visitor = await s.peer(browser, "visitor");
    const owner = await s.peer(browser, "owner");
    const claim = await owner.open((await host.ownerLink()).replace("/#", "/claim/#"));
    await claim.waitFor(() => Goop.me.role === "owner");
    await claim.close();

    for (const { info, code, line } of examples) {
      const where = `${path}, line ${line}`;
      const tab = await (info === "js owner" ? owner : visitor).open(`${host.url}/${line}/`);
      const want = promised(code);
      await tab.waitFor((n) => seen.faults.length > 0 || document.documentElement.dataset.ended && seen.printed.length >= n, [want.length],
        { what: `the end of ${where}` });
      const { printed, faults } = await tab.evaluate(() => seen);
      assert.deepEqual(faults, [], where);
      assert.deepEqual(printed.filter((p) => want.some((w) => w.line === p.line)), want, where);
      await tab.close();
    }
  });
}

scene("the guest book of docs/templates.md", "webtransport", async (s) => {
  const site = folder(s);
  for (const name of ["goop.json", "index.html", "app.js"]) {
    writeFileSync(join(site, name), block("docs/templates.md", `${name.split(".").pop()} ${name}`));
  }
  const host = await s.host({ site });
  const [ann, bob] = [await (await s.peer("chromium", "ann")).open(host.url), await (await s.peer("firefox", "bob")).open(host.url)];
  await ann.evaluate(() => Goop.ready);
  await ann.fill("input[name=text]", "I was <b>here</b>");
  await ann.click("button");
  for (const tab of [ann, bob]) {
    await tab.waitFor(() => document.querySelector("#book li")?.innerText === "I was <b>here</b>");
  }
  await ann.waitFor(() => document.querySelector("input[name=text]").value === "", [], { what: "an empty form" });
  assert.equal(await ann.evaluate(() => Goop.host.name), "Guest book");
  const row = await bob.evaluate(async () => (await Goop.data.query("entries"))[0]);
  assert.equal(row._owner, await ann.evaluate(() => Goop.me.peer));
});

scene("what docs/api.md says of gaps, ends and echoes", "webtransport", async (s) => {
  const site = folder(s);
  writeFileSync(join(site, "goop.json"), JSON.stringify({
    groups: [{ id: "short", type: "open" }, { id: "long", type: "persistent", rights: { close: ["member"] } }],
  }));
  writeFileSync(join(site, "index.html"), `<!doctype html><script src="/goop/goop.js"></script>`);
  const host = await s.host({ site });
  const tab = await (await s.peer("chromium")).open(host.url);
  await tab.evaluate(async () => {
    window.got = [];
    window.short = await Goop.group.join("short", (e) => got.push(e));
    await short.setState({ topic: "Openings" });
    await short.send("one");
    window.long = await Goop.group.join("long", (e) => got.push(e), { echo: true });
    await long.send("two");
  });
  assert.deepEqual(await tab.evaluate(() => got.map((e) => [e.group, e.payload, e.own])), [["long", "two", true]]);

  // A group that keeps nothing on disk begins anew with the host: a gap, and the state as it is.
  await host.kill();
  await tab.waitFor(() => Goop.status.state !== "online", [], { timeout: 5_500 });
  await host.start();
  await tab.waitFor(() => got.some((e) => e.type === "state" && e.group === "short"), [], { timeout: 40_000, what: "the new state" });
  const after = await tab.evaluate(() => got.slice(1));
  assert.deepEqual(after.map((e) => [e.type, e.group]), [["gap", "short"], ["state", "short"]]);
  assert.deepEqual([after[1].state, after[1].patch, after[1].seq], [{}, undefined, 0]);
  assert.deepEqual(await tab.evaluate(() => [short.state, short.seq]), [{}, 0]);

  // The end of a group ends its loops, and is told once.
  const loop = tab.evaluate(async () => {
    const types = [];
    for await (const e of long) types.push(e.type);
    return types;
  });
  await tab.evaluate(() => Goop.group.close("long"));
  assert.deepEqual(await loop, ["close"]);
  assert.deepEqual(await tab.evaluate(() => [got.slice(3).map((e) => [e.type, e.reason]), long.closed]), [[["close", "closed"]], true]);
  assert.equal(await tab.evaluate(() => long.send(1).catch((e) => e.code)), "closed");
});

test("the four lines of README.md are those that the tests run", () => {
  assert.equal(block("README.md", "js"), read("js/test/site/four-lines.mjs").split("\n").slice(0, 4).join("\n") + "\n");
});

// ---- what the docs say of the program -------------------------------------------------------------

const goop = (...args) => execFileSync(join(root, "bin/goop"), args, { encoding: "utf8" });

/** The first cells of the table under a heading, without their backticks. */
function firstCells(path, heading) {
  const section = read(path).split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `${path} has a section "${heading}"`);
  return [...section.matchAll(/^\| (.*?) \|/gm)].map((m) => m[1].replaceAll("`", "")).filter((c) => !/^-+$/.test(c)).slice(1);
}

test("docs/operating.md has the flags that the program has", () => {
  const flags = [...goop("serve", "--help").matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map((m) => m[1]).filter((f) => f !== "--help").sort();
  assert.ok(flags.length > 3);
  assert.deepEqual(firstCells("docs/operating.md", "Flags").flatMap((cell) => cell.split(", ")).sort(), flags);
});

test("commands that the docs name exist", () => {
  const builds = [...execFileSync(join(root, "build.sh"), { encoding: "utf8" }).matchAll(/^  (\S+) /gm)].map((m) => m[1]);
  let named = 0;
  for (const path of documents) {
    const code = [...blocks(path).filter((b) => b.info === "sh").map((b) => b.code.replace(/#.*$/gm, "")), ...prose(path).matchAll(/`([^`\n]+)`/g)].map((c) => c[1] && typeof c !== "string" ? c[1] : c);
    for (const text of code) {
      for (const [, args] of text.matchAll(/^(?:bin\/)?goop ((?:[a-z-]+ ?)+)/gm)) {
        const words = args.trim().split(" ");
        const command = ["owners", "group", "data"].includes(words[0]) ? words.slice(0, 2) : words.slice(0, 1);
        assert.doesNotThrow(() => goop(...command, "--help"), `${path}: goop ${args}`);
        named++;
      }
      for (const [, command] of text.matchAll(/\.\/build\.sh ([a-z-]+)/g)) {
        assert.ok(builds.includes(command), `${path}: ./build.sh ${command}; there are ${builds}`);
        named++;
      }
    }
  }
  assert.ok(named > 10, `only ${named} commands found`);
});

scene("docs/operating.md has the files of a data folder", "webtransport", async (s) => {
  const host = await s.host();
  const files = readdirSync(host.data).sort();
  const listed = firstCells("docs/operating.md", "The data folder").flatMap((cell) => cell.split(", ")).sort();
  assert.ok(files.length > 3);
  assert.deepEqual(listed, files);
});

test("links between the docs lead somewhere", () => {
  /** The anchors of a document's headings, as they are made on GitHub. */
  const anchors = (path) => [...prose(path).matchAll(/^#+ (.*)$/gm)].map((m) => m[1].toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-"));
  let links = 0;
  for (const path of documents) {
    for (const [, target] of prose(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const to = file ? join(dirname(path), file) : path;
      assert.ok(existsSync(join(root, to)), `${path} links to ${target}, which is not there`);
      if (anchor) assert.ok(anchors(to).includes(anchor), `${path} links to ${target}; ${to} has ${anchors(to).join(", ")}`);
      links++;
    }
  }
  assert.ok(links > 10, `only ${links} links found`);
});
