// Starts the site: `/` is the lobby, `/?match=ID` a match, `/?replay=ID` one that was played.

import { lobby } from "./lobby.js";
import { match } from "./match.js";
import { replay } from "./replay.js";
import { shell } from "./shell.js";

shell((context) => {
  const query = new URLSearchParams(location.search);
  if (query.get("match")) match(context, query.get("match"));
  else if (query.get("replay")) replay(context, query.get("replay"));
  else lobby(context);
}, { kept: "your moves are kept" });
