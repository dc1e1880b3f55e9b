// The study site as people use it: through its own pages.

import assert from "node:assert/strict";
import { becomeOwner } from "./chess.mjs";

/** The owner makes a group on the first page and is in it; resolves with its tab and the group's id. */
export async function newGroup(host, profile, { as = "Olga", name = "Linear algebra" } = {}) {
  const tab = await becomeOwner(host, profile);
  await callYourself(tab, as);
  await tab.fill("#group-name", name);
  await tab.click("#new-group button");
  await tab.see('[data-page="room"]');
  return { tab, id: await tab.evaluate(() => new URLSearchParams(location.search).get("group")) };
}

/** Says who one is, by the button at the top. */
export async function callYourself(tab, name) {
  await tab.click("#me");
  await tab.fill("#name-input", name);
  await tab.click("dialog .primary");
  await tab.waitFor((n) => document.querySelector("#me-name").innerText === n, [name]);
}

/** Makes an invitation in the dialog and resolves with its link. */
export async function inviteLink(tab, { uses = "10", role = "member" } = {}) {
  await tab.click("#invite");
  await tab.see("dialog.invite");
  await tab.evaluate(([u, r]) => {
    document.querySelector("#invite-uses").value = u;
    document.querySelector("#invite-role").value = r;
  }, [uses, role]);
  await tab.click("#make-invite");
  await tab.see("#invite-made .qr");
  const url = await tab.evaluate(() => document.querySelector("#invite-url").value);
  await tab.click("dialog.invite .end button");
  return url;
}

/** Opens an invite link in a fresh browser, says a name, and is in the group. */
export async function accept(profile, url, name) {
  const tab = await profile.open(url);
  assert.equal(await tab.evaluate(() => location.hash), "", "the token stays in the address bar");
  await tab.see('[data-page="welcome"]');
  await tab.fill("#welcome-name", name);
  await tab.click("form .primary");
  await tab.see('[data-page="room"]');
  return tab;
}

/** Writes a message and waits until the host has it. */
export async function say(tab, text) {
  await tab.fill("#message", text);
  await tab.click("#send");
  await hear(tab, text);
}

/** Waits until a page shows a message that the host has. */
export function hear(tab, text, options) {
  return tab.waitFor((t) => [...document.querySelectorAll(".message[data-seq] .text")].some((el) => el.textContent === t), [text], { what: `the message "${text}"`, ...options });
}

/** The messages that a page shows, from top to bottom. */
export const messages = (tab) => tab.evaluate(() => [...document.querySelectorAll(".message[data-seq] .text")].map((el) => el.textContent));

/** Who a page shows as present. */
export const present = (tab) => tab.evaluate(() => [...document.querySelectorAll("#people .who")].map((el) => el.firstChild.textContent).sort());
