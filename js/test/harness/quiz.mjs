// The quiz as people use it: through its own pages; and a class of native members beside them.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { becomeOwner } from "./chess.mjs";
import { root } from "./host.mjs";

export const QUESTIONS = `question,right,seconds,choice 1,choice 2,choice 3,choice 4
What is 7 × 8?,2,20,54,56,58,64
Which of these is a mammal?,B,30,Shark,Dolphin,Tuna
The capital of Australia is …,3,20,Sydney,Melbourne,Canberra
`;

/** The owner makes a quiz and imports its questions; resolves with the owner's tab. */
export async function newQuiz(host, profile, { title = "A little of everything", csv = QUESTIONS } = {}) {
  const tab = await becomeOwner(host, profile);
  await tab.see("#new-quiz");
  await tab.fill("#quiz-title", title);
  await tab.click("#new-quiz button");
  await tab.see('[data-page="editor"]');
  await importQuestions(tab, csv);
  return tab;
}

export async function importQuestions(tab, csv) {
  await tab.click("#import");
  await paste(tab, csv);
  await tab.waitFor(() => !document.querySelector("#csv-take").disabled);
  await tab.click("#csv-take");
  await tab.waitFor(() => !document.querySelector("dialog") && document.querySelectorAll("#items > li").length > 0);
}

/** Puts a text into the import's field, as from the clipboard. */
export function paste(tab, csv) {
  return tab.waitFor((text) => {
    const area = document.querySelector("#csv-text");
    if (!area) return false;
    area.value = text;
    area.dispatchEvent(new Event("input"));
    return true;
  }, [csv]);
}

/** Starts a session of the quiz on the page; resolves with its code. */
export async function openSession(tab) {
  await tab.waitFor(() => document.querySelector("#start-session")?.disabled === false);
  await tab.click("#start-session");
  await tab.see('[data-stage="lobby"] #session-code');
  return tab.evaluate(() => new URLSearchParams(location.search).get("code"));
}

/** Joins by the code on the first page, under a name. */
export async function joinByCode(host, profile, code, nickname) {
  const tab = await profile.open(host.url);
  await tab.fill("#code", code.toLowerCase());
  await tab.click("#join button");
  await enter(tab, nickname);
  return tab;
}

export async function enter(tab, nickname) {
  await tab.fill("#nickname", nickname);
  await tab.click("#enter .primary");
  await tab.waitFor(() => document.querySelector('[data-page="play"]') && !document.querySelector("#enter"), [], { what: `${nickname} to be in` });
}

/** Waits until a page is at a stage of a question (any, without a number). */
export function at(tab, stage, number, options) {
  return tab.waitFor(([s, n]) => document.querySelector(`[data-stage="${s}"]${n ? `[data-number="${n}"]` : ""}`) !== null, [[stage, number]], { what: `the stage ${stage} of question ${number}`, ...options });
}

/** The teacher's button for what comes next, once it says that. */
export async function next(tab, label) {
  await tab.waitFor((l) => document.querySelector("#next")?.innerText === l, [label]);
  // A press so soon after the one before would be taken for the same.
  await tab.waitFor((l) => {
    const button = document.querySelector("#next");
    if (button?.innerText !== l) return true;
    button.click();
    return false;
  }, [label], { what: `"${label}" to do something` });
}

export async function answer(tab, choice) {
  await tab.click(`button.choice[data-choice="${choice}"]`);
  await tab.waitFor(() => document.querySelector("#answer-state")?.innerText.includes("locked in"), [], { what: "the answer to be locked in" });
}

/** The leaderboard as the host gives it to a page: [[_id, points], …]. */
export function board(tab, code) {
  return tab.evaluate(async (session) => {
    const rows = await Goop.data.query("leaderboard", { where: { session }, order: ["-points", "nickname"], limit: 1000 });
    return rows.map((r) => [r._id, r.points]);
  }, code);
}

/** A class of native members. See host/internal/class/pupils for what it prints. */
export class Pupils {
  #child;
  #lines = [];
  #wake = () => {};

  constructor(host, code, n, log) {
    this.folder = mkdtempSync(join(tmpdir(), "goop-pupils-"));
    const bin = join(this.folder, "pupils");
    execFileSync("go", ["build", "-o", bin, "./host/internal/class/pupils"], { cwd: root });
    this.#child = spawn(bin, ["-page", `${host.url}/`, "-code", code, "-n", String(n)], { stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      log(`pupils: ${line.slice(0, 300)}`);
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => log(`pupils: ${text.trimEnd()}`));
    this.exited = new Promise((resolve) => this.#child.once("exit", resolve));
  }

  /** Waits for the line that has a key (with that value). */
  async line(key, value, timeout = 60_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
      const found = this.#lines.find((l) => key in l && (value === undefined || l[key] === value));
      if (found) {
        this.#lines.splice(this.#lines.indexOf(found), 1);
        return found;
      }
      assert.ok(Date.now() < deadline, `the pupils do not say ${key} ${value ?? ""}`);
      await Promise.race([new Promise((resolve) => (this.#wake = resolve)), new Promise((resolve) => setTimeout(resolve, 500))]);
    }
  }

  /** How many of them come to see that leaderboard. */
  async see(rows) {
    this.#child.stdin.write(`${JSON.stringify(rows)}\n`);
    return (await this.line("same")).same;
  }

  async end() {
    this.#child.stdin.end();
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
