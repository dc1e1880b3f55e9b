// The line that tells of a lost connection.

import { $, setText } from "./ui.js";
import { explainer } from "./words.js";

const explain = explainer({});
let everOnline = false;

/** What to say about the connection; "" when all is well. kept: what waits meanwhile ("your moves are kept"). */
function connectionText(status, kept) {
  switch (status.state) {
    case "online":
      return "";
    case "starting":
    case "connecting":
      return everOnline ? "Reconnecting…" : "Connecting…";
    case "closed":
      return status.error?.code === "wrong_host" ? explain(status.error) : "The connection has ended. Reload the page.";
    default:
      return everOnline ? `Reconnecting… ${kept}.` : "The host cannot be reached. Trying again…";
  }
}

/** Says so in #connection when there is no connection, but not for the blink of an eye. */
export function showConnection(kept) {
  const pill = $("#connection");
  let timer;
  const show = () => {
    if (Goop.status.state === "online") everOnline = true;
    const text = connectionText(Goop.status, kept);
    clearTimeout(timer);
    document.documentElement.dataset.connection = Goop.status.state;
    if (!text) {
      pill.hidden = true;
      return;
    }
    timer = setTimeout(() => {
      setText(pill, text);
      pill.hidden = false;
    }, 600);
  };
  Goop.on("status", show);
  Goop.ready.catch(show);
  show();
}
