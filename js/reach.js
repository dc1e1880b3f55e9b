// The host's own page: how others get to it. A visitor sees the address by which they came, the owner all that
// there are; which those are the host tells the owner alone.

import { qrPicture } from "./qr.js";

const $ = (selector) => document.querySelector(selector);

/** What a visitor's browser does at an address, and for whom it is. */
function works({ kind, secure }) {
  const whom = {
    loopback: "It means the machine on which it is opened: nobody else gets here by it.",
    vpn: "For those who are in the same VPN.",
    virtual: "For containers and virtual machines on the host’s machine.",
    linklocal: "The network has given the host no address. Machines on the same cable may get here.",
  }[kind];
  const how = secure
    ? "Everything works. Browsers connect over WebTransport, and over WebSocket where the network lets no UDP through."
    : "The site works, and browsers connect over WebSocket. What they keep for https does not work: WebTransport, camera and microphone, notifications, working offline.";
  return whom ? `${whom} ${how}` : how;
}

/** What is known without asking the host: the address by which this page came. */
function own() {
  const { protocol, hostname, origin } = location;
  const loopback = /^(localhost|.*\.localhost|127\.[0-9.]+|\[::1\])$/.test(hostname);
  return { url: `${origin}/`, kind: loopback ? "loopback" : "", network: loopback ? "this machine alone" : "", secure: protocol === "https:" || loopback };
}

let links = [];
let chosen; // the address that is shown large, once somebody has chosen one

/** Shows an address so that a whole room can read it. */
function poster(link) {
  const known = $("#code").dataset.url === link.url;
  if (!known) $("#code").replaceChildren(qrPicture(link.url, `The address ${link.url} as a QR code`));
  $("#code").dataset.url = link.url;
  $("#where").textContent = link.network;
  $("#address").textContent = link.url.replace(/^http:\/\//, "").replace(/\/$/, "");
  $("#address").href = link.url;
  $("#works").textContent = works(link);
}

function entry(link) {
  const li = document.createElement("li");
  const button = li.appendChild(document.createElement("button"));
  button.type = "button";
  button.setAttribute("aria-pressed", String(link.url === chosen.url));
  for (const [tag, text] of [["strong", link.url], ["span", link.network], ["small", works(link)]]) {
    button.appendChild(document.createElement(tag)).textContent = text;
  }
  button.addEventListener("click", () => {
    chosen = link;
    render();
    window.scrollTo({ top: 0 });
  });
  return li;
}

function render() {
  const owner = links.length > 0;
  if (!links.some((link) => link.url === chosen?.url)) chosen = undefined;
  chosen ??= links.find((link) => link.handOut) ?? links[0];
  poster(chosen ?? own());
  $("#others").hidden = !owner;
  $("#visitor").hidden = owner || Goop.me.role === undefined;
  $("#links").replaceChildren(...links.map(entry));
  document.body.dataset.sees = owner ? "all" : "own";
}

/** Asks anew: addresses come and go with networks. */
async function refresh() {
  try {
    links = Goop.me.role === "owner" ? await Goop.reach() : [];
    links.sort((a, b) => Number(a.kind === "loopback") - Number(b.kind === "loopback")); // of no use to others
  } catch (e) {
    if (e.code === "forbidden") links = []; // no owner any more
    else return; // the next connection asks again
  }
  render();
}

function status() {
  const { state, transport } = Goop.status;
  $("#state").textContent = state === "online"
    ? `This browser is connected over ${transport === "webtransport" ? "WebTransport" : "WebSocket"}.`
    : state === "closed" ? "The connection has ended. Reload the page." : "Connecting…";
  if (Goop.host.name) $("#host").textContent = Goop.host.name;
}

$("#copy").addEventListener("click", async () => {
  const text = $("#address").href;
  try {
    await navigator.clipboard.writeText(text); // not there without https
  } catch {
    const field = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  $("#copy").textContent = "Copied";
  setTimeout(() => ($("#copy").textContent = "Copy the link"), 2000);
});

Goop.on("status", () => {
  status();
  if (Goop.status.state === "online" && Goop.me.role === "owner") refresh();
});
Goop.on("me", refresh);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
Goop.ready.then(refresh, status);
status();
render();
