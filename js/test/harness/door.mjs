// A real door with its visitors' pages: the one that people run for themselves (goop door), and the Worker in workerd.

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
  /** Starts goop door. @param {(line: string) => void} log */
  static async native(log = () => {}) {
    const data = mkdtempSync(join(tmpdir(), "goop-door-"));
    const child = spawn(BIN, ["door", "--host", "localhost", "--listen", "127.0.0.1:0", "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        for (const line of text.trimEnd().split("\n")) log(`door: ${line}`);
      });
    }
    for (const deadline = Date.now() + WAIT; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const port = output.match(/Page +http:\/\/localhost:(\d+)\//)?.[1];
      if (port && output.includes("Ctrl-C")) {
        return new Door(port, async () => {
          child.kill("SIGTERM");
          await exited;
          rmSync(data, { recursive: true, force: true });
        });
      }
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`the door did not come up:\n${output}`);
    }
  }

  /** Starts the Worker. @param {(line: string) => void} log */
  static async workerd(log = () => {}) {
    const { open } = await import("../../../wasm/edge/run.mjs");
    const { url, close } = await open({ log: (text) => log(`workerd: ${text.trimEnd()}`) });
    return new Door(new URL(url).port, close);
  }

  constructor(port, stop) {
    this.port = port;
    this.stop = stop;
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
}
