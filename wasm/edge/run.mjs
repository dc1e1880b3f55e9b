// Runs the Worker on this machine, in workerd, with what it has at Cloudflare: the database, the assets, the counter.
//
//   node wasm/edge/run.mjs [--port 7790] [--data DIR]
//
// Without --data what is announced is forgotten at the end.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Miniflare } from "miniflare";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = join(here, "../../bin/edge");

/** wrangler.jsonc, of which only whole lines are comments. */
function configuration() {
  return JSON.parse(readFileSync(join(here, "wrangler.jsonc"), "utf8").replace(/^\s*\/\/.*$/gm, ""));
}

async function migrate(db) {
  await db.prepare("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)").run();
  for (const name of readdirSync(join(here, "migrations")).sort()) {
    if (await db.prepare("SELECT 1 FROM migration WHERE name = ?").bind(name).first()) continue;
    const statements = readFileSync(join(here, "migrations", name), "utf8").split(/;\n\n/);
    await db.batch([
      ...statements.map((s) => db.prepare(s)),
      db.prepare("INSERT INTO migration VALUES (?)").bind(name),
    ]);
  }
}

/**
 * Starts the Worker.
 * @param {{name?: string, port?: number, address?: string, data?: string, log?: (line: string) => void}} options
 *   name is the door's own name; port 0 is any that is free; address is what it listens on
 */
export async function open({ name = "localhost", port = 0, address = "127.0.0.1", data, log } = {}) {
  const config = configuration();
  const worker = new Miniflare({
    host: address,
    port,
    cf: false,
    modules: true,
    modulesRoot: join(built, "worker"),
    scriptPath: join(built, "worker/entry.mjs"),
    modulesRules: [
      { type: "ESModule", include: ["**/*.mjs", "**/*.js"] },
      { type: "CompiledWasm", include: ["**/*.wasm"] },
    ],
    compatibilityDate: config.compatibility_date,
    bindings: { ...config.vars, DOOR: name },
    d1Databases: ["DB"],
    ...(data ? { d1Persist: data } : {}),
    ratelimits: Object.fromEntries(config.ratelimits.map(({ name, simple }) => [name, { simple }])),
    assets: {
      directory: join(built, "assets"),
      binding: config.assets.binding,
      assetConfig: { html_handling: config.assets.html_handling, not_found_handling: "none" },
      routerConfig: { has_user_worker: true, static_routing: { user_worker: config.assets.run_worker_first } },
    },
    ...(log ? { handleRuntimeStdio: (...streams) => streams.forEach((s) => s.setEncoding("utf8").on("data", log)) } : {}),
  });
  const listens = await worker.ready;
  await migrate(await worker.getD1Database("DB"));
  return { worker, url: `http://${name}:${listens.port}/`, close: () => worker.dispose() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "7790" }, data: { type: "string" } } });
  const door = await open({ port: Number(values.port), data: values.data, log: (line) => process.stderr.write(line) });
  console.log(`The door is at ${door.url} (workerd, as at Cloudflare).

Put a host behind it, and open the address that the host prints:

  bin/goop serve --door ${door.url}

Ctrl+C ends it.`);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => door.close().then(() => process.exit(0)));
}
