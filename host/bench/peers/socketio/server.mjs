// The Socket.IO beside which ./build.sh bench measures Goop: one room, as its documentation has it. What a socket
// sends goes to all others. With ?roster=1 a newcomer gets the list of those who are there, and they get the newcomer.
//
// It says on a line where it is, and answers GET /heap with the bytes of its heap after a collection.

import { createServer } from "node:http";
import { Server } from "socket.io";

const ROOM = "bench";

const http = createServer((request, response) => {
  if (request.url !== "/heap") return response.writeHead(404).end();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  response.end(String(heapUsed + external));
});
const io = new Server(http);
const members = new Map();

io.on("connection", (socket) => {
  socket.join(ROOM);
  socket.on("msg", (message) => socket.to(ROOM).emit("msg", message));
  if (!socket.handshake.query.roster) return;
  const me = { id: socket.id, name: `Member ${socket.id}` };
  members.set(socket.id, me);
  socket.emit("roster", [...members.values()]);
  socket.to(ROOM).emit("join", me);
  socket.on("disconnect", () => {
    members.delete(socket.id);
    io.to(ROOM).emit("leave", me.id);
  });
});

http.listen(0, "127.0.0.1", () => console.log(`Page http://127.0.0.1:${http.address().port}/`));
