// The page of Socket.IO, as its documents say: an event for each message, and an acknowledgement for each that
// the page sends. The server is server.mjs.
import { io } from "socket.io-client";
import { bench } from "../../../../js/bench/site/work.mjs";

bench.loaded();
const socket = io({ transports: ["websocket"] });
socket.on("msg", (payload) => bench.got(payload));
socket.on("welcome", () => bench.welcome());
socket.on("connect", () => socket.emit("join", "bench"));
bench.post = (payload) => socket.emitWithAck("msg", payload);
