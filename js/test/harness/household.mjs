// A home behind a router, the internet before it, and a door there, each in a network of its own: on top of netns.sh.
//
//   page namespace         hub namespace             router namespace                  machine namespace
//     visitors               the door                  wan0 44.1.1.3  NAT  lan0          192.168.7.2: the host
//     44.1.1.2 (page0) ──── bridge br0 44.1.1.1 ────── (forwards UDP 7999) 192.168.7.1 ─┤ sofa namespace
//                                                                                        └ 192.168.7.3: somebody at home
//
// The addresses look like the internet's, and nothing leaves the namespaces. The router is Linux: nftables masquerades what
// goes out, forwards one UDP port, and drops whatever else comes in. The switch at home has a namespace too: a bridge in the
// router's would have its packets filtered as well.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./host.mjs";

const BIN = join(root, "bin/goop");
/** How long the door may take to come up, in milliseconds. */
const START_WAIT = 20_000;

export const NAME = "door.test";
export const DOOR = "44.1.1.1";
const VISITOR = "44.1.1.2";
export const ROUTER = "44.1.1.3";
export const MACHINE = "192.168.7.2";
/** The port of the router, and that of the host to which it is forwarded. */
export const PORT = 7999;
export const HOST_PORT = 7780;

const ROUTES = `
table ip home {
  chain in {
    type nat hook prerouting priority -100
    iifname "wan0" udp dport ${PORT} dnat to ${MACHINE}:${HOST_PORT}
  }
  chain out {
    type nat hook postrouting priority 100
    oifname "wan0" masquerade
  }
  chain through {
    type filter hook forward priority 0; policy drop
    iifname "lan0" accept
    ct state established,related accept
    ct status dnat accept
  }
}
`;

/** What makes the router let its own network come in again by its address outside, as some do. */
const HAIRPIN = `
table ip home {
  chain in {
    ip daddr ${ROUTER} udp dport ${PORT} dnat to ${MACHINE}:${HOST_PORT}
  }
  chain out {
    oifname "lan0" ip daddr ${MACHINE} ct status dnat masquerade
  }
}
`;

const run = (line, input) => execFileSync(line.split(" ")[0], line.split(" ").slice(1), { input, stdio: ["pipe", "pipe", "inherit"] });
const each = (lines) => lines.trim().split("\n").forEach((line) => run(line.trim()));

export class Household {
  #child;
  #hosts = readFileSync("/etc/hosts", "utf8");

  /** @param {(line: string) => void} log */
  static async start(log) {
    const self = new Household();
    self.folder = mkdtempSync(join(tmpdir(), "goop-household-"));
    each(`ip netns add router
      ip netns add switch
      ip netns add machine
      ip netns add sofa
      ip -n hub addr add ${DOOR}/24 dev br0
      ip addr add ${VISITOR}/24 dev page0
      ip link add wan0 netns router type veth peer name port1 netns hub
      ip -n hub link set port1 master br0 up
      ip -n router addr add ${ROUTER}/24 dev wan0
      ip -n router link set wan0 up
      ip -n router link set lo up
      ip -n switch link add lan type bridge
      ip -n switch link set lan up
      ip link add lan0 netns router type veth peer name router netns switch
      ip -n switch link set router master lan up
      ip -n router addr add 192.168.7.1/24 dev lan0
      ip -n router link set lan0 up`);
    for (const [name, address] of [["machine", MACHINE], ["sofa", "192.168.7.3"]]) {
      each(`ip link add eth0 netns ${name} type veth peer name ${name} netns switch
        ip -n switch link set ${name} master lan up
        ip -n ${name} link set lo up
        ip -n ${name} addr add ${address}/24 dev eth0
        ip -n ${name} link set eth0 up
        ip -n ${name} route add default via 192.168.7.1`);
    }
    run("ip netns exec router tee /proc/sys/net/ipv4/ip_forward", "1");
    run("ip netns exec router nft -f -", ROUTES);
    self.named(NAME);
    await self.#open(log);
    return self;
  }

  /** Lets all machines know a name as the door's. */
  named(name) {
    writeFileSync("/etc/hosts", `${readFileSync("/etc/hosts", "utf8")}${DOOR} ${name}\n`);
  }

  /** From here on the router's own network gets in by its address outside, too. */
  hairpin() {
    run("ip netns exec router nft -f -", HAIRPIN);
  }

  /** The door: goop door, with a certificate of its own authority, which is ca. */
  async #open(log) {
    const file = (name) => join(this.folder, name);
    this.ca = file("ca.pem");
    const certificate = (name, key, ...more) => execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-days", "7", "-subj", "/CN=test", "-out", file(name), "-keyout", file(key), ...more], { stdio: "pipe" });
    certificate("ca.pem", "ca.key");
    certificate("cert.pem", "key.pem", "-CA", this.ca, "-CAkey", file("ca.key"), "-addext", `subjectAltName=DNS:${NAME},DNS:*.${NAME}`,
      "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth");
    const args = ["door", "--host", NAME, "--listen", `${DOOR}:443`, "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--data", file("door"), "--log-level", "debug"];
    this.#child = spawn("ip", ["netns", "exec", "hub", BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.exited = new Promise((resolve) => this.#child.once("exit", resolve));
    await new Promise((resolve, reject) => {
      let output = "";
      const late = setTimeout(() => reject(new Error(`the door does not come up: ${output}`)), START_WAIT);
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
          output += text;
          for (const line of text.trimEnd().split("\n")) log(`door: ${line}`);
          if (!output.includes("Ctrl-C")) return;
          clearTimeout(late);
          resolve();
        });
      }
      this.exited.then(() => reject(new Error(`the door has ended: ${output}`)));
    });
  }

  async stop() {
    this.#child?.kill();
    await this.exited;
    each(`ip netns del router
      ip netns del switch
      ip netns del machine
      ip netns del sofa
      ip -n hub addr del ${DOOR}/24 dev br0
      ip addr del ${VISITOR}/24 dev page0`);
    writeFileSync("/etc/hosts", this.#hosts);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
