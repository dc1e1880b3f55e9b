// The Bun beside which ./build.sh bench measures Goop: its built-in publish, which is uWebSockets'. What a socket sends
// goes to all others. With ?roster=1 a newcomer gets the list of those who are there, and they get the newcomer.
//
// It says on a line where it is, and answers GET /heap with the bytes of its heap after a collection.

type Person = { id: string; name: string };

const TOPIC = "bench";
const members = new Map<string, Person>();

const server = Bun.serve<{ me?: Person }>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const url = new URL(request.url);
    if (url.pathname === "/heap") {
      Bun.gc(true);
      return new Response(String(process.memoryUsage().heapUsed));
    }
    const id = crypto.randomUUID();
    const me = url.searchParams.has("roster") ? { id, name: `Member ${id}` } : undefined;
    if (server.upgrade(request, { data: { me } })) return;
    return new Response("", { status: 404 });
  },
  websocket: {
    open(ws) {
      ws.subscribe(TOPIC);
      const { me } = ws.data;
      if (!me) return;
      members.set(me.id, me);
      ws.send(JSON.stringify({ type: "roster", members: [...members.values()] }));
      ws.publish(TOPIC, JSON.stringify({ type: "join", ...me }));
    },
    message(ws, message) {
      ws.publish(TOPIC, message);
    },
    close(ws) {
      const { me } = ws.data;
      if (!me) return;
      members.delete(me.id);
      server.publish(TOPIC, JSON.stringify({ type: "leave", id: me.id }));
    },
  },
});

console.log(`Page ${server.url}`);
