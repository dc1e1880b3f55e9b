// What is measured beside Goop: a page of js-libp2p with a host of go-libp2p, and one of Socket.IO with its
// server. Their code, and what they need, lies in host/bench/peers/page and page-libp2p.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../test/harness/host.mjs";
import { WORLDS } from "../test/harness/worlds.mjs";
import { Child } from "./child.mjs";

const PEERS = join(root, "host/bench/peers/page");
const NOTHING = { raw: 0, gzip: 0, brotli: 0 };

const version = (name) => JSON.parse(readFileSync(join(PEERS, "node_modules", name, "package.json"), "utf8")).version;

class Peer {
  wasm = false;

  async serve(...args) {
    const { hub, address } = WORLDS[this.transport];
    this.address = hub ? "10.77.0.2" : address;
    const command = ["node", join(PEERS, "server.mjs"), address, ...args];
    this.server = new Child(...split(hub ? ["ip", "netns", "exec", "hub", ...command] : command));
    const { url, sizes } = await this.server.next();
    this.url = url;
    this.sizes = { wasm: NOTHING, scripts: sizes };
  }

  async prepare() {}

  /** Has count messages sent; with held, resolves as soon as they are queued. */
  async send(count, size, held) {
    return this.source.ask({ count, size, queue: held });
  }

  get pids() {
    return { host: this.source.pid };
  }

  async stop() {
    this.server?.end();
    this.source?.end();
  }
}

const split = ([command, ...args]) => [command, args];

export class Libp2p extends Peer {
  key = "libp2p-webtransport";
  name = "js-libp2p, webtransport";
  transport = "webtransport";

  async start() {
    this.source = new Child(join(root, "bin/bench-page-libp2p"), ["--address", WORLDS.webtransport.address]);
    await this.serve("libp2p", (await this.source.next()).address);
    this.version = `libp2p ${version("libp2p")}, @libp2p/webtransport ${version("@libp2p/webtransport")}`;
  }
}

export class SocketIO extends Peer {
  key = "socketio-websocket";
  name = "Socket.IO, websocket";
  transport = "websocket";

  async start() {
    await this.serve("socketio");
    this.source = this.server;
    this.version = `socket.io-client ${version("socket.io-client")}, socket.io ${version("socket.io")}`;
  }
}
