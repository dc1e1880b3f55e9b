// The real door, as somebody would run it for themselves.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./host.mjs";

const BIN = join(root, "bin/goop");
/** How long a door may take to come up, in milliseconds, and a host to be known to it. */
const WAIT = 20_000;

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** The first part of the name that a host has at a door. */
export function labelOf(peer) {
  const multihash = [...peer].reduce((n, c) => n * 58n + BigInt(BASE58.indexOf(c)), 0n);
  return `k${((0x0172n << 304n) | multihash).toString(36)}`;
}

/** The peer id of a host that runs. */
export async function peerOf(host) {
  return (await (await fetch(`${host.url}/goop/host.json`)).json()).peer;
}

export class Door {
  #process;
  #output = "";
  #data = mkdtempSync(join(tmpdir(), "goop-door-"));

  /** @param {{listen?: string, log?: (line: string) => void}} options listen is an IP address */
  static async start({ listen = "127.0.0.1", log = () => {} } = {}) {
    const self = new Door();
    self.#process = spawn(BIN, ["door", "--host", "localhost", "--listen", `${listen}:0`, "--data", self.#data], { stdio: ["ignore", "pipe", "pipe"] });
    self.exited = new Promise((resolve) => self.#process.once("exit", resolve));
    for (const stream of [self.#process.stdout, self.#process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        self.#output += text;
        for (const line of text.trimEnd().split("\n")) log(`door: ${line}`);
      });
    }
    for (const deadline = Date.now() + WAIT; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
      self.port = Number(self.#output.match(/Page +http:\/\/localhost:(\d+)\//)?.[1]);
      if (self.port && self.#output.includes("Ctrl-C")) return self;
      if (Date.now() > deadline || self.#process.exitCode !== null) throw new Error(`the door did not come up:\n${self.#output}`);
    }
  }

  /** What goop serve --door is told. */
  get url() {
    return `http://localhost:${this.port}`;
  }

  /** Waits until the door has a record of the host, and returns where it is for a page. */
  async knows(host) {
    const label = labelOf(await peerOf(host));
    for (const deadline = Date.now() + WAIT; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      if ((await fetch(`${this.url}/goop/door/1/hosts/${label}`)).ok) return `http://${label}.localhost:${this.port}`;
      if (Date.now() > deadline) throw new Error("the host is not known to the door");
    }
  }

  async stop() {
    this.#process.kill("SIGTERM");
    await this.exited;
    rmSync(this.#data, { recursive: true, force: true });
  }
}
