// A program that speaks in lines: goop join and the like, or a member in another language.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./host.mjs";

/** How long a line may take, in milliseconds. */
const WAIT = 30_000;

export class Terminal {
  /** What it printed: objects where a line is JSON, and otherwise texts. @type {any[]} */
  lines = [];
  errors = "";
  #child;
  #news = later();

  /** @param {string[]} command @param {{env?: object, log?: (line: string) => void}} [options] */
  constructor([program, ...args], { env = {}, log = () => {} } = {}) {
    const name = args[0];
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#child.stdin.on("error", () => {}); // it may end before it has read all
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      log(`${name}: ${line.slice(0, 200)}`);
      this.lines.push(parsed(line));
      this.#tell();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      log(`${name}, error: ${text.trimEnd()}`);
      this.errors += text;
    });
    /** Resolves with the exit code, or the signal, when all that it printed was read. */
    this.ended = new Promise((resolve) => this.#child.once("close", (code, signal) => resolve(code ?? signal)));
    this.ended.then(() => this.#tell());
  }

  /** The goop of this repository. @param {string[]} args */
  static goop(args, options) {
    return new Terminal([join(root, "bin/goop"), ...args], options);
  }

  write(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its input. */
  end() {
    this.#child.stdin.end();
    return this.ended;
  }

  kill(signal = "SIGKILL") {
    this.#child.kill(signal);
    return this.ended;
  }

  /** The first line for which fn holds, from the given place on. @param {(line: any) => boolean} fn */
  async line(fn, what = fn.toString(), from = 0) {
    const late = setTimeout(() => this.#news.reject(new Error(`no line: ${what}\n${this.errors}`)), WAIT);
    try {
      for (;;) {
        const found = this.lines.slice(from).find(fn);
        if (found !== undefined) return found;
        await this.#news.promise;
      }
    } finally {
      clearTimeout(late);
    }
  }

  /** The payloads of the messages so far. */
  get payloads() {
    return this.lines.filter((l) => l.type === "msg").map((l) => l.payload);
  }

  #tell() {
    const { resolve } = this.#news;
    this.#news = later();
    resolve();
  }
}

function later() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
