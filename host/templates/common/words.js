// What people read when something goes wrong, or takes long, whatever the site is about.

const SENTENCES = {
  conflict: "Somebody was a moment faster.",
  forbidden: "You cannot do that here.",
  invite_invalid: "This invitation is not valid any more.",
  too_large: "That is too long.",
  outbox_full: "Too much is waiting for the connection.",
  rate_limited: "That was a bit fast. Try again in a moment.",
  limit_exceeded: "There is too much going on here right now. Try again later.",
  storage_full: "The host has no space left. Tell whoever runs it.",
  offline: "There is no connection right now.",
  timeout: "The host did not answer. Try again.",
  wrong_host: "Another host answers at this address. Ask for a new link.",
};

/** Returns what says the sentence for a GoopError, in a situation ("take the seat"). own has the site's own sentences. */
export function explainer(own) {
  const sentences = { ...SENTENCES, ...own };
  return (error, doing) => {
    const sentence = sentences[error?.code] ?? error?.message ?? "Something went wrong.";
    return doing ? `Could not ${doing}. ${sentence}` : sentence;
  };
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "5 minutes ago", by the host's clock. */
export function ago(time) {
  const seconds = Math.round((time - Goop.now()) / 1000);
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}
