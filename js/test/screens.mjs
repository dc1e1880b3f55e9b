// Pictures of every page of the built-in sites, and of hosts and doors themselves, on a phone and on a desktop, light and dark, into
// test-results/screens. Run by ./build.sh screens [chess|quiz|study|door|host]; made for people to look at, and for the README.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { becomeOwner, move, newMatch, OPERA, plies, sitDown, squares } from "./harness/chess.mjs";
import { launch } from "./harness/browsers.mjs";
import { Faker } from "./harness/faker.mjs";
import { Host } from "./harness/host.mjs";
import { answer, at, joinByCode, newQuiz, next, openSession, paste } from "./harness/quiz.mjs";
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
  await owner.click(".ways-in a");
  await owner.see('[data-sees="all"]');
  await picture(owner, "01-how-others-get-here");
  await owner.goto(host.url);
  await owner.see("#no-matches");
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

/** A quiz, from the empty site to the podium. */
async function quiz(host, peer) {
  const guest = await (await peer("guest")).open(host.url);
  await guest.see("#code");
  await picture(guest, "quiz-01-first-page");
  const teacher = await newQuiz(host, await peer("teacher"), { title: "A little of everything" });
  await picture(teacher, "quiz-02-questions");
  await teacher.click("#add");
  await teacher.see("#q-text");
  await teacher.fill("#q-text", "Which planet has the most moons?");
  await teacher.fill("#q-choice-0", "Saturn");
  await teacher.fill("#q-choice-1", "Jupiter");
  await picture(teacher, "quiz-03-writing-a-question");
  await teacher.click("dialog .primary");
  await teacher.waitFor(() => document.querySelectorAll("#items > li").length === 4);
  await teacher.click("#import");
  await paste(teacher, "question,right,seconds,choice 1,choice 2\nWhat is 6 × 7?,1,20,42,48\nWhat is 9 × 9?,3,20,81,91\nWhat is 3 × 4?,1,2,12,14");
  await teacher.see(".faults");
  await picture(teacher, "quiz-04-import-with-faults");
  await paste(teacher, "What is 6 × 7?;1;20;42;48\nWhat is 9 × 9?;A;20;81;91\n\"Which are primes; all of them?\";2;30;1, 2, 3;2, 3, 5;3, 5, 9");
  await teacher.see(".preview");
  await picture(teacher, "quiz-05-import-preview");
  await teacher.click("dialog .quiet");
  const code = await openSession(teacher);
  await picture(teacher, "quiz-06-lobby-empty");
  await guest.fill("#code", code);
  await guest.click("#join button");
  await guest.see("#nickname");
  await picture(guest, "quiz-07-choosing-a-name");
  const names = ["Ann", "Bob Example", "Çağla", "Dmitri", "Eve"];
  const students = [];
  for (const name of names) students.push(await joinByCode(host, await peer(name), code, name));
  const [ann, bob, cagla] = students;
  await teacher.waitFor((n) => document.querySelectorAll("#players li").length === n, [names.length]);
  await picture(teacher, "quiz-08-lobby");
  await picture(ann, "quiz-09-student-waits");
  await next(teacher, "Start");
  await at(ann, "ready", 1);
  await ann.screenshot(join(folder, "quiz-10-student-get-ready.png"));
  await teacher.screenshot(join(folder, "quiz-10-teacher-get-ready.png"));
  await at(ann, "open", 1);
  await answer(ann, 1);
  await answer(bob, 0);
  await at(cagla, "open", 1);
  await picture(teacher, "quiz-11-question");
  await picture(ann, "quiz-12-student-answered");
  await picture(cagla, "quiz-13-student-question");
  await at(cagla, "closed", 1, { timeout: 40_000 });
  await picture(teacher, "quiz-14-time-is-up");
  await picture(cagla, "quiz-15-student-time-is-up");
  await next(teacher, "Show the answer");
  for (const tab of [teacher, ann, bob]) await at(tab, "revealed", 1);
  await ann.waitFor(() => document.querySelector("#gained").innerText.includes("+"));
  await picture(teacher, "quiz-16-answer");
  await picture(ann, "quiz-17-student-right");
  await picture(bob, "quiz-18-student-wrong");
  await next(teacher, "Next question");
  for (const [i, tab] of students.entries()) {
    await at(tab, "open", 2);
    await answer(tab, [1, 1, 0, 1, 2][i]);
  }
  await teacher.waitFor(() => document.querySelector("#answered.all"));
  await picture(teacher, "quiz-19-all-have-answered");
  await next(teacher, "Show the answer");
  await at(teacher, "revealed", 2);
  await host.kill();
  await bob.see("#connection");
  await picture(bob, "quiz-20-student-reconnecting");
  await host.start();
  await teacher.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
  await teacher.click("#end");
  await picture(teacher, "quiz-21-asking-before-the-end");
  await teacher.click("dialog .danger");
  for (const tab of [teacher, ann]) await at(tab, "ended", undefined, { timeout: 40_000 });
  await picture(teacher, "quiz-22-podium");
  await picture(ann, "quiz-23-student-podium");
  await teacher.goto(host.url);
  await teacher.see("#sessions a");
  await picture(teacher, "quiz-24-first-page-of-the-teacher");
  const lost = await (await peer("lost")).open(`${host.url}/?code=NOSUCH`);
  await lost.see('[data-page="refused"]');
  await picture(lost, "quiz-25-no-such-code");
}

/** What a door shows: each of its pages, and each view of the one that is seen before a site's own. */
async function door(host, peer) {
  const faker = await Faker.start();
  faker.silent = true; // the page waits for the record, and stays as it is
  const tab = await (await peer("visitor")).open(`${faker.origin(faker.label)}/`);
  await tab.waitFor(() => document.body.dataset.view === "connecting");
  const views = await tab.evaluate(() => [...document.querySelectorAll("section")].map((s) => s.dataset.view));
  for (const [i, view] of views.entries()) {
    await tab.evaluate((view) => {
      document.body.dataset.view = view;
      for (const section of document.querySelectorAll("section")) section.hidden = section.dataset.view !== view;
      document.getElementById("why").textContent = "the host was not reached; tried https://192.168.1.5:7780/.well-known/libp2p-webtransport?type=noise (no answer in time)";
      document.getElementById("fault").textContent = "the door gave a record that the host has not signed";
      document.getElementById("lacks").textContent = "This browser, or this private window, has no service workers, and they are what brings the site's pages here.";
    }, view);
    await picture(tab, `door-${String(i + 1).padStart(2, "0")}-${view}`);
  }
  await tab.goto(`${faker.origin(faker.label)}/goop/door/forget.html`);
  await picture(tab, "door-10-forget");
  const landing = await (await peer("landing")).open(`http://localhost:${faker.port}/`);
  await picture(landing, "door-11-landing");
  await landing.fill("#host", "no such thing");
  await landing.click("form button");
  await landing.waitFor(() => document.querySelector("#fault").textContent);
  await picture(landing, "door-12-landing-not-an-id");
  await faker.close();
}

/** What a host shows of its own, whatever its site is; here that is a folder without a page. */
async function own(host, peer) {
  const visitor = await (await peer("visitor")).open(`${host.url}/goop/reach`);
  await visitor.see("#visitor");
  await picture(visitor, "host-01-how-others-get-here");
  await visitor.goto(`${host.url}/no/such/page`);
  await picture(visitor, "host-02-nothing-here");
  await visitor.goto(`${host.url}/`);
  await picture(visitor, "host-03-no-first-page");
  const owner = await (await peer("owner")).open(`${host.url}/goop/reach${new URL(await host.ownerLink()).hash}`);
  await owner.see('[data-sees="all"]');
  await picture(owner, "host-04-how-others-get-here-for-the-owner");
  await host.kill();
  await owner.waitFor(() => Goop.status.state !== "online", [], { timeout: 40_000 });
  await picture(owner, "host-05-away");
}

const SITES = { chess, quiz, study, door, host: own };
const wanted = process.argv[2] ? [process.argv[2]] : Object.keys(SITES);
const bare = mkdtempSync(join(tmpdir(), "goop-site-"));
const browser = await launch("chromium");
try {
  for (const site of wanted) {
    const host = new Host(site === "host" ? { site: bare, args: ["--public-url", "https://a-site-with-quite-a-long-name.example.org"] } : { site });
    try {
      if (site !== "door") await host.start();
      await SITES[site](host, (label) => browser.profile(label));
    } finally {
      await host.dispose();
    }
  }
} finally {
  await browser.close();
  rmSync(bare, { recursive: true });
}
console.log(`in ${folder}`);
