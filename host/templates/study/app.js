// Starts the site: `/` has the visitor's groups, `/?group=ID` is one of them. An invite link goes before both.

import { home, welcome } from "./home.js";
import { myName } from "./names.js";
import { room } from "./room.js";
import { shell } from "./shell.js";

const route = shell((context) => {
  document.title = Goop.host.name ?? "Study group";
  const id = new URLSearchParams(location.search).get("group");
  if (Goop.group.invited && !myName()) welcome(context);
  else if (Goop.group.invited || id) room(context, Goop.group.invited ?? id);
  else home(context);
}, { kept: "what you write is kept" });

Goop.on("invited", route);
