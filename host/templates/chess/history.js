// The stored moves of one match.

/** As many rows as the host gives in one answer. */
const PAGE = 1000;
/** No match is longer than this, in rows; what is beyond it is not read. */
const MOST = 10_000;

/** All rows of a match, in the order in which the host took them. */
export async function movesOf(game, signal) {
  const rows = [];
  while (rows.length < MOST) {
    const after = rows.at(-1)?._seq ?? 0;
    const page = await Goop.data.query("moves", { where: { game, _seq: { ">": after } }, order: ["_seq"], limit: PAGE, signal });
    rows.push(...page);
    if (page.length < PAGE) break;
  }
  return rows;
}
