// A door that serves what a real one serves, and records that the test chooses: false ones, or none.

import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./host.mjs";

const FILES = join(root, "js/dist/door");
const TYPES = { js: "text/javascript", css: "text/css", html: "text/html; charset=utf-8", wasm: "application/wasm" };

export class Faker {
  /** The records by label: bytes, or nothing for a host that is away. @type {Map<string, Uint8Array>} */
  records = new Map();
  /** A label for which there is no host. */
  label = "k51qzi5uqu5dlq3o0h59x4j4ehgjk178orxat0674tb9kzmfckvhujnx5j9dw3";
  /** Whether it answers nothing when it is asked for a record. */
  silent = false;
  /** Files in place of the real ones, by name; null for one that is not there. @type {Map<string, Uint8Array | null>} */
  replaced = new Map();

  /** @param {string} name under which browsers know the door; each host is a name below it */
  static async start(name = "localhost") {
    const self = new Faker();
    const headers = JSON.parse(readFileSync(join(FILES, "headers.json"), "utf8"));
    self.server = createServer((request, response) => {
      const label = request.headers.host.split(".")[0];
      const { pathname } = new URL(request.url, "http://door");
      const send = (status, more, body) => response.writeHead(status, { ...headers, ...more }).end(body);
      if (pathname === "/goop/door/1/record") {
        if (self.silent) return;
        const record = self.records.get(label);
        if (record) send(200, { "Content-Type": "application/octet-stream", "Cache-Control": "no-store" }, record);
        else send(404, { "Content-Type": "application/json", "Cache-Control": "no-store" }, '{"error":{"code":"not_found","message":"away"}}');
        return;
      }
      const file = pathname.match(/^\/goop\/door\/([\w.-]+)$/)?.[1] ?? (pathname.startsWith("/goop/door/") ? "none" : request.headers.host.startsWith(self.name) ? "index.html" : "visit.html");
      const body = self.file(file);
      if (!body) return send(404, {}, "");
      send(200, {
        "Content-Type": TYPES[file.split(".").at(-1)],
        "Cache-Control": /-[0-9a-f]{20}\./.test(file) ? "public, max-age=31536000, immutable" : "no-store",
        ...(file === "sw.js" ? { "Service-Worker-Allowed": "/" } : {}),
      }, body);
    });
    await new Promise((resolve) => self.server.listen(0, "127.0.0.1", resolve));
    self.name = name;
    self.port = self.server.address().port;
    return self;
  }

  /** What lies at /goop/door/ and a name, or null. */
  file(name) {
    const path = join(FILES, name);
    return this.replaced.has(name) ? this.replaced.get(name) : existsSync(path) ? readFileSync(path) : null;
  }

  /** Where a host is, for a page. */
  origin(label) {
    return `http://${label}.${this.name}:${this.port}`;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
