// Pictures of every page of the demo site, on a phone and on a desktop, light and dark, into
// test-results/screens. Run by ./build.sh screens; made for people to look at, and for the README.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { becomeOwner, move, newMatch, OPERA, plies, sitDown, squares } from "./harness/chess.mjs";
import { launch } from "./harness/browsers.mjs";
import { Host } from "./harness/host.mjs";
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

const host = new Host();
const browser = await launch("chromium");
try {
  await host.start();
  const peer = async (label) => browser.profile(label);
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
} finally {
  await browser.close();
  await host.dispose();
}
console.log(`in ${folder}`);
