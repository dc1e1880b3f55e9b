// A member of a Goop host, on js-libp2p and nothing of Goop's. docs/protocol.md is all that one needs to know; its
// headings are named below. What it does:
//
//   node member.mjs http://192.168.1.5:7780 lobby [key-file]
//
// Lines that are typed are messages; what happens in the group is printed. After a lost connection it goes on where
// it was, and nothing is lost or said twice.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { tcp } from "@libp2p/tcp";
import { webSockets } from "@libp2p/websockets";
import { multiaddr } from "@multiformats/multiaddr";
import { pushable } from "it-pushable";
import { createLibp2p } from "libp2p";

// Node 20 does not have this yet, and parts of libp2p take it for granted.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
};

const GROUP = "/goop/group/1.0.0";
const DATA = "/goop/data/1.0.0";
const MAX_LINE = 4 << 20; // bytes; the host's lines are no longer
const HEARTBEAT = 5_000; // ms between questions for the time
const SILENCE = 3_000; // ms without an answer after which the connection is dead
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const random = (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");

/** A refusal of the host. */
export class Refused extends Error {
  constructor({ code, message, fatal = false, retryAfter = 0 }) {
    super(`${code}: ${message}`);
    Object.assign(this, { code, fatal, retryAfter });
  }
}

// ---- Connecting -------------------------------------------------------------------------------------

/** The key is the identity: whoever has it is this member. The file is libp2p's own format, as goop join --key has it. */
async function identity(file) {
  if (file && existsSync(file)) return privateKeyFromProtobuf(readFileSync(file));
  const key = await generateKeyPair("Ed25519");
  if (file) writeFileSync(file, privateKeyToProtobuf(key), { mode: 0o600 });
  return key;
}

/** A libp2p node that listens nowhere: the member opens all streams. */
export async function createNode(keyFile) {
  return createLibp2p({
    privateKey: await identity(keyFile),
    transports: [webSockets(), tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // The host answers no libp2p pings; the heartbeat below is the protocol's own.
    connectionMonitor: { enabled: false },
  });
}

/** Asks the host where it is, anew for each connection, and dials what this node can. */
export async function dial(node, page, expected) {
  const descriptor = await (await fetch(new URL("/goop/host.json", page), { signal: AbortSignal.timeout(10_000) })).json();
  // The peer id is the host. Another one at the same address is another host.
  if (expected && descriptor.peer !== expected) throw new Refused({ code: "wrong_host", message: "another host is at this address", fatal: true });
  const addrs = descriptor.addrs.filter((a) => /\/tcp\/\d+(\/tls)?(\/ws)?\/p2p\//.test(a));
  const connection = await node.dial(addrs.map((a) => multiaddr(a)), { signal: AbortSignal.timeout(10_000) });
  return { connection, host: descriptor.peer };
}

// ---- Lines ------------------------------------------------------------------------------------------

/** Both ways a stream carries JSON objects, one a line. (In js-libp2p 3 a stream is read as it is, and written with send.) */
class Lines {
  #stream;
  #out = pushable();
  constructor(stream) {
    this.#stream = stream;
    stream.sink(this.#out).catch(() => {}); // reading tells that the stream has ended
  }

  write(object) {
    this.#out.push(new TextEncoder().encode(JSON.stringify(object) + "\n"));
  }

  async *[Symbol.asyncIterator]() {
    const decoder = new TextDecoder("utf-8", { fatal: true }); // a letter may come in two pieces
    let rest = "";
    for await (const chunk of this.#stream.source) {
      rest += decoder.decode(chunk.subarray(), { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) yield JSON.parse(line);
      if (rest.length > MAX_LINE) throw new Error("the host sends a line without an end");
    }
  }

  /** Ends this half; the host still says what it has to say. */
  end() {
    this.#out.end();
  }
}

// ---- Data -------------------------------------------------------------------------------------------

/** The data stream of one connection: requests with an id, answers in any order, and the heartbeat. */
export class Data {
  #lines;
  #last = 0;
  #waiting = new Map(); // id → {resolve, reject}
  #watches = new Map(); // id → listener

  static async open(connection) {
    const data = new Data();
    data.#lines = new Lines(await connection.newStream(DATA, { signal: AbortSignal.timeout(5_000) }));
    /** Settles when the stream ends. */
    data.ended = data.#read().catch((e) => e);
    data.#beat(connection);
    return data;
  }

  /** Sends one request, such as {op: "query", table: "moves"}, and resolves with the answer. One that writes needs a
   * random key beside the op, so that it can be sent again when no answer came. */
  ask(request) {
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#lines.write({ id, ...request });
    return answer;
  }

  /** A live query. The listener gets the first answer, with all rows, and then each change. */
  async watch(request, listener) {
    this.#watches.set(this.#last + 1, listener);
    listener(await this.ask({ op: "watch", ...request }));
  }

  async #read() {
    try {
      for await (const line of this.#lines) {
        if (line.watch) {
          this.#watches.get(line.watch)?.(line);
          continue;
        }
        if (line.error?.fatal) throw new Refused(line.error);
        const waiting = this.#waiting.get(line.id);
        this.#waiting.delete(line.id);
        if (line.error) waiting?.reject(new Refused(line.error));
        else waiting?.resolve(line);
      }
    } finally {
      for (const { reject } of this.#waiting.values()) reject(new Error("the connection was lost"));
      this.#waiting.clear();
    }
  }

  /** A connection may be dead without a word from anybody: whoever does not answer is gone. */
  async #beat(connection) {
    try {
      for (;;) {
        const late = AbortSignal.timeout(SILENCE);
        late.onabort = () => connection.abort(new Error("the host does not answer"));
        await this.ask({ op: "time" });
        late.onabort = null;
        await new Promise((resolve) => setTimeout(resolve, HEARTBEAT).unref());
      }
    } catch {
      // it is over, which `ended` tells
    }
  }
}

// ---- Groups -----------------------------------------------------------------------------------------

/** This program's part in a group, over any number of connections. */
export class Group {
  #id;
  #meta;
  #session = random(16); // names this run: joining again takes the place of the old stream
  #position; // {epoch, seq}: how far the log was read
  #outbox = new Map(); // id → {line, resolve, reject}: sent and not acknowledged
  #lines; // of the stream that has had its welcome
  #leaving = false;
  #onEvent;

  constructor(id, { meta = {}, onEvent = () => {} } = {}) {
    this.#id = id;
    this.#meta = meta;
    this.#onEvent = onEvent;
  }

  /** Sends a message, to all or to one peer; resolves with its {seq, time} once the host has it. Without a connection it waits. */
  send(payload, { to } = {}) {
    const id = random(16); // 128 bits: by it the host knows a message that comes again
    const line = { type: "msg", id, to, payload };
    const receipt = new Promise((resolve, reject) => this.#outbox.set(id, { line, resolve, reject }));
    this.#lines?.write(line); // a lost one is sent again
    return receipt;
  }

  /** Joins on a connection, and works until the stream ends. Throws Refused when that is for good. */
  async attend(connection) {
    const lines = new Lines(await connection.newStream(GROUP, { signal: AbortSignal.timeout(5_000) }));
    try {
      lines.write({ type: "join", group: this.#id, session: this.#session, meta: this.#meta, since: this.#position, caps: ["delta"] });
      for await (const line of lines) this.#take(line, lines);
    } finally {
      this.#lines = undefined;
    }
  }

  #take(line, lines) {
    if (line.type === "welcome") {
      const { epoch, seq, durable, resumed } = line.payload;
      // Another epoch of a group in memory is another log: what was sent to the old one is not repeated.
      if (this.#position && this.#position.epoch !== epoch && !durable) this.#forget("epoch_changed");
      const gap = this.#position && !resumed && (this.#position.epoch !== epoch || this.#position.seq !== seq);
      if (gap) this.#onEvent({ type: "gap", from: this.#position.seq, to: seq });
      this.#position = { epoch, seq };
      this.#onEvent(line);
      this.#lines = lines;
      this.#again();
      if (this.#leaving) this.leave();
      return;
    }
    if (line.type === "error") {
      if (line.payload.fatal) throw new Refused(line.payload);
      const mine = this.#outbox.get(line.payload.id);
      this.#outbox.delete(line.payload.id);
      if (mine) mine.reject(new Refused(line.payload));
      else this.#onEvent(line);
      return;
    }
    if (line.type === "close") {
      // After these two the group goes on: join again.
      if (["shutdown", "too_slow"].includes(line.payload.reason)) return;
      throw new Refused({ code: "closed", message: line.payload.reason, fatal: true });
    }
    // What is left is an entry with its place in the order, or a line without one: members, or a volatile message.
    const next = this.#position.seq + 1;
    if (line.ack && line.seq > next) return; // of a repeat, ahead of what is still to come: it comes once more, in its place
    const mine = line.id && this.#outbox.get(line.id);
    if (mine) {
      this.#outbox.delete(line.id);
      mine.resolve({ seq: line.seq, time: line.time });
      if (line.ack) line = { ...mine.line, ...line, own: true }; // an acknowledgement stands in the place of the entry
    }
    if (line.type === "state" && line.payload) {
      // A whole state: entries are missing, and acknowledgements may have been among them.
      this.#onEvent({ type: "gap", from: this.#position.seq, to: line.seq });
      this.#position = { epoch: line.payload.epoch, seq: line.seq };
      this.#again();
    } else if (line.seq) {
      const passed = line.type === "state" && !line.patch && !line.ack; // a seq alone stands for all entries up to it
      if (line.seq < next) return; // had it, or the acknowledgement of a repeat
      if (line.seq > next && !passed) throw new Error("an entry is missing");
      this.#position.seq = line.seq;
    }
    if (!line.ack || line.own) this.#onEvent(line);
  }

  /** Sends what was not acknowledged: in its order, with its ids. */
  #again() {
    for (const { line } of this.#outbox.values()) this.#lines.write(line);
  }

  #forget(code) {
    for (const { reject } of this.#outbox.values()) reject(new Refused({ code, message: "the log began anew" }));
    this.#outbox.clear();
  }

  /** Leaves: what was sent before is still acknowledged. */
  leave() {
    this.#leaving = true;
    this.#lines?.write({ type: "leave" });
    this.#lines?.end();
  }
}

// ---- All together -----------------------------------------------------------------------------------

/** Keeps a connection with the group on it until the signal, or until the host refuses for good. */
export async function stay(node, page, group, { signal, onData = () => {}, log = console.error } = {}) {
  let host;
  for (let pause = 100; !signal?.aborted; pause = Math.min(2 * pause, 15_000)) {
    let connection;
    try {
      ({ connection, host } = await dial(node, page, host));
      const data = await Data.open(connection);
      onData(data, connection.remoteAddr.toString());
      pause = 100;
      await Promise.race([group.attend(connection), data.ended.then((e) => { throw e ?? new Error("the data stream ended"); })]);
    } catch (e) {
      if (e instanceof Refused && e.fatal && !["rate_limited", "too_slow", "internal", "timeout"].includes(e.code)) throw e;
      if (!signal?.aborted) log(`${e.message}; trying again`);
      pause = Math.max(pause, e.retryAfter ?? 0);
    } finally {
      connection?.abort(new Error("it is over")); // to close it would wait for the data stream, which does not end by itself
    }
    if (!signal?.aborted) await sleep(pause * (0.5 + Math.random()));
  }
}

/** The value that a line is, or else the text. */
function json(line) {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

async function main([page, id, keyFile]) {
  if (!page || !id) throw new Error("usage: node member.mjs PAGE GROUP [KEY-FILE]");
  const node = await createNode(keyFile);
  const group = new Group(id, { meta: { label: "js-libp2p" }, onEvent: (e) => console.log(JSON.stringify(e)) });
  const over = new AbortController();
  const typed = createInterface({ input: process.stdin });
  typed.on("line", (line) => group.send(json(line)).then((r) => console.error("entry", r.seq), (e) => console.error(e.message)));
  typed.on("close", () => {
    over.abort();
    group.leave();
  });
  await stay(node, page, group, {
    signal: over.signal,
    onData: async (data, address) => {
      console.error("connected to", address);
      const { rows } = await data.ask({ op: "query", table: "_groups", columns: ["name", "members"] });
      console.error("groups:", JSON.stringify(rows));
    },
  });
  await node.stop();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((e) => {
    console.error(e.message);
    process.exit(1);
  });
}
