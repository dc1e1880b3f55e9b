// The contract of a Goop page: `<script src="/goop/goop.js"></script>` puts `Goop` on the page,
// `import Goop from "/goop/goop.mjs"` is the same as an ES module.
//
// Calls made before the connection is up wait for it. Every rejection is a GoopError, except when the
// caller's own AbortSignal ended the wait (then it is the signal's reason).

/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Why something was refused. `docs/errors.md` says of each what to do. */
export type ErrorCode =
  | "bad_message"
  | "too_large"
  | "unsupported_type"
  | "no_such_group"
  | "invite_invalid"
  | "banned"
  | "full"
  | "forbidden"
  | "closed"
  | "conflict"
  | "id_conflict"
  | "epoch_changed"
  | "outbox_full"
  | "rate_limited"
  | "too_slow"
  | "no_such_table"
  | "no_such_column"
  | "bad_query"
  | "not_found"
  | "invalid_value"
  | "limit_exceeded"
  | "storage_full"
  | "not_supported"
  | "offline"
  | "timeout"
  | "wrong_host"
  | "internal";

/** What every method of Goop rejects with. */
export class GoopError extends Error {
  constructor(code: ErrorCode, message: string, detail?: { id?: string; retryAfter?: number; seq?: number; unsent?: Unsent });
  readonly name: "GoopError";
  readonly code: ErrorCode;
  /** The message that the error is about. */
  readonly id?: string;
  /** Milliseconds after which trying again makes sense. */
  readonly retryAfter?: number;
  /** With code "conflict": the newer entry that stood against `ifSeq`. */
  readonly seq?: number;
  /** In a group's "error" event: what an earlier visit has sent, and what is given up now. */
  readonly unsent?: Unsent;
}

/** A message or a change of the state that this browser has posted, and of which no receipt came. */
export interface Unsent {
  readonly type: "msg" | "state";
  readonly payload?: Json;
  readonly patch?: JsonObject;
  readonly to?: string;
}

/** What a peer is in a group. */
export type Role = "owner" | "moderator" | "member" | "viewer";

/** One peer of a group. Several tabs of one browser are one peer. */
export interface Member {
  readonly peer: string;
  /** The name that the peer gave itself, or "". */
  readonly label: string;
  readonly meta?: JsonObject;
  readonly role: Role;
  /** How many pages of this peer are in the group. */
  readonly sessions: number;
  /** When the peer came, in milliseconds by the host's clock. */
  readonly joined: number;
}

/** What a role may do in a group. */
export type Right = "send" | "state" | "close" | "manage" | "invite" | "kick" | "setRole" | "redact" | "seeMembers";

export interface Msg {
  readonly type: "msg";
  readonly group: string;
  /** The sender's peer id, set by the host from the sender's connection. */
  readonly from: string;
  // deno-lint-ignore no-explicit-any
  readonly payload: any;
  /** The place in the group's order; absent on volatile messages. */
  readonly seq?: number;
  /** Milliseconds by the host's clock. */
  readonly time: number;
  /** Set on a message for single peers. */
  readonly to?: string;
  readonly key?: string;
  readonly volatile?: boolean;
  /** True on an unreliable message that came as a datagram; it is volatile then. */
  readonly unreliable?: boolean;
  /** True on a message of this very page, which only comes with `{echo: true}`. */
  readonly own?: boolean;
}

export interface StateChange {
  readonly type: "state";
  readonly group: string;
  /** Absent when the whole state came after a gap. */
  readonly from?: string;
  readonly seq: number;
  readonly time?: number;
  /** The change (RFC 7396); absent when the whole state came after a gap. */
  readonly patch?: JsonObject;
  /** The state with the change. */
  // deno-lint-ignore no-explicit-any
  readonly state: any;
  readonly own?: boolean;
}

/** The content of a message was taken away: forget what you have of it. */
export interface Redaction {
  readonly type: "redact";
  readonly group: string;
  /** Who took it away. */
  readonly from: string;
  /** The place of this event in the order, and that of the message which is gone. */
  readonly seq: number;
  readonly target: number;
  readonly time: number;
  readonly own?: boolean;
}

export interface Gap {
  readonly type: "gap";
  readonly group: string;
  /**
   * The first and the last number that this page will not get: it was away, or slow, for too long. A group that
   * keeps nothing on disk begins to count anew when the host restarts: then `to` is a number of the new count.
   */
  readonly from: number;
  readonly to: number;
}

export interface Close {
  readonly type: "close";
  readonly group: string;
  /** closed, dissolved, kicked, banned, too_slow, left, or the code of the error that ended it. */
  readonly reason: string;
  readonly message?: string;
}

export interface RosterChange {
  readonly type: "members";
  readonly group: string;
  readonly members: Member[];
  readonly count: number;
  /** Those who have gone since the last event: "left", "dropped" (the connection was lost), "kicked" or "banned". */
  readonly left: { readonly peer: string; readonly reason: string }[];
}

export type GroupEvent = Msg | StateChange | Redaction | Gap | Close;

export interface GroupEvents {
  msg: Msg;
  /** Every change of `g.state`, this page's own included. */
  state: StateChange;
  /** A message that was taken away, by this page too. */
  redact: Redaction;
  gap: Gap;
  close: Close;
  members: RosterChange;
  /** A refusal that belongs to no call of this page. */
  error: GoopError;
}

export interface Waiting {
  /** Ends the wait (not what has been sent already). */
  signal?: AbortSignal;
}

export interface SendOptions extends Waiting {
  /** Only this peer and the sender see the message. */
  to?: string;
  /** Not numbered and not kept: for cursors and typing signs. Resolves with seq 0. */
  volatile?: boolean;
  /**
   * Volatile, and in a datagram where the connection has them: it may be lost, and one that a later one of
   * the same key overtakes does not arrive. At most `limits.datagram` bytes, else "too_large".
   */
  unreliable?: boolean;
  /** Of waiting volatile messages with the same key only the latest goes out. */
  key?: string;
}

export interface StateOptions extends Waiting {
  /** Refuse with "conflict" when one of the patch's top-level keys has changed after this entry. */
  ifSeq?: number;
}

export interface InviteOptions extends Waiting {
  /** How many peers it lets in: 1 unless told, at most 10,000. */
  uses?: number;
  /** Until when it is good: a Date, or milliseconds since 1970 by the host's clock. A week unless told. */
  expires?: number | Date;
  /** What they become: "member" unless told. */
  role?: Exclude<Role, "owner">;
  /** A peer that is known already: it is let in at once, without a token. */
  peer?: string;
  /** The same as role, for a peer. */
  as?: Exclude<Role, "owner">;
}

export interface Invite {
  /** Names the invite for `revoke`; absent when a peer was let in by name. */
  readonly id?: string;
  readonly token?: string;
  /** The link to send: this site, with the token behind the "#". */
  readonly url: string;
  readonly role: Role;
  readonly uses?: number;
  readonly expires?: number;
  readonly peer?: string;
}

export interface HistoryOptions extends Waiting {
  /** Only what stands before this entry; the newest when absent. */
  before?: number;
  /** 100 unless told, at most 500. */
  limit?: number;
  /** The changes of the state, too. */
  states?: boolean;
}

/** An entry as the group's log has it. A message whose content was taken away has `redacted` and no payload. */
export type HistoryEntry = (Msg & { readonly redacted?: true }) | Omit<StateChange, "state"> | Redaction;

export interface GroupStats {
  /** The number of the group's newest entry. */
  readonly seq: number;
  readonly members: number;
  readonly sessions: number;
  /** How many entries this page lacks; absent for a group that it has not joined. */
  readonly lag?: number;
  /** How often the host had to send this page the whole state, because it was too slow. */
  readonly resyncs?: number;
  /** Round trip to the host in milliseconds, once known. */
  readonly rtt?: number;
  readonly [name: string]: Json | undefined;
}

export interface ModerateOptions {
  /** What the peer is told. */
  message?: string;
}

export interface Receipt {
  readonly seq: number;
  readonly time: number;
}

/** A group that this page has joined. */
export interface Group extends AsyncIterable<GroupEvent> {
  readonly id: string;
  readonly name: string;
  /** What this peer is here, and what it may do; kept current. */
  readonly role: Role;
  readonly rights: Right[];
  readonly durable: boolean;
  readonly access: "open" | "invite";
  readonly maxMembers: number;
  /** The host's bounds: bytes, milliseconds and counts, as docs/limits.md says of each. */
  readonly limits: { readonly [name: string]: number };
  /** Who is there, those who came first in front; empty when names are not told, as above 1,000 peers. `count` is always told. */
  readonly members: Member[];
  readonly count: number;
  /** The shared state; a new object after each change, and frozen. */
  // deno-lint-ignore no-explicit-any
  readonly state: any;
  /** The number of the last entry that this page has seen. */
  readonly seq: number;
  readonly closed: boolean;
  /** How many own messages the host has not acknowledged yet, those of an earlier visit included. */
  readonly waiting: number;
  /** Resolves when the host has stored (durable group) or ordered (others) the message. */
  send(payload: unknown, options?: SendOptions): Promise<Receipt>;
  /** Merges a patch into the state: null deletes a key, objects are merged, all else replaces. */
  setState(patch: object, options?: StateOptions): Promise<Receipt>;
  /** Takes the content of a message away: from the host's log, and from every page. Needs the right "redact". */
  redact(seq: number, options?: Waiting): Promise<Receipt>;
  leave(): Promise<void>;
  /** The calls of Goop.group of the same names, for this group. */
  history(options?: HistoryOptions): Promise<HistoryEntry[]>;
  stats(): Promise<GroupStats>;
  invite(options?: InviteOptions): Promise<Invite>;
  revoke(idOrToken: string): Promise<void>;
  kick(peer: string, options?: ModerateOptions): Promise<void>;
  ban(peer: string, options?: ModerateOptions): Promise<void>;
  unban(peer: string): Promise<void>;
  setRole(peer: string, role: Exclude<Role, "owner">): Promise<void>;
  update(changes: Partial<GroupConfig>): Promise<GroupInfo>;
  close(): Promise<void>;
  on<K extends keyof GroupEvents>(type: K, listener: (event: GroupEvents[K]) => void): () => void;
}

export interface JoinOptions extends Waiting {
  /** What the others see of this page's peer; `label` is the name. At most 1 KiB. */
  meta?: JsonObject;
  /** The token of an invite; that of an invite link in the page's address is used by itself. */
  invite?: string;
  /** The callback also gets what this page itself sends. */
  echo?: boolean;
}

export type Preset = "ephemeral" | "persistent" | "open" | "invite-only";

export interface GroupConfig {
  /** 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."; the host makes one when it is absent. */
  id?: string;
  name?: string;
  type?: Preset;
  durable?: boolean;
  access?: "open" | "invite";
  listed?: boolean;
  /** Milliseconds after the last member left; a moment in milliseconds. */
  dissolve?: { empty?: number; expires?: number };
  /** What the log keeps for those who come back and for history: entries, bytes, milliseconds. */
  retain?: { count?: number; bytes?: number; age?: number };
  maxMembers?: number;
  /** The table that every message becomes a row of. */
  record?: string;
  /** Names of seats, kept in `state.seats`; a peer may take a free one for itself alone. */
  seats?: string[];
  /** Who may do what: a list of roles, and "seat" for whoever holds a seat. */
  rights?: { [right in Right]?: (Role | "seat")[] };
  /** The name of a template of goop.json: visitors make groups by these, and choose nothing but the name. */
  template?: string;
}

export interface GroupInfo {
  readonly _id: string;
  readonly id: string;
  readonly name: string;
  readonly type: Preset;
  readonly durable: boolean;
  readonly access: "open" | "invite";
  readonly members: number;
  readonly max_members: number;
  /** The names of its seats, and who holds which. */
  readonly seats: string[];
  readonly seat_holders: { readonly [seat: string]: string };
  readonly record: string | null;
  readonly creator: string | null;
  readonly created_at: number;
  readonly [column: string]: Json;
}

export interface Groups {
  /** Joins a group. The callback gets what happens in it, in order, each once. */
  join(id: string, callback?: ((event: GroupEvent) => void) | null, options?: JoinOptions): Promise<Group>;
  /** Sends to the group that was joined last. */
  send(payload: unknown, options?: SendOptions): Promise<Receipt>;
  setState(patch: object, options?: StateOptions): Promise<Receipt>;
  /** Leaves the group that was joined last, after what was sent before is stored. */
  leave(): Promise<void>;
  create(config: GroupConfig): Promise<GroupInfo>;
  update(id: string, changes: Partial<GroupConfig>): Promise<GroupInfo>;
  close(id: string): Promise<void>;
  /** The group that the invite link in this page's address is for, until it is joined. */
  readonly invited: string | undefined;
  /** Makes an invite link, or lets a known peer in. */
  invite(id: string, options?: InviteOptions): Promise<Invite>;
  /** Ends an invite, by its id or its token. Who came in by it stays. */
  revoke(id: string, idOrToken: string): Promise<void>;
  /** Throws a peer out. It may come back where everybody may come in; elsewhere it has to be invited anew. */
  kick(id: string, peer: string, options?: ModerateOptions): Promise<void>;
  /** Throws a peer out for good. */
  ban(id: string, peer: string, options?: ModerateOptions): Promise<void>;
  unban(id: string, peer: string): Promise<void>;
  setRole(id: string, peer: string, role: Exclude<Role, "owner">): Promise<void>;
  /** A page of the group's log, the oldest first. An empty one says that nothing stands before. */
  history(id: string, options?: HistoryOptions): Promise<HistoryEntry[]>;
  /** How the group and this page's part in it stand; without an id, those of the group that was joined last. */
  stats(id?: string): Promise<GroupStats>;
}

/** What a column takes: a Date stands for a time, bytes for a blob. */
export type ColumnValue = Json | Date | Uint8Array | ArrayBuffer;

/** A value, or an object of operators: = != < <= > >= in like contains null. */
export type Condition = ColumnValue | { [operator: string]: ColumnValue | ColumnValue[] };
export interface Where {
  and?: Where[];
  or?: Where[];
  not?: Where;
  /** Words that the table's `search` columns have, or words that begin so. */
  _search?: string;
  [column: string]: Condition | Where | Where[] | undefined;
}

export interface Query extends Waiting {
  where?: Where;
  /** Column names; "-name" is descending. "_rank", for a query with `_search`: the best first. */
  order?: string[];
  /** 100 unless told, 1,000 at most. */
  limit?: number;
  offset?: number;
  columns?: string[];
  /** The `cursor` of the page before. */
  after?: string;
}

/** Rows, and what makes a query go on behind them: `after`. undefined when there are no more. */
export type Page<R = Row> = R[] & { readonly cursor: string | undefined };

/** "count" for rows, or what is made of a column. */
export type Computed = "count" | { count: string } | { sum: string } | { min: string } | { max: string } | { avg: string };

export interface Aggregate extends Waiting {
  where?: Where;
  /** The columns whose values make a group; without them all rows are one. */
  by?: string[];
  compute: { [name: string]: Computed };
  /** Names of `by` and `compute`; "-name" is descending. */
  order?: string[];
  limit?: number;
}

export interface Values {
  readonly [column: string]: ColumnValue | Earlier | undefined;
}

/** In a batch: the `_id` of the row that the operation with this number, from 0, has inserted. */
export interface Earlier {
  readonly $row: number;
}

export interface Writing extends Waiting {
  /** 16 to 64 random letters and digits, to do a thing once although the page asks again after a reload. */
  key?: string;
}

/** One operation of a batch. */
export type Operation =
  | { op: "insert"; table: string; values: Values }
  | { op: "insertMany"; table: string; rows: readonly Values[] }
  | { op: "update"; table: string; row: RowID | Earlier; values: Values }
  | { op: "updateWhere"; table: string; where: Where; values: Values }
  | { op: "remove"; table: string; row: RowID | Earlier }
  | { op: "removeWhere"; table: string; where: Where }
  | { op: "upsert"; table: string; values: Values; on?: readonly string[] }
  | { op: "increment"; table: string; row: RowID | Earlier; values: { readonly [column: string]: number } }
  | { op: "send"; group: string; payload: Json };

/** What an operation resolves with. */
export type Outcome<O extends Operation> = O["op"] extends "insert" | "update" | "increment" ? Row
  : O["op"] extends "insertMany" ? Row[]
  : O["op"] extends "updateWhere" | "removeWhere" ? number
  : O["op"] extends "upsert" ? Upserted
  : O["op"] extends "send" ? Receipt
  : undefined;

export interface Upserted {
  readonly row: Row;
  /** False when there was such a row, which was changed. */
  readonly inserted: boolean;
}

export interface Table {
  readonly columns: string[];
  readonly rows: Json[][];
  /** Rows that were changed. */
  readonly changes: number;
}

/** Who may; of a condition only that there is one. */
export type Rule = string | { readonly who: string; readonly if: true };

export type Extent = "all" | "some" | "none";

export interface Permissions {
  readonly role: "owner" | "visitor";
  /** The templates from which this peer may make groups, when no table was named. */
  readonly create?: string[];
  /** The rules of the table that was named. */
  readonly access?: { readonly read: Rule; readonly insert: Rule; readonly update: Rule; readonly remove: Rule };
  /** What they come to for this peer: "some" rows where it depends on the row. */
  readonly may?: { readonly read: Extent; readonly insert: Extent; readonly update: Extent; readonly remove: Extent };
}

/** A row's `_id`: a number that rises with time; in `_groups` the group's id. */
export type RowID = number | string;

// deno-lint-ignore no-explicit-any
export type Row = { readonly _id: RowID; readonly [column: string]: any };

export interface Changes {
  /** The rows of the query now, in its order. */
  readonly rows: Row[];
  readonly added: Row[];
  readonly changed: Row[];
  readonly removed: Row[];
  /** True on the first call, after a loss of the connection, and if a move to another transport found other rows: `rows` was read anew. */
  readonly fresh: boolean;
}

export interface Data {
  query(table: "_groups", query?: Query): Promise<Page<GroupInfo>>;
  query(table: string, query?: Query): Promise<Page>;
  /** All rows of a query, however many, read page by page of `limit`. */
  each(table: string, query?: Query): AsyncIterableIterator<Row>;
  /** Rejects with "not_found" when there is no such row, or none that this peer may see. */
  get(table: string, id: RowID, options?: Pick<Query, "columns" | "signal">): Promise<Row>;
  count(table: string, query?: Pick<Query, "where" | "signal">): Promise<number>;
  /** Numbers about rows: one object for each group, with the columns of `by` and what was computed. */
  aggregate(table: string, query: Aggregate): Promise<{ readonly [name: string]: Json }[]>;
  /** Resolves with the stored row, `_id` included. */
  insert(table: string, row: Values, options?: Writing): Promise<Row>;
  /** Up to 500 rows, all or none. */
  insertMany(table: string, rows: readonly Values[], options?: Writing): Promise<Row[]>;
  update(table: string, id: RowID, changes: Values, options?: Writing): Promise<Row>;
  /** Changes the rows of a condition that this peer may change; resolves with how many. */
  updateWhere(table: string, where: Where, changes: Values, options?: Writing): Promise<number>;
  remove(table: string, id: RowID, options?: Writing): Promise<void>;
  removeWhere(table: string, where: Where, options?: Writing): Promise<number>;
  /** Inserts a row, or changes the one with the same values in `on`, the columns of something unique. */
  upsert(table: string, row: Values, options?: Writing & { on?: readonly string[] }): Promise<Upserted>;
  /** Adds to numbers, whatever they are by then. */
  increment(table: string, id: RowID, amounts: { readonly [column: string]: number }, options?: Writing): Promise<Row>;
  /** Up to 100 operations in one transaction: all of them or none. */
  batch<const O extends readonly Operation[]>(operations: O, options?: Writing): Promise<{ -readonly [I in keyof O]: Outcome<O[I]> }>;
  /** One statement of SQL, for the site's owner. */
  sql(text: string, params?: readonly (string | number | boolean | null)[], options?: Writing): Promise<Table>;
  /** Follows a query. The callback gets the rows, and then each change. Resolves with what ends it. */
  watch(table: string, callback: (changes: Changes) => void): Promise<() => void>;
  watch(table: string, query: Omit<Query, "after">, callback: (changes: Changes) => void): Promise<() => void>;
  tables(): Promise<JsonObject[]>;
  schema(table: string): Promise<JsonObject>;
  /** What this peer may do with a table, or is on the site when no table is named. */
  role(table?: string): Promise<Permissions>;
}

export interface Me {
  /** This browser's peer id at this host; undefined until `Goop.ready`. */
  readonly peer: string | undefined;
  /** "owner" for whoever opened the owner link. */
  readonly role: "owner" | "visitor" | undefined;
  readonly session: string | undefined;
  readonly label: string;
  readonly meta: JsonObject;
  /** Merges into what the groups of this page see: `{label, color, …}`. */
  set(meta: JsonObject): Promise<void>;
}

export interface Host {
  readonly peer: string | undefined;
  readonly name: string | undefined;
  readonly version: string | undefined;
}

export interface Status {
  readonly state: "starting" | "connecting" | "online" | "offline" | "closed";
  /** What carries the connection, while online. It changes when the member moves to another one, without an "offline" in between. */
  readonly transport?: "webtransport" | "websocket";
  /** Why the last attempt failed, while there is no connection. */
  readonly error?: GoopError;
  /** Round trip to the host in milliseconds, once known. */
  readonly rtt?: number;
}

export interface Clock {
  /** The host's clock, as Goop.now() gives it. */
  readonly now: number;
  /** By how many milliseconds it may be wrong; undefined before the host was asked. */
  readonly error: number | undefined;
}

export interface GoopEvents {
  status: Status;
  /** An invite link was opened in this page; the group that it is for. */
  invited: string | undefined;
  /** `Goop.me` has changed: the role, after an owner link, or what `set` did. */
  me: Me;
  /** A fault that no call was waiting for, such as an owner link that is used up. */
  error: GoopError;
}

/** An address of the site's first page. */
export interface Link {
  readonly url: string;
  /** What sort of network it is in: "internet" for a name or an address that is not the machine's own, "loopback" for the machine itself. */
  readonly kind: "internet" | "ethernet" | "wifi" | "lan" | "vpn" | "virtual" | "linklocal" | "loopback";
  /** For people: "Wi-Fi wlan0". */
  readonly network: string;
  /** Browsers trust it, as https or as the machine itself: then there is WebTransport, and what else they keep for such pages. */
  readonly secure: boolean;
  /** The best one for somebody else. */
  readonly handOut?: true;
}

export interface GoopAPI {
  readonly group: Groups;
  readonly data: Data;
  readonly me: Me;
  readonly host: Host;
  readonly status: Status;
  /** Resolves at the first connection, when `me` and `host` are known. */
  readonly ready: Promise<void>;
  /** The host's clock, in milliseconds since 1970. */
  now(): number;
  readonly clock: Clock;
  /** The addresses of the site's first page, the one to show first in front. For the owner; others get "forbidden". */
  reach(options?: Waiting): Promise<Link[]>;
  on<K extends keyof GoopEvents>(type: K, listener: (event: GoopEvents[K]) => void): () => void;
  readonly GoopError: typeof GoopError;
}

declare const Goop: GoopAPI;
export default Goop;
export const group: Groups;
export const data: Data;

declare global {
  // eslint-disable-next-line no-var
  var Goop: GoopAPI;
}
