// Joins as soon as it can, and notes when: milliseconds after the navigation began.
const times = (globalThis.times = {});
Goop.on("status", ({ state }) => {
  if (state === "online") times.online ??= performance.now();
});
await Goop.group.join("lobby");
times.welcome = performance.now();
document.body.dataset.welcome = "yes";
