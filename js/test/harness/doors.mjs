// Both doors, behind one small interface, so that the same tests hold them to the same answers: the one of the real
// binary (goop door), and the Worker in real workerd. Pages of visitors come from either.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./host.mjs";

/** How long a door may take to come up, in milliseconds, and a host to be known to it. */
const START_WAIT = 30_000;

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

/** @typedef {Awaited<ReturnType<typeof worker>>} Door */

/**
 * The Worker, under a name. Its database is at hand, because nobody waits for ten minutes.
 * @param {string} name
 * @param {(text: string) => void} say takes what workerd says, until a test listens itself
 */
export async function worker(name = "localhost", say = (text) => process.stderr.write(text)) {
  const { open } = await import("../../../wasm/edge/run.mjs");
  const log = { line: say };
  const door = await open({ name, log: (text) => log.line(text) });
  return { ...at(door.url, "CF-Connecting-IP"), log, worker: door.worker, db: await door.worker.getD1Database("DB"), close: door.close };
}

/**
 * goop door, behind a proxy that it trusts: the test.
 * @param {(text: string) => void} log takes what it says
 */
export async function native(log = () => {}) {
  const data = mkdtempSync(join(tmpdir(), "goop-door-"));
  const args = ["door", "--host", "localhost", "--listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1", "--data", data];
  const child = spawn(join(root, "bin/goop"), args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    let output = "";
    const late = setTimeout(() => reject(new Error(`the door does not come up: ${output}`)), START_WAIT);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        log(`door: ${text.trimEnd()}`);
        const listens = output.match(/Listens +127\.0\.0\.1:(\d+)/);
        if (!listens) return;
        clearTimeout(late);
        resolve(`http://localhost:${listens[1]}`);
      });
    }
    exited.then(() => reject(new Error(`the door has ended: ${output}`)));
    child.once("error", reject);
  });
  return {
    ...at(url, "X-Forwarded-For"),
    async close() {
      child.kill("SIGTERM");
      await exited;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A door at an address; from is the header in which it reads where a request comes from. */
function at(url, from) {
  const { host: own, port } = new URL(url);

  /**
   * One request on a connection of its own: a door that refuses a body does not read it to its end.
   * @param {string} method
   * @param {string} path
   * @param {{host?: string, from?: string, headers?: object, body?: Buffer | string}} options
   *   host is a label or "" for the door's own origin; from is the visitor's or announcer's address
   * @returns {Promise<{status: number, headers: import("node:http").IncomingHttpHeaders, body: Buffer, error?: any}>}
   */
  function ask(method, path, { host = "", from: address, headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      let answered = false;
      const sent = request({
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: false,
        headers: { Host: `${host && `${host}.`}${own}`, ...(address ? { [from]: address } : {}), ...headers },
      });
      sent.on("response", (got) => {
        answered = true;
        const chunks = [];
        got.on("data", (chunk) => chunks.push(chunk));
        got.on("error", reject);
        got.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const json = got.headers["content-type"] === "application/json";
          resolve({ status: got.statusCode, headers: got.headers, body: bytes, error: json ? JSON.parse(bytes.toString()).error : undefined });
        });
      });
      sent.on("error", (e) => answered || reject(e)); // it may be the rest of a body that nobody wanted
      sent.end(body);
    });
  }

  return {
    /** What goop serve --door is told, such as "http://localhost:7790". */
    url: new URL(url).origin,
    ask,
    /** PUTs an announcement of a label. */
    announce: (label, from, body) => ask("PUT", `/goop/door/1/hosts/${label}`, { from, body }),
    /** What a visitor is given of a host, on the host's own origin. */
    read: (label, from) => ask("GET", "/goop/door/1/record", { host: label, from }),
    /** Waits until the door has a record of the host, and returns where it is for a page. */
    async knows(host) {
      const label = labelOf(await peerOf(host));
      for (const deadline = Date.now() + START_WAIT; (await ask("GET", `/goop/door/1/hosts/${label}`)).status !== 200; await new Promise((resolve) => setTimeout(resolve, 50))) {
        if (Date.now() > deadline) throw new Error("the host is not known to the door");
      }
      return `http://${label}.${own}`;
    },
  };
}
