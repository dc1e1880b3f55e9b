// The door's own pages and files, from the Worker's assets. Most files Cloudflare hands out without asking the Worker
// (wrangler.jsonc, assets/_headers); here are those that depend on who asks.

/** Of every answer that the Worker makes itself. */
export const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Asset NAME of /goop/door/. */
const asset = (request, name, env, headers) =>
  env.ASSETS.fetch(new Request(new URL(`/goop/door/${name}`, request.url), { method: request.method, headers }));

/** A page, whatever the path: the address is the host's, and the page finds out what there is. */
export async function page(request, name, env) {
  const found = await asset(request, name, env);
  const headers = new Headers(found.headers);
  headers.set("Cache-Control", "no-store");
  headers.delete("ETag");
  return new Response(found.body, { status: found.status, headers });
}

/**
 * A file of /goop/door/, or null. A program for browsers goes out as it was compressed, which is smaller than what
 * Cloudflare makes of it on its way.
 */
export async function file(request, path, env) {
  const name = path.slice("/goop/door/".length);
  const accepted = request.cf?.clientAcceptEncoding ?? request.headers.get("Accept-Encoding") ?? "";
  const packed = name.endsWith(".wasm") && /\bbr\b/.test(accepted);
  const found = await asset(request, packed ? `${name}.br` : name, env, request.headers);
  if (found.status === 404) return null;
  if (!packed) return found;
  const headers = new Headers(found.headers);
  headers.set("Content-Type", "application/wasm");
  if (found.status === 200) headers.set("Content-Encoding", "br");
  headers.append("Vary", "Accept-Encoding");
  return new Response(found.body, { status: found.status, headers, encodeBody: "manual" });
}
