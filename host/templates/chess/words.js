// What people read when something goes wrong, or takes long.

const SENTENCES = {
  no_such_group: "This match does not exist any more.",
  closed: "This match is over.",
  conflict: "Somebody was a moment faster.",
  forbidden: "You cannot do that here.",
  full: "This match is full.",
  banned: "You cannot join this match.",
  invite_invalid: "This invitation is not valid any more.",
  too_large: "That is too long.",
  rate_limited: "That was a bit fast. Try again in a moment.",
  limit_exceeded: "There is too much going on here right now. Try again later.",
  storage_full: "The host has no space left. Tell whoever runs it.",
  offline: "There is no connection right now.",
  timeout: "The host did not answer. Try again.",
  wrong_host: "Another host answers at this address. Ask for a new link.",
};

/** The sentence for a GoopError, in the given situation ("take the seat"). */
export function explain(error, doing) {
  const sentence = SENTENCES[error?.code] ?? error?.message ?? "Something went wrong.";
  return doing ? `Could not ${doing}. ${sentence}` : sentence;
}

/** What to say about the connection; "" when all is well. */
export function connectionText(status) {
  switch (status.state) {
    case "online":
      return "";
    case "starting":
    case "connecting":
      return everOnline ? "Reconnecting…" : "Connecting…";
    case "closed":
      return status.error?.code === "wrong_host" ? SENTENCES.wrong_host : "The connection has ended. Reload the page.";
    default:
      return everOnline ? "Reconnecting… your moves are kept." : "The host cannot be reached. Trying again…";
  }
}

let everOnline = false;
Goop.on("status", ({ state }) => {
  if (state === "online") everOnline = true;
});

/** "White wins by checkmate" */
export function resultText(result, names) {
  if (!result.winner) return `Draw by ${result.reason}`;
  const winner = names?.[result.winner] || (result.winner === "white" ? "White" : "Black");
  return result.reason === "resignation" ? `${winner} wins: the other side resigned` : `${winner} wins by ${result.reason}`;
}

/** The score as it is written: 1–0, 0–1, ½–½. */
export const scoreText = (score) => ({ "1-0": "1–0", "0-1": "0–1", "1/2-1/2": "½–½" })[score] ?? "–";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "5 minutes ago", by the host's clock. */
export function ago(time) {
  const seconds = Math.round((time - Goop.now()) / 1000);
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}
