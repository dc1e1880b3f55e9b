// Which groups this page has joined.

/** By id; one that has ended is not there any more. @type {Map<string, import("./group.js").Group>} */
export const groups = new Map();
