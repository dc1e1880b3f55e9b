// Pebble, Let's Encrypt's certificate authority for tests, in the hub namespace, with a DNS server in which every
// name is the hub's address. Versions are those of .ci/pebble.mod.

import { execFile, spawn } from "node:child_process";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./host.mjs";

const run = promisify(execFile);
const HUB = "10.77.0.1";
/** The name of the hub: /etc/hosts has it within netns.sh. */
export const NAME = "goop.test";

/** How long it may take to come up, in milliseconds. */
const START_WAIT = 20_000;

/** The path of a program of .ci/pebble.mod, which is built when that was not done yet. */
async function tool(name) {
  const { stdout } = await run("go", ["tool", "-modfile=.ci/pebble.mod", "-n", name], { cwd: root });
  return stdout.trim();
}

/** An answer of Pebble's own servers. */
function get(url, ca) {
  return new Promise((resolve, reject) => {
    const q = request(url, { ca }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (t) => (text += t)).on("end", () => resolve(text));
    });
    q.on("error", reject).end();
  });
}

export class Pebble {
  #children = [];
  #output = "";

  /** What goop serve takes to ask it. */
  get flags() {
    return ["--acme-ca", this.directory, "--acme-root", this.ca];
  }

  async start() {
    this.folder = mkdtempSync(join(tmpdir(), "goop-pebble-"));
    this.directory = `https://${HUB}:14000/dir`;
    this.ca = join(this.folder, "cert.pem");
    const { stdout: goroot } = await run("go", ["env", "GOROOT"]);
    await run("go", ["run", join(goroot.trim(), "src/crypto/tls/generate_cert.go"), "-ca", "-ecdsa-curve", "P256", "-host", HUB], { cwd: this.folder });
    const config = join(this.folder, "config.json");
    writeFileSync(config, JSON.stringify({
      pebble: {
        listenAddress: `${HUB}:14000`, managementListenAddress: `${HUB}:15000`, certificate: this.ca, privateKey: join(this.folder, "key.pem"),
        httpPort: 80, tlsPort: 443, retryAfter: { authz: 1, order: 1 },
        profiles: { default: { description: "for tests", validityPeriod: 7_776_000 } },
      },
    }));
    const dns = "127.0.0.1:8053";
    this.#spawn(await tool("pebble-challtestsrv"), "-dnsserver", dns, "-defaultIPv4", HUB, "-defaultIPv6", "", "-management", "127.0.0.1:8055",
      "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "");
    this.#spawn(await tool("pebble"), "-config", config, "-dnsserver", dns);
    const deadline = Date.now() + START_WAIT;
    for (;;) {
      try {
        const text = await get(`https://${HUB}:15000/roots/0`, readFileSync(this.ca));
        this.root = join(this.folder, "root.pem"); // of what it gives
        writeFileSync(this.root, text);
        return this;
      } catch (e) {
        if (Date.now() > deadline) throw new Error(`Pebble did not come up: ${e}\n${this.#output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #spawn(command, ...args) {
    const child = spawn("ip", ["netns", "exec", "hub", command, ...args], { env: { ...process.env, PEBBLE_VA_NOSLEEP: "1" } });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.#output = (this.#output + text).slice(-65_536)));
    }
    child.exited = new Promise((resolve) => child.once("exit", resolve));
    this.#children.push(child);
  }

  async stop() {
    for (const child of this.#children) {
      child.kill();
      await child.exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
