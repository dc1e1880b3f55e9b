// Goop as an ES module: the same object that goop.js puts on the page.
import "./goop.js";

const { Goop } = globalThis;
export const { group, data, GoopError } = Goop;
export default Goop;
