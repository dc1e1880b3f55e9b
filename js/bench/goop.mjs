// Goop under measurement: the real host with the limits raised that the work needs, and native members who send.

import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Host, root } from "../test/harness/host.mjs";
import { WORLDS } from "../test/harness/worlds.mjs";

const LIMITS = ["rate=100000", "bandwidth=1GiB", "joins=100000", "memory-entries=1000000", "memory-bytes=1GiB"];

export class Goop {
  wasm = true;
  files = { wasm: [join(root, "js/dist/member.wasm")], scripts: [join(root, "js/dist/wasm_exec.js"), join(root, "js/goop.js")] };

  constructor(transport) {
    this.transport = transport;
    this.key = `goop-${transport}`;
    this.name = `Goop, ${transport}`;
  }

  async start() {
    const { address, hub } = WORLDS[this.transport];
    this.host = new Host({ site: join(root, "js/bench/site"), address, hub, args: LIMITS.flatMap((l) => ["--limit", l]) });
    await this.host.start();
    // Where the page can reach what runs beside it.
    this.address = hub ? "10.77.0.2" : address;
    this.url = `${this.host.url}/index.html`;
    this.versions = { goop: execFileSync(join(root, "bin/goop"), ["version"], { encoding: "utf8" }).trim() };
  }

  /** The processes that are not the browser's. */
  get pids() {
    return { host: this.host.pid, ...(this.sender ? { sender: this.sender.pid } : {}) };
  }

  /** Has count messages sent to the page; resolves with how long that took by the sender's own clock. */
  async send(count, size, members) {
    if (this.members !== members) await this.#launch(members);
    this.sender.stdin.write(JSON.stringify({ count, size }) + "\n");
    return this.#line();
  }

  async #launch(members) {
    this.#end();
    const child = spawn(join(root, "bin/bench-page-sender"), ["--url", this.host.url, "--members", String(members)], { stdio: ["pipe", "pipe", "inherit"] });
    this.sender = child;
    this.members = members;
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await this.#line();
  }

  /** Members who are there before the page opens, so that a measurement of sending has no join in it. */
  async prepare(members) {
    if (this.members !== members) await this.#launch(members);
  }

  async #line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the sender has ended");
    return JSON.parse(value);
  }

  #end() {
    this.sender?.kill();
    this.sender = this.members = undefined;
  }

  async stop() {
    this.#end();
    await this.host?.dispose();
  }
}
