// The page of Goop.
import { bench } from "./work.mjs";

// The member runs as soon as the status is no longer "starting".
Goop.on("status", ({ state }) => {
  bench.loaded();
  if (state === "offline" && bench.times.welcome) bench.lost++;
});
if (Goop.status.state !== "starting") bench.loaded();

const group = await Goop.group.join("bench", (event) => {
  if (event.type === "msg") bench.got(event.payload);
});
bench.post = (payload) => group.send(payload);
bench.welcome();
