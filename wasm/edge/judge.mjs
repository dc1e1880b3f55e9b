// The Go program (main_js.go), on the loader of github.com/syumai/workers: started by the first announcement that an
// isolate gets, and asked by all that follow.

import "./wasm_exec.js";
import { createRuntimeContext, loadModule } from "./runtime.mjs";

/** @type {{binding: {judge?: Function}, gone: boolean} | null} */
let program = null;

async function start(env, ctx) {
  const module = await loadModule();
  if (program && !program.gone) return program; // another request was quicker
  const started = { binding: {}, gone: false };
  const go = new Go();
  const instance = new WebAssembly.Instance(module, { ...go.importObject, workers: { ready() {} } });
  const ended = () => (started.gone = true);
  go.run(instance, createRuntimeContext({ env, ctx, binding: started.binding })).then(ended, ended);
  if (!started.binding.judge) throw new Error("the Go program has not come up");
  return (program = started);
}

/**
 * What Go says of an announcement: {keep: row, room} with the number of rows that there may be, {keep: null} when the
 * row that is there says the same already, or {status, retryAfter, body} when it is refused.
 * @param {{label: string, address: string, now: number, body: Uint8Array}} announcement
 * @param {object | null} row what is known of the host
 */
export async function judge({ label, address, now, body }, row, env, ctx) {
  const asked = program && !program.gone ? program : await start(env, ctx);
  let verdict;
  try {
    verdict = asked.binding.judge(label, address, now, body, row);
  } finally {
    // A program that panics leaves without an answer, and one that has ended throws: the next announcement starts another.
    if (!verdict && program === asked) program = null;
  }
  if (!verdict) throw new Error("the Go program has ended");
  return verdict;
}
