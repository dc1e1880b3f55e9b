// The messages of a group as this page knows them: pages of the past and what comes, each message once and
// in order. It knows no page and no network, so that it can be tested by itself.

export class Timeline {
  #entries = new Map();
  #sorted;
  /** Nothing stands before the first entry. */
  complete = false;

  /** The messages, the oldest first: {seq, from, time, payload} or {seq, from, time, redacted: true}. */
  get entries() {
    return (this.#sorted ??= [...this.#entries.values()].sort((a, b) => a.seq - b.seq));
  }

  /** The number of the first and of the last message; 0 without any. */
  get first() { return this.entries[0]?.seq ?? 0; }
  get last() { return this.entries.at(-1)?.seq ?? 0; }

  /** Takes in a message that came, or was sent. @returns {boolean} whether it was new */
  add({ seq, from, time, payload, redacted }) {
    if (!seq || this.#entries.has(seq)) return false;
    this.#entries.set(seq, redacted ? { seq, from, time, redacted: true } : { seq, from, time, payload });
    this.#sorted = undefined;
    return true;
  }

  /**
   * Takes in a page of the history; an empty one says that nothing stands before. Entries that take others away
   * are among them.
   */
  addPage(rows) {
    for (const row of rows) if (row.type === "msg") this.add(row);
    for (const row of rows) if (row.type === "redact") this.redact(row.target);
    if (!rows.length || rows[0].seq === 1) this.complete = true;
  }

  /** Takes the content of a message away. @returns {boolean} whether it was here */
  redact(seq) {
    const entry = this.#entries.get(seq);
    if (!entry || entry.redacted) return false;
    this.#entries.set(seq, { seq, from: entry.from, time: entry.time, redacted: true });
    this.#sorted = undefined;
    return true;
  }

  /** Forgets everything: what comes after a gap does not join what was before. */
  clear() {
    this.#entries.clear();
    this.#sorted = undefined;
    this.complete = false;
  }

  /** How many messages after `seq` are from others. */
  unread(seq, me) {
    return this.entries.filter((e) => e.seq > seq && e.from !== me && !e.redacted).length;
  }
}

/** How long after a message the next one of the same person stands under the same name, in milliseconds. */
const TOGETHER = 5 * 60_000;

/**
 * What the list shows, from top to bottom: days, the mark of what is new, and messages, with their author's
 * name where it changes.
 * @param {{seq: number, from: string, time: number}[]} entries
 * @param {{me: string, readUpTo: number, day: (time: number) => string}} view readUpTo 0 shows no mark
 */
export function lines(entries, { me, readUpTo, day }) {
  const out = [];
  let before;
  let marked = !readUpTo;
  for (const entry of entries) {
    const today = day(entry.time);
    const newDay = !before || day(before.time) !== today;
    if (newDay) out.push({ kind: "day", key: `day ${today}`, text: today });
    const isNew = !marked && entry.seq > readUpTo && entry.from !== me;
    if (isNew) {
      marked = true;
      out.push({ kind: "new", key: "new" });
    }
    const named = newDay || isNew || before.from !== entry.from || entry.time - before.time > TOGETHER;
    out.push({ kind: "message", key: `m${entry.seq}`, entry, named, mine: entry.from === me });
    before = entry;
  }
  return out;
}
