// What the Worker costs, in the CPU time of its process: in workerd alone, without miniflare, whose own work is ten
// times that of a read. The database and the counters are stand-ins that cost next to nothing; at Cloudflare they are other
// machines' work. The figures in docs/door.md are from here.
//
//   node wasm/edge/measure.mjs [requests]
//
// after ./build.sh run-door, which builds the Worker and gets workerd.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import workerdModule from "workerd";
import { Announcer, body, webtransport } from "../../js/test/harness/announcement.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = join(here, "../../bin/edge/worker");
const MODULES = ["entry.mjs", "files.mjs", "hosts.mjs", "judge.mjs", "network.mjs", "runtime.mjs", "wasm_exec.js"];
const TICK = 10; // of /proc/…/stat, in milliseconds
const FROM = "8.8.8.8";
const COUNT = Number(process.argv[2] ?? 2000);

/** The Worker with its stand-ins. */
const WRAPPER = `
import worker from "./entry.mjs";
const rows = new Map();
const DB = { prepare: (sql) => ({ bind: (...v) => ({
  async first(column) {
    const row = rows.get(v[0]) ?? null;
    return column ? row?.public : row;
  },
  async run() {
    const [label, seq, p, local, network, scope, announced, expires, forget, pace] = v;
    rows.set(label, { seq, public: p && Array.from(p), local: local && Array.from(local), pace: 0 });
    return { meta: { changes: 1 } };
  },
}) }) };
const counter = { limit: async () => ({ success: true }) };
const ASSETS = { fetch: async () => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } }) };
const env = { DOOR: "localhost", DB, RATE: counter, NEW_HOSTS: counter, ASSETS };
const { Instance } = WebAssembly;
let memory;
WebAssembly.Instance = function (...args) {
  const instance = new Instance(...args);
  memory = instance.exports.mem;
  return instance;
};
WebAssembly.Instance.prototype = Instance.prototype;
export default {
  fetch: (request, _, ctx) => new URL(request.url).pathname === "/memory" ? new Response(memory.buffer.byteLength) : worker.fetch(request, env, ctx),
};
`;

const config = (port) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "door", worker = (
    compatibilityDate = "2026-04-01",
    modules = [
      (name = "wrapper.mjs", esModule = embed "wrapper.mjs"),
      ${MODULES.map((name) => `(name = "${name}", esModule = embed "worker/${name}"),`).join("\n      ")}
      (name = "app.wasm", wasm = embed "worker/app.wasm"),
    ],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "door")],
);
`;

const folder = mkdtempSync(join(tmpdir(), "goop-measure-"));
symlinkSync(built, join(folder, "worker"));
writeFileSync(join(folder, "wrapper.mjs"), WRAPPER);
writeFileSync(join(folder, "config.capnp"), config(0));
const began = performance.now();
const workerd = spawn(workerdModule.default ?? workerdModule, ["serve", "config.capnp", "--control-fd=3"], { cwd: folder, stdio: ["ignore", "inherit", "inherit", "pipe"] });
const port = await new Promise((resolve, reject) => {
  workerd.once("exit", () => reject(new Error("workerd has ended")));
  workerd.stdio[3].on("data", (text) => {
    const listens = text.toString().match(/"event":"listen".*"port":(\d+)/);
    if (listens) resolve(Number(listens[1]));
  });
});
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask(method, path, payload) {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: "127.0.0.1", port, method, path, headers: { Host: `localhost:${port}`, "CF-Connecting-IP": FROM } }, (got) => {
      let text = "";
      got.setEncoding("utf8").on("data", (part) => (text += part));
      got.on("end", () => resolve({ status: got.statusCode, text }));
    });
    sent.on("error", reject);
    sent.end(payload);
  });
}

/** CPU time and memory of a process. */
function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  const memory = Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]) / 1024;
  return { cpu: (Number(fields[11]) + Number(fields[12])) * TICK, memory };
}

async function measure(what, status, requests) {
  const before = used(workerd.pid).cpu;
  for (const each of requests) {
    const got = await ask(...each);
    if (got.status !== status) throw new Error(`${what}: status ${got.status}`);
  }
  const after = used(workerd.pid);
  console.log(`${what.padEnd(48)} ${((after.cpu - before) / requests.length).toFixed(2).padStart(6)} ms CPU, ${after.memory.toFixed(0)} MB`);
}

const path = (host) => `/goop/door/1/hosts/${host.label}`;
const hosts = Array.from({ length: COUNT }, () => new Announcer());
const announcements = hosts.map((host) => {
  const seq = host.next();
  const one = webtransport(FROM) + `/certhash/${"cd".repeat(32)}`;
  return ["PUT", path(host), body(host.envelope([one], { seq }), host.envelope([one, webtransport("192.168.1.5")], { seq }))];
});
const forged = announcements.map(([method, where, bytes]) => [method, where, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1) ^ 1])])]);
const many = (...one) => Array(COUNT).fill(one);

try {
  console.log(`from the start of workerd to its first answer  ${(await ask("GET", "/nothing"), (performance.now() - began).toFixed(0)).padStart(8)} ms`);
  await measure("the first announcement, which starts Go", 204, announcements.slice(0, 1));
  await measure("warming up", 404, many("GET", "/nothing"));
  await measure("a path that is not there (JavaScript alone)", 404, many("GET", "/nothing"));
  await measure("the record of a host", 200, many("GET", path(hosts[0])));
  await measure("a page", 200, many("GET", "/"));
  await measure("an announcement that is too long", 413, many("PUT", path(hosts[0]), Buffer.alloc(8193)));
  await measure("announcements, warming up", 204, announcements.slice(0, 200));
  await measure("an announcement of two records, kept", 204, announcements.slice(200));
  await measure("a forged announcement", 400, forged);
  console.log(`memory of the Go program: ${Number((await ask("GET", "/memory")).text).toLocaleString("en")} bytes`);
  const sizes = [...MODULES, "app.wasm"].map((name) => readFileSync(join(built, name)));
  const sum = (list) => list.reduce((n, b) => n + b.length, 0).toLocaleString("en");
  console.log(`the Worker: ${sum(sizes)} bytes, gzip ${sum(sizes.map((b) => gzipSync(b, { level: 9 })))}; the Go program alone ${statSync(join(built, "app.wasm")).size.toLocaleString("en")}`);
} finally {
  workerd.removeAllListeners("exit");
  workerd.kill();
  rmSync(folder, { recursive: true, force: true });
}
