// Two people changed the same text: puts both changes together where they are in different places.

/**
 * @param {string} base the text that both began with
 * @param {string} mine
 * @param {string} theirs
 * @returns {string | null} the text with both changes, or null when they meet
 */
export function merge3(base, mine, theirs) {
  if (mine === theirs || theirs === base) return mine;
  if (mine === base) return theirs;
  const lines = base.split("\n");
  const [a, b] = [changeOf(lines, mine.split("\n")), changeOf(lines, theirs.split("\n"))];
  if (a.start >= b.end && a.start !== b.start) return apply(lines, b, a);
  if (b.start >= a.end && a.start !== b.start) return apply(lines, a, b);
  return null;
}

/** The one stretch of lines, from start to before end, that has become others. */
function changeOf(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < before.length - start && tail < after.length - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return { start, end: before.length - tail, lines: after.slice(start, after.length - tail) };
}

/** Makes two changes that do not meet; the first one stands further up. */
function apply(lines, first, second) {
  return [
    ...lines.slice(0, first.start), ...first.lines,
    ...lines.slice(first.end, second.start), ...second.lines,
    ...lines.slice(second.end),
  ].join("\n");
}
