// The page of Goop.
import { bench } from "./work.mjs";

// The member runs as soon as the status is no longer "starting".
Goop.on("status", () => bench.loaded());
if (Goop.status.state !== "starting") bench.loaded();

const group = await Goop.group.join("bench", (event) => {
  if (event.type === "msg") bench.got(event.payload);
  else if (event.type === "gap") bench.gaps = (bench.gaps ?? 0) + 1;
});
bench.post = (payload) => group.send(payload);
bench.welcome();
