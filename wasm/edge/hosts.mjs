// The table of hosts in D1. What an announcement says, whether it is genuine and whether it is newer, Go decides
// with the row that was there; here nothing is written over a row that has changed since.

const FIND = "SELECT seq, public, local, pace FROM host WHERE label = ?";

/** One statement: a row changes only from what Go has seen, and never to a smaller sequence number. */
const KEEP = `
  INSERT INTO host (label, seq, public, local, network, scope, announced, expires, forget, pace)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
  WHERE EXISTS (SELECT 1 FROM host WHERE label = ?1) OR (SELECT hosts FROM census) < ?12
  ON CONFLICT (label) DO UPDATE SET
    seq = excluded.seq, public = excluded.public, local = excluded.local, network = excluded.network,
    scope = excluded.scope, announced = excluded.announced, expires = excluded.expires, forget = excluded.forget,
    pace = excluded.pace
  WHERE host.seq = ?11 AND excluded.seq > host.seq`;

/** door.Entry.For, of shared/door. */
const READ = `
  SELECT CASE WHEN local IS NOT NULL AND network = ?3 THEN local WHEN scope = 3 OR ?4 <> 3 THEN public END AS envelope
  FROM host WHERE label = ?1 AND expires > ?2`;

const FORGET = "DELETE FROM host WHERE forget <= ?1";
/** Where hosts were is nobody's business once they are away. */
const FADE = "UPDATE host SET public = NULL, local = NULL, network = '' WHERE expires <= ?1 AND network <> ''";

/** The row of a label, as judge() takes it, or null. */
export async function find(db, label) {
  const row = await db.prepare(FIND).bind(label).first();
  return row && { ...row, public: bytes(row.public), local: bytes(row.local) };
}

/**
 * Writes a row that Go has made of the one before (null when there was none). False when the row is not what it was, or
 * there are as many as there is room for.
 */
export async function keep(db, label, row, before, room) {
  const { meta } = await db.prepare(KEEP).bind(
    label, row.seq, row.public, row.local, row.network, row.scope, row.announced, row.expires, row.forget, row.pace,
    before?.seq ?? "", room,
  ).run();
  return meta.changes > 0;
}

/** The envelope for a visitor, or null. */
export async function read(db, label, { name, scope }, now) {
  return bytes(await db.prepare(READ).bind(label, now, name, scope).first("envelope"));
}

/** Forgets hosts that have stayed away, and where those were that are away. */
export async function tidy(db, now) {
  await db.batch([db.prepare(FORGET).bind(now), db.prepare(FADE).bind(now)]);
}

/** What D1 has made of a blob. */
const bytes = (blob) => (blob ? new Uint8Array(blob) : null);
