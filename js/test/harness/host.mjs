// The real binary, started as an operator would start it.

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = fileURLToPath(new URL("../../../", import.meta.url));
const BIN = join(root, "bin/goop");

/** How long a host may take to come up, in milliseconds: on a busy machine it verifies a large database. */
const START_WAIT = 20_000;
/** How long a host may take to end after SIGTERM. */
const STOP_WAIT = 6_000;

/** A host: one data folder and one address, through any number of processes. */
export class Host {
  #process = null;
  #output = "";
  #args;
  #env;
  #log;

  /**
   * @param {{site?: string, address?: string, hub?: boolean, netns?: string, args?: string[], env?: object, origin?: string, key?: Uint8Array, log?: (line: string) => void}} options
   *   address is an IP address; hub runs the host in the hub namespace (see netns.sh), and netns in another one; origin is
   *   where pages find it, when args say that this is elsewhere; key is the file of the host's own key
   */
  constructor({ site, address = "127.0.0.1", hub = false, netns = hub ? "hub" : "", args = [], env = {}, origin, key, log = () => {} } = {}) {
    this.data = mkdtempSync(join(tmpdir(), "goop-host-"));
    if (key) writeFileSync(join(this.data, "identity.key"), key, { mode: 0o600 });
    this.address = address;
    this.port = 0;
    this.netns = netns;
    this.origin = origin;
    this.#args = [...(site ? [site] : []), "--data", this.data, ...args];
    this.#env = env;
    this.#log = log;
  }

  get url() {
    return this.origin ?? `http://${this.address}:${this.port}`;
  }

  get pid() {
    return this.#process?.pid;
  }

  /** Starts the binary; after the first time on the port that it had. Resolves when it says that it is up. */
  async start() {
    const args = ["serve", "--listen", `${this.address}:${this.port}`, "--metrics", "off", ...this.#args];
    const [command, ...prefix] = this.netns ? ["ip", "netns", "exec", this.netns, BIN] : [BIN];
    const child = spawn(command, [...prefix, ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...this.#env } });
    this.#process = child;
    this.#output = "";
    child.exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    let failed;
    child.once("error", (e) => (failed = e));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#output += text;
        for (const line of text.trimEnd().split("\n")) this.#log(`host: ${line}`);
      });
    }
    const page = new RegExp(`http://${this.address.replaceAll(".", "\\.")}:(\\d+)/`);
    const deadline = Date.now() + START_WAIT;
    while (Date.now() < deadline) {
      const port = this.origin ? this.port : this.#output.match(page)?.[1];
      if (port !== undefined && this.#output.includes("Ctrl-C")) {
        this.port = Number(port);
        return this;
      }
      if (failed || child.exitCode !== null || child.signalCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the host did not come up: ${failed ?? ""}\n${this.#output}`);
  }

  /** Ends the host as an operator does, and resolves with its exit code. */
  async stop() {
    return this.#end("SIGTERM");
  }

  /** Ends the host as a power cut does. */
  async kill() {
    return this.#end("SIGKILL");
  }

  async #end(signal) {
    const child = this.#process;
    if (!child) return undefined;
    child.kill(signal);
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, STOP_WAIT, "late")));
    const code = await Promise.race([child.exited, late]);
    clearTimeout(timer);
    if (code === "late") {
      child.kill("SIGKILL");
      await child.exited;
      throw new Error(`the host did not end within ${STOP_WAIT} ms of ${signal}`);
    }
    this.#process = null;
    return code;
  }

  /** A fresh link that makes the browser that opens it the owner. */
  async ownerLink() {
    const { stdout } = await run(BIN, ["owner-link", "--data", this.data]);
    const link = stdout.match(/https?:\/\/\S+#goop-owner=\S+/)?.[0];
    if (!link) throw new Error(`goop owner-link printed no link: ${stdout}`);
    return link;
  }

  /** Ends the host if it runs, and removes its data. */
  async dispose() {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}
