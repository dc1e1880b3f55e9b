// The types as a template author meets them. This file is only checked, never run: what must not be
// accepted stands under @ts-expect-error, so that a type that has become too loose fails the build.

import GoopModule, { data, group } from "../goop.mjs";
import type { Changes, ErrorCode, Gap, Group, HistoryEntry, Invite, Redaction, GroupInfo, GoopAPI, Msg, Page, Receipt, Row, StateChange, Upserted } from "../goop.d.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(yes: Same<A, B>): void;

same<typeof GoopModule, GoopAPI>(true);
same<typeof Goop, GoopAPI>(true);

export async function groups(): Promise<void> {
  const joined = await Goop.group.join("chess-42", (event) => {
    if (event.type === "msg") same<typeof event, Msg>(true);
    if (event.type === "state") same<typeof event, StateChange>(true);
    if (event.type === "gap") same<typeof event, Gap>(true);
    if (event.type === "redact") same<typeof event, Redaction>(true);
    // @ts-expect-error there is no such event
    if (event.type === "message") return;
  });
  same<typeof joined, Group>(true);
  same<Awaited<ReturnType<typeof joined.send>>, Receipt>(true);
  const off = joined.on("members", ({ members }) => members.map((m) => m.label.toUpperCase()));
  off();
  // @ts-expect-error the roster is the host's
  joined.members = [];
  // @ts-expect-error the state is changed with setState
  joined.state = {};
  await joined.setState({ seats: { white: Goop.me.peer } }, { ifSeq: joined.seq });
  for await (const event of joined) if (event.type === "close") break;
  await Goop.group.join("lobby", null, { meta: { label: "Ann" }, echo: true, signal: AbortSignal.timeout(1000) });
  // @ts-expect-error a callback is a function
  await Goop.group.join("lobby", "callback");

  const info = await group.create({ name: "Chess", type: "persistent", record: "moves", rights: { send: ["seat", "owner"] } });
  same<typeof info, GroupInfo>(true);
  const invite = await group.invite(info.id, { uses: 30, expires: new Date(2026, 11, 24), role: "viewer" });
  same<typeof invite, Invite>(true);
  // @ts-expect-error the owner's role is not to be given
  await group.setRole(info.id, "12D3KooWA", "owner");
  const page = await joined.history({ before: 40, limit: 20 });
  same<typeof page, HistoryEntry[]>(true);
  for (const entry of page) if (entry.type === "msg" && !entry.redacted) console.log(entry.payload);
  await joined.redact(17);
  // @ts-expect-error a message is named by its seq
  await joined.redact("17");
  console.log((await Goop.group.stats()).lag, joined.rights.includes("kick"), Goop.clock.error);
  // @ts-expect-error there is no such right
  await group.create({ rights: { sing: ["owner"] } });
  // @ts-expect-error there is no such type of group
  await group.create({ type: "volatile" });
}

export async function rows(): Promise<void> {
  const found = await data.query("moves", { where: { game: "x", ply: { ">": 3 }, or: [{ san: null }] }, order: ["-ply"], limit: 10 });
  same<typeof found, Page>(true);
  const rest: Row[] = found.cursor ? await data.query("moves", { after: found.cursor }) : [];
  for await (const row of data.each("moves", { limit: 1000 })) rest.push(row);
  const groups = await data.query("_groups");
  const stop = await Goop.data.watch("moves", { where: { final: 1 } }, (changes) => same<typeof changes, Changes>(true));
  stop();
  await Goop.data.watch("_groups", ({ rows: all, fresh }) => [all, fresh]);
  same<(typeof groups)[number], GroupInfo>(true);
  // @ts-expect-error a row is named by its _id
  await Goop.data.get("moves", { _id: 12 });
  await data.insert("moves", { at: new Date(), picture: new Uint8Array(3), note: { any: ["json"] } }, { key: "0123456789abcdef" });
  // @ts-expect-error a function is no value
  await data.insert("moves", { at: () => 1 });
  const [row, n, sent, put] = await data.batch([
    { op: "insert", table: "questions", values: { text: "Why?" } },
    { op: "updateWhere", table: "answers", where: { question: 1 }, values: { question: { $row: 0 } } },
    { op: "send", group: "class", payload: { asked: true } },
    { op: "upsert", table: "players", values: { name: "Ann" }, on: ["_owner"] },
  ]);
  same<typeof row, Row>(true);
  same<typeof n, number>(true);
  same<typeof sent, Receipt>(true);
  same<typeof put, Upserted>(true);
  // @ts-expect-error there is no such operation
  await data.batch([{ op: "query", table: "moves" }]);
  const totals = await data.aggregate("answers", { by: ["choice"], compute: { total: "count", best: { max: "points" } }, order: ["-total"] });
  // @ts-expect-error there is no such function
  await data.aggregate("answers", { compute: { x: { median: "points" } } });
  console.log(totals[0]?.total, (await data.role("moves")).may?.update === "some", (await data.sql("SELECT 1", [])).rows);
}

export function errors(e: unknown): ErrorCode | undefined {
  if (!(e instanceof Goop.GoopError)) return undefined;
  // @ts-expect-error not one of the codes
  if (e.code === "no_such_error") return undefined;
  return e.code;
}
