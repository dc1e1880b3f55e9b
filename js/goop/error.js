// The one kind of error that pages get, with a code to tell the cases apart.

/** @typedef {import("../goop.d.ts").ErrorCode} ErrorCode */

export class GoopError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{id?: string, retryAfter?: number, seq?: number, unsent?: import("../goop.d.ts").Unsent}} [detail]
   */
  constructor(code, message, detail) {
    super(message || code);
    /** @type {ErrorCode} */
    this.code = code;
    if (detail?.id) this.id = detail.id;
    if (detail?.retryAfter) this.retryAfter = detail.retryAfter;
    if (detail?.seq) this.seq = detail.seq;
    if (detail?.unsent) this.unsent = detail.unsent;
  }
  /** @type {"GoopError"} */
  get name() {
    return "GoopError";
  }
}
