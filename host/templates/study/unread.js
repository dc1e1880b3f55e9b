// How far this browser has read each group: kept in it, for each host and group.

const key = (group) => `study.read/${Goop.host.peer}/${group}`;

/** The number of the last message that was read; 0 for a group that was never open. */
export const readUpTo = (group) => Number(localStorage.getItem(key(group))) || 0;

/** Notes that everything up to a message has been read. Another tab may have read further. */
export function markRead(group, seq) {
  if (seq > readUpTo(group)) localStorage.setItem(key(group), String(seq));
}

/** How many of the latest messages of a group are new, counted up to 100. */
export async function unreadIn(group) {
  await Goop.ready;
  const read = readUpTo(group);
  const latest = await Goop.group.history(group, { limit: 100 });
  return latest.filter((m) => m.type === "msg" && !m.redacted && m.seq > read && m.from !== Goop.me.peer).length;
}
