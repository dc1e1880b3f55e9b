// What the visitor (wasm/visitor) and the scripts of a door give each other.

/** The program's functions. They reject with a GoopError. */
export interface Visitor {
  /** Gets and verifies the record. near: which of the visitor's own surroundings it has addresses of. */
  look(): Promise<{ peer: string; near: "" | "network" | "device" }>;
  /** Resolves once there is a connection to the host. */
  connect(): Promise<{ transport: "webtransport" | "websocket" }>;
  /** The host's descriptor, as JSON, with the addresses that mean something from here. */
  descriptor(): Promise<string>;
  /** One request to the site; headers are names and values in turn. */
  fetch(method: string, target: string, headers: string[], signal?: AbortSignal): Promise<VisitorAnswer>;
  /** The next bytes of an answer's body; undefined at its end. */
  read(number: number): Promise<Uint8Array | undefined>;
  /** Gives up an answer's body. */
  cancel(number: number): Promise<void>;
}

export interface VisitorAnswer {
  /** Names the body; 0 when there is none. */
  number: number;
  status: number;
  reason: string;
  headers: string[];
}

declare global {
  var __GOOP_DOOR__: { wasm: string; exec: string };
  var goopVisitor: {
    assets: { wasm: string; exec: string };
    CACHE: string;
    DoorError: new (code: string, message: string) => Error & { code: string };
    start(load: () => Promise<Response>, ended: () => void): Promise<Visitor>;
  };
  var goopVisitorStart: {
    host: string;
    record: () => Promise<Uint8Array>;
    ready: (visitor: Visitor) => void;
  };
  function importScripts(...urls: string[]): void;
}
