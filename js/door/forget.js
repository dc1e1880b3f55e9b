// Takes away what visit.js has installed on this origin.
"use strict";

document.getElementById("forget")?.addEventListener("click", async (event) => {
  const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
  button.disabled = true;
  for (const registration of (await navigator.serviceWorker?.getRegistrations()) ?? []) await registration.unregister();
  for (const name of await caches.keys()) if (name.startsWith("goop-door")) await caches.delete(name);
  button.remove();
  document.body.dataset.view = "forgotten";
  const what = document.getElementById("what");
  if (what) what.textContent = "It is removed. The next visit begins anew.";
});
