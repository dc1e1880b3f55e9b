// The page of js-libp2p: JSON lines on one stream of a connection over WebTransport, written as its documents
// say. The host is in ../page-libp2p.
import { noise } from "@libp2p/noise";
import { webTransport } from "@libp2p/webtransport";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { bench } from "../../../../js/bench/site/work.mjs";

bench.loaded();
const address = fetch("/address").then((response) => response.text());
const node = await createLibp2p({
  transports: [webTransport()],
  connectionEncrypters: [noise()],
  // As it is, a browser's node dials nobody at a private address.
  connectionGater: { denyDialMultiaddr: () => false },
});
const stream = await node.dialProtocol(multiaddr(await address), "/bench/1.0.0");

const encoder = new TextEncoder();
const acknowledgements = new Map();
let id = 0;

/** What is sent in one turn goes out together. */
let waiting = "";
let room = true;
stream.addEventListener("drain", () => {
  room = true;
  flush();
});
function flush() {
  if (!waiting || !room) return;
  const text = waiting;
  waiting = "";
  room = stream.send(encoder.encode(text));
}
function write(object) {
  if (!waiting) queueMicrotask(flush);
  waiting += JSON.stringify(object) + "\n";
}

bench.post = (payload) => new Promise((resolve) => {
  acknowledgements.set(++id, resolve);
  write({ id, payload });
});

function take(line) {
  const message = JSON.parse(line);
  if (message.ack) {
    acknowledgements.get(message.ack)();
    acknowledgements.delete(message.ack);
  } else if (message.welcome) bench.welcome();
  else bench.got(message);
}

const decoder = new TextDecoder();
let rest = "";
stream.addEventListener("message", ({ data }) => {
  const lines = (rest + decoder.decode(data.subarray(), { stream: true })).split("\n");
  rest = lines.pop();
  for (const line of lines) take(line);
});
write({ join: "bench" });
