// Where a session stands, told from its rows and the host's clock alone: so a page that is loaded anew comes back to
// where it was, and all pages agree.

/** How long "get ready" is, before a question opens, in milliseconds. */
export const READY = 3_000;

/**
 * @param {{asked: number, ended_at: number | null}} session its row
 * @param {{_id: number, number: number, opens_at: number, closes_at: number} | undefined} question the newest that there is
 * @param {{_id: number} | undefined} reveal the newest row of the view of that name
 * @param {number} now by the host's clock
 * @returns {"lobby" | "ready" | "open" | "closed" | "revealed" | "ended"}
 */
export function stageOf(session, question, reveal, now) {
  if (session.ended_at) return "ended";
  if (!session.asked) return "lobby";
  // Who does not see a question that was asked is before its time. Its row may also come a moment before the session's.
  if (!question || question.number < session.asked || now < question.opens_at) return "ready";
  if (reveal?._id === question._id) return "revealed";
  return now < question.closes_at ? "open" : "closed";
}
