// What goop.js finds in its surroundings: the host writes the assets' hashed URLs into it as it serves
// it, wasm_exec.js sets Go, and the member takes its bridge from the page once.

/** The member's side of the bridge; texts are JSON. Promises reject with a GoopError. */
export interface Bridge {
  /** Joins, and resolves with the session's number; deliver gets arrays of frames as one text, in order. */
  join(id: string, options: string, deliver: (frames: string) => void): Promise<number>;
  /** Posts entries in order: an array of {n, session} with payload and its options, patch and ifSeq, or redact. Returns
   *  how many it has read: fewer than there are when the next one is nested too deeply. */
  post(entries: string): number;
  update(session: number, meta: string): Promise<void>;
  /** Resolves when what was sent before is answered and the group is left. */
  leave(session: number): Promise<void>;
  /** One request of the data protocol, without its id; resolves with the answer. */
  call(request: string): Promise<string>;
  /** Resolves with what ends it, to be called once. fresh: the answer is the whole result. */
  watch(request: string, deliver: (answer: string, fresh: boolean) => void): Promise<() => void>;
  now(): number;
  /** By how many milliseconds now() may be wrong; negative before the host was asked. */
  within(): number;
  rtt(): number;
  /** The network or the page is back: try now. */
  wake(): void;
  visible(yes: boolean): void;
  /** The page is being left: what waits is stored, and another page may take it over. */
  suspend(): void;
  /** How many messages of a session have no receipt yet. */
  waiting(session: number): number;
}

/** What goop.js has begun while the member was loaded. */
export interface Early {
  /** How the host is reached: the text of /goop/host.json. */
  descriptor: Promise<string>;
  /** Gives the session for that address away, if one was begun: the caller closes it. */
  session(url: string): WebTransport | undefined;
  /** Closes the session that was begun, if nobody has it. */
  drop(): void;
}

/** What the page gives to the member before it starts. */
export interface Start {
  base: string;
  /** "webtransport" or "websocket" to use that one alone, for tests and diagnosis. */
  transport: string;
  early: Early;
  GoopError: typeof import("./goop.d.ts").GoopError;
  ready(bridge: Bridge): void;
  /** What became of posted entries: an array of [n, seq, time] and [n, error]. */
  outcomes(text: string): void;
  status(text: string): void;
}

declare global {
  const __GOOP_ASSETS__: { wasm: string; exec: string };
  // eslint-disable-next-line no-var
  var Go: new () => { importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): Promise<void> };
  // eslint-disable-next-line no-var
  var goopStart: Start | undefined;
}
