// The Worker's front: it answers whatever needs no trust, and starts Go (judge.mjs) for an announcement alone, after
// all that is cheap to check. docs/door.md has the paths, the answers and the reasons.

import { judge } from "./judge.mjs";
import { file, page, HEADERS } from "./files.mjs";
import { find, keep, read, tidy } from "./hosts.mjs";
import { network, site } from "./network.mjs";

const DOOR_PATH = "/goop/door/";
const RECORD_PATH = "/goop/door/1/record";
const HOST_PATH = /^\/goop\/door\/1\/hosts\/([^/]*)$/;
/** A peer id in base36. Whether it is one, Go says. */
const LABEL = /^k[0-9a-z]{61}$/;
/** Where a door is tried, without https. */
const LOCAL = /(^|\.)localhost$/;
/** How long an announcement may be, in bytes. */
const MAX_ANNOUNCEMENT = 8 << 10;
/** How long those wait who are counted by the minute, of which nobody says how much is left; in milliseconds. */
const MINUTE = 60_000;
/** How often an announcement is judged anew because another one of the same host has come between. */
const ROUNDS = 4;

export default {
  async fetch(request, env, ctx) {
    try {
      return await answer(request, env, ctx);
    } catch (e) {
      console.error(e);
      return refuse(500, "internal", "the door has failed; its log has the details");
    }
  },

  async scheduled(event, env) {
    await tidy(env.DB, Date.now());
  },
};

async function answer(request, env, ctx) {
  const url = new URL(request.url);
  if (url.protocol === "http:" && !LOCAL.test(url.hostname)) return secure(url);
  const apex = url.hostname === env.DOOR;
  const label = url.hostname.endsWith(`.${env.DOOR}`) ? url.hostname.slice(0, -env.DOOR.length - 1) : "";
  if (!apex && !LABEL.test(label)) return refuse(404, "not_found", "this is the address of no host");

  const named = url.pathname.match(HOST_PATH)?.[1].toLowerCase();
  if (named !== undefined) {
    if (!LABEL.test(named) || (!apex && named !== label)) return refuse(404, "not_found", "this is the label of no host");
    if (request.method === "PUT") return take(request, named, env, ctx);
    return only(request, "GET, HEAD, PUT") ?? record(request, named, env);
  }
  const refused = only(request, "GET, HEAD");
  if (refused) return refused;
  if (url.pathname === RECORD_PATH && !apex) return record(request, label, env);
  const missing = () => refuse(404, "not_found", "there is nothing here");
  if (url.pathname.startsWith(DOOR_PATH)) return (await file(request, url.pathname, env)) ?? missing();
  if (apex && url.pathname !== "/") return missing();
  return page(request, apex ? "index.html" : "visit.html", env);
}

/** Takes an announcement: what is cheap to find out first, then Go, then the database. */
async function take(request, label, env, ctx) {
  const address = request.headers.get("CF-Connecting-IP") ?? "";
  const from = network(address);
  if (Number(request.headers.get("Content-Length") ?? 0) > MAX_ANNOUNCEMENT) return tooLarge();
  if (!(await env.RATE.limit({ key: from.name })).success) return tooOften("this address announces hosts");
  const body = await bytes(request.body).catch(() => undefined);
  if (body === undefined) return refuse(400, "bad_message", "the announcement ended early");
  if (!body) return tooLarge();

  for (let round = 0; round < ROUNDS; round++) {
    const row = await find(env.DB, label);
    const verdict = await judge({ label, address, now: Date.now(), body }, row, env, ctx);
    if (verdict.status) return refusal(verdict);
    if (!verdict.keep) return taken(address);
    if (!row && !(await env.NEW_HOSTS.limit({ key: site(address) })).success) return tooOften("this address announces new hosts");
    if (await keep(env.DB, label, verdict.keep, row, verdict.room)) return taken(address);
    if (!row && !(await find(env.DB, label))) return refuse(507, "storage_full", "this door has as many hosts as it may have");
  }
  return tooOften("this host announces itself");
}

/** What a visitor may know of a host. */
async function record(request, label, env) {
  const envelope = await read(env.DB, label, network(request.headers.get("CF-Connecting-IP") ?? ""), Date.now());
  if (!envelope) return refuse(404, "not_found", "this host has not announced itself, or not lately");
  return new Response(request.method === "HEAD" ? null : envelope, {
    headers: { ...HEADERS, "Content-Type": "application/octet-stream", "Content-Length": String(envelope.length) },
  });
}

function only(request, allowed) {
  if (allowed.split(", ").includes(request.method)) return null;
  const refused = refuse(405, "unsupported_type", `here are only ${allowed}`);
  refused.headers.set("Allow", allowed);
  return refused;
}

/** Pages need a secure context, and records should come from whom they seem to. */
function secure(url) {
  url.protocol = "https:";
  return new Response(null, { status: 308, headers: { ...HEADERS, Location: url.href } });
}

/** The announcer learns where the door has seen it: behind a router it cannot know. */
const taken = (address) => new Response(null, { status: 204, headers: { ...HEADERS, "Goop-Seen": address } });
const tooLarge = () => refuse(413, "too_large", `an announcement may have ${MAX_ANNOUNCEMENT} bytes`);

const tooOften = (who) => refuse(429, "rate_limited", `${who} too often`, MINUTE);

function refuse(status, code, message, retryAfter) {
  return refusal({ status, body: JSON.stringify({ error: { code, message, retryAfter } }), retryAfter: retryAfter ? String(retryAfter / 1000) : "" });
}

/** An answer as Go has it: retryAfter is the header of that name, if any. */
function refusal({ status, body, retryAfter }) {
  return new Response(body, {
    status,
    headers: { ...HEADERS, "Content-Type": "application/json", ...(retryAfter ? { "Retry-After": retryAfter } : {}) },
  });
}

/** A body's bytes, or null when there are more than an announcement may have. */
async function bytes(stream) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > MAX_ANNOUNCEMENT) return null;
    chunks.push(chunk);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
