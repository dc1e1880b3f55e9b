// Runs when the example has come to its end; when it has failed, it does not run.
import "./example.mjs";

await Goop.ready;
await settled();
document.documentElement.dataset.ended = "yes";
