// Goop under measurement: the real host with the limits raised that the work needs, and native members who send.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Host, root } from "../test/harness/host.mjs";
import { WORLDS } from "../test/harness/worlds.mjs";
import { Child } from "./child.mjs";
import { sum } from "./sizes.mjs";

const LIMITS = ["rate=100000", "bandwidth=1GiB", "joins=100000", "memory-entries=1000000", "memory-bytes=1GiB"];

export class Goop {
  wasm = true;

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
    this.version = execFileSync(join(root, "bin/goop"), ["version"], { encoding: "utf8" }).trim();
    this.sizes = {
      wasm: sum([join(root, "js/dist/member.wasm")]),
      scripts: sum([join(root, "js/dist/wasm_exec.js"), join(root, "js/goop.js")]),
    };
  }

  /** The processes that are not the browser's. */
  get pids() {
    return { host: this.host.pid, ...(this.sender ? { sender: this.sender.pid } : {}) };
  }

  /** Members who are there before the page opens, so that a measurement of sending has no join in it. */
  async prepare(members) {
    if (this.members === members) return;
    this.sender?.end();
    this.sender = new Child(join(root, "bin/bench-page-sender"), ["--url", this.host.url, "--members", String(members)]);
    await this.sender.next();
    this.members = members;
  }

  /** Has count messages sent to the page; resolves with how long that took by the sender's own clock. */
  async send(count, size) {
    return this.sender.ask({ count, size });
  }

  async stop() {
    this.sender?.end();
    await this.host?.dispose();
  }
}
