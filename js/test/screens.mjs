// Pictures of every page of the built-in sites, on a phone and on a desktop, light and dark, into
// test-results/screens. Run by ./build.sh screens [chess|study]; made for people to look at, and for the README.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { becomeOwner, move, newMatch, OPERA, plies, sitDown, squares } from "./harness/chess.mjs";
import { launch } from "./harness/browsers.mjs";
import { Host } from "./harness/host.mjs";
import { accept, hear, inviteLink, newGroup, say } from "./harness/study.mjs";
import { RESULTS } from "./harness/worlds.mjs";

const SIZES = [[390, 844], [1280, 800]];
const GAME = squares(OPERA);
const folder = join(RESULTS, "screens");
mkdirSync(folder, { recursive: true });

/** Takes the pictures of a page as it is, and leaves it at the desktop's size. */
async function picture(tab, name) {
  for (const dark of [false, true]) {
    await tab.dark(dark);
    for (const [width, height] of SIZES) {
      await tab.viewport(width, height);
      // Two frames: what moves has come to rest, and the list of moves has found its place.
      await tab.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.playState === "running" && a.effect.getTiming().iterations === 1).map((a) => a.finished))
        .then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))));
      await tab.screenshot(join(folder, `${name}-${width}x${height}${dark ? "-dark" : ""}.png`));
    }
  }
  await tab.dark(false);
  console.log(name);
}

/** Chess for two. @param {Host} host @param {(label: string) => Promise<object>} peer a fresh profile */
async function chess(host, peer) {
  const owner = await becomeOwner(host, await peer("owner"));
  const [white, black, guest] = [await (await peer("white")).open(host.url), await (await peer("black")).open(host.url), await (await peer("guest")).open(host.url)];
  await owner.waitFor(() => document.querySelector("#no-matches").innerText.startsWith("No match"));
  await picture(owner, "01-lobby-of-the-owner");
  await picture(guest, "02-lobby-empty");

  const id = await newMatch(owner, "A night at the opera");
  await picture(owner, "03-match-with-free-seats");
  await white.click(`#matches [data-id="${id}"] a`);
  await white.click("#take-white");
  await white.see("#name-input");
  await picture(white, "04-choosing-a-name");
  await white.press("Escape");
  await white.click("#take-white");
  await white.fill("#name-input", "Paul Morphy");
  await white.click("dialog .primary");
  await white.see("#leave-white");
  await sitDown(black, id, "black", "Duke Karl");

  const upTo = async (from, to) => {
    for (let ply = from; ply <= to; ply++) {
      await move(ply % 2 ? white : black, GAME[ply - 1]);
      for (const tab of [white, black, owner]) await plies(tab, ply);
    }
  };
  await upTo(1, 16);
  await white.click('[data-square="c3"]');
  await picture(white, "05-match-choosing-a-move");
  await white.press("Escape");
  await upTo(17, 21);
  await picture(black, "06-match-in-check");
  await guest.waitFor(() => document.querySelector("#matches")?.innerText.includes("Move 11"));
  await picture(guest, "07-lobby-with-a-match");
  await white.click("#offer-draw");
  await black.see("#accept-draw");
  await picture(black, "08-match-draw-offered");
  await black.click("#decline-draw");
  await black.click("#resign");
  await picture(black, "09-asking-before-resigning");
  await black.click("dialog .quiet");
  await upTo(22, 30);
  await host.kill();
  await white.see("#connection");
  await picture(white, "10-match-reconnecting");
  await host.start();
  await white.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
  await upTo(31, GAME.length);
  await white.see("#result");
  await picture(white, "11-match-over-for-the-winner");
  await picture(owner, "12-match-over-for-a-watcher");
  await white.click("#close-match");
  await owner.see('#result a[href^="/?replay="]');
  await picture(owner, "13-match-closed");
  await guest.see(`#played [data-id="${id}"]`);
  await picture(guest, "14-lobby-with-a-played-match");
  await guest.click(`#played [data-id="${id}"] a`);
  await guest.see('[data-page="replay"][data-loaded="true"]');
  for (let i = 0; i < 4; i++) await guest.click("#back");
  await picture(guest, "15-replay");
  const lost = await (await peer("lost")).open(`${host.url}/?match=no-such-match`);
  await lost.see('[data-page="missing"]');
  await picture(lost, "16-no-such-match");
}

/** A study group. */
async function study(host, peer) {
  const guest = await (await peer("guest")).open(host.url);
  await guest.waitFor(() => document.querySelector("#no-groups")?.innerText.startsWith("You are in no group"));
  await picture(guest, "study-01-not-invited");
  const { tab: olga } = await newGroup(host, await peer("olga"), { name: "Linear algebra, Tuesday" });
  await picture(olga, "study-02-an-empty-group");
  const link = await inviteLink(olga);
  const invited = await (await peer("invited")).open(link);
  await invited.see('[data-page="welcome"]');
  await picture(invited, "study-03-invited");
  const ann = await accept(await peer("ann"), link, "Ann");
  const bob = await accept(await peer("bob"), link, "Bob Example");
  await olga.click("#invite");
  await olga.see("dialog.invite");
  await olga.click("#make-invite");
  await olga.see("#invite-made .qr");
  await picture(olga, "study-04-inviting");
  await olga.click("dialog.invite .end button");
  await say(olga, "Hello, both! We start with chapter 3: bases and dimension.");
  await say(ann, "I have read it, but I do not see why every basis has the same number of vectors.");
  await say(ann, "The exchange lemma, I suppose?");
  await say(bob, "Exactly. There is a good picture of it here: https://example.org/exchange-lemma");
  await say(olga, "Let us write the steps into the notes. Who takes exercise 4?");
  await say(bob, "I do.");
  await olga.fill("#notes", "Tuesday\n\n1. Steinitz exchange lemma\n2. Every basis has the same size\n3. Exercise 4: Bob\n4. Exercise 6: Ann");
  await bob.fill("#link-url", "https://example.org/exchange-lemma");
  await bob.fill("#link-title", "The exchange lemma in pictures");
  await bob.click(".add-link button");
  await ann.waitFor(() => document.querySelector("#notes").value.includes("Exercise 6") && document.querySelector("#links li"));
  await olga.evaluate(() => [...document.querySelectorAll(".message")].find((m) => m.innerText.includes("The exchange lemma, I")).querySelector(".remove").click());
  await ann.see(".gone");
  await bob.fill("#message", "And");
  await ann.waitFor(() => document.querySelector("#typing").innerText);
  await picture(ann, "study-05-a-group");
  for (const part of ["notes", "links", "people"]) {
    await ann.viewport(390, 844);
    await ann.click(`[data-show="${part}"]`);
    await picture(ann, `study-06-${part}`);
  }
  const peerOfAnn = await ann.evaluate(() => Goop.me.peer);
  await olga.click(`[data-peer="${peerOfAnn}"] .more`);
  await picture(olga, "study-07-what-to-do-with-somebody");
  await olga.click('[data-do="kick"]');
  await olga.click("dialog .danger");
  await ann.see('[data-page="ended"]');
  await picture(ann, "study-08-removed");
  await host.kill();
  await bob.see("#connection");
  await bob.fill("#message", "Are you still there?");
  await bob.click("#send");
  await bob.see(".pending");
  await picture(bob, "study-09-reconnecting");
  await host.start();
  await hear(bob, "Are you still there?", { timeout: 40_000 });
  await olga.goto(host.url);
  await olga.see("#groups a");
  await picture(olga, "study-10-the-groups-of-the-owner");
}

const SITES = { chess, study };
const wanted = process.argv[2] ? [process.argv[2]] : Object.keys(SITES);
const browser = await launch("chromium");
try {
  for (const site of wanted) {
    const host = new Host({ site });
    try {
      await host.start();
      await SITES[site](host, (label) => browser.profile(label));
    } finally {
      await host.dispose();
    }
  }
} finally {
  await browser.close();
}
console.log(`in ${folder}`);
