// Serves the pages that are measured beside Goop's: node server.mjs ADDRESS libp2p HOST'S-MULTIADDR, or
// node server.mjs ADDRESS socketio. It bundles the page, serves it compressed and to be kept, as a build of
// such a page would be, and is Socket.IO's server. It says on a line where it is, and sends what it is told on
// its standard input: {"count":200000,"size":150}; "queue" asks for an answer as soon as all is queued.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [address, page, multiaddr] = process.argv.slice(2);
const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL(`${page}.mjs`, import.meta.url))],
  bundle: true, minify: true, format: "esm", target: "es2022", write: false, define: { "process.env.NODE_ENV": '"production"' },
});
const script = Buffer.from(outputFiles[0].contents);
const encoded = { br: brotliCompressSync(script), gzip: gzipSync(script, { level: 9 }) };
const html = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Bench</title><script type="module" src="/page.js"></script></head><body></body></html>\n';

const server = createServer((request, response) => {
  if (request.url === "/page.js") {
    const encoding = ["br", "gzip"].find((e) => request.headers["accept-encoding"]?.includes(e));
    const body = encoded[encoding] ?? script;
    response.writeHead(200, {
      "Content-Type": "text/javascript", "Cache-Control": "max-age=31536000, immutable", "Content-Length": body.length,
      ...(encoding ? { "Content-Encoding": encoding } : {}),
    });
    response.end(body);
  } else if (request.url === "/address") response.writeHead(200, { "Content-Type": "text/plain" }).end(multiaddr);
  else if (request.url === "/") response.writeHead(200, { "Content-Type": "text/html" }).end(html);
  else response.writeHead(404).end();
});

/** The page that joined last. */
let member;
if (page === "socketio") {
  const { Server } = await import("socket.io");
  new Server(server).on("connection", (socket) => {
    socket.on("join", () => {
      member = socket;
      socket.emit("welcome");
    });
    socket.on("msg", (_, acknowledge) => acknowledge());
  });
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const { count, size, queue } = JSON.parse(line);
    const start = performance.now();
    const padding = "x".repeat(size);
    for (let n = 0; n < count; n++) {
      const empty = `{"s":1,"n":${n},"x":""}`.length;
      member.emit("msg", { s: 1, n, x: padding.slice(empty) });
      // Some at a time, so that what is written can leave.
      if (n % 500 === 499) await new Promise(setImmediate);
    }
    while (!queue && member.conn.transport.socket.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    say({ sent: count, ms: performance.now() - start });
  });
}

server.listen(0, address, () => say({
  url: `http://${address}:${server.address().port}/`, sizes: { raw: script.length, gzip: encoded.gzip.length, brotli: encoded.br.length },
}));
