// A whole quiz, used through its pages in Chromium and Firefox, with a class of native members beside them.

import assert from "node:assert/strict";
import { everywhere, scene } from "./harness/scene.mjs";
import { answer, at, board, enter, importQuestions, joinByCode, newQuiz, next, openSession, paste, Pupils } from "./harness/quiz.mjs";
import { BROWSERS } from "./harness/worlds.mjs";

/** How many native members the class has. */
const CLASS = 100;

/** Every text that the page took out of its connection. */
const heard = (tab) => tab.evaluate(() => globalThis.heard?.join("\n") ?? "");

/** The text of the file that a button makes. */
const download = (tab, button) => tab.evaluate((selector) => new Promise((resolve) => {
  URL.createObjectURL = (blob) => {
    clearInterval(timer);
    blob.text().then(resolve);
    return "";
  };
  HTMLAnchorElement.prototype.click = () => {}; // or the browser would ask where it goes
  // A press right after the one before is taken for the same, so it may take another one.
  const timer = setInterval(() => document.querySelector(selector).click(), 200);
}), button);

everywhere("a quiz of a whole class", async (s) => {
  const host = await s.host({ site: "quiz" });
  const teacher = await newQuiz(host, await s.peer("chromium", "teacher"));
  const code = await openSession(teacher);
  const pupils = new Pupils(host, code, CLASS, s.log);
  s.defer(() => pupils.end());
  await pupils.line("joined", CLASS);
  const annProfile = await s.peer("firefox", "ann");
  const ann = await joinByCode(host, annProfile, code, "Ann");
  // Bob comes by the link, as from the QR code.
  const bobProfile = await s.peer("chromium", "bob");
  const bob = await bobProfile.open(`${host.url}/?code=${code}`);
  await bob.see("#nickname");
  await bob.fill("#nickname", "Ann");
  await bob.click("#enter .primary");
  await bob.waitFor(() => document.querySelector("#enter .fault")?.innerText.includes("has this name already"));
  await enter(bob, "Bob");
  await teacher.waitFor((n) => document.querySelector("#player-count").innerText === `${n} students` && document.querySelectorAll("#players li").length === n, [CLASS + 2]);

  // Nobody sees the questions before they are asked, not even that there are any.
  assert.deepEqual(await ann.evaluate(() => Goop.data.query("questions")), []);

  const rounds = [[1, 1, 0], [2, 0, 1], [3, 2, 2]]; // question, Ann's choice, Bob's
  for (const [number, anns, bobs] of rounds) {
    await next(teacher, number === 1 ? "Start" : "Next question");
    await Promise.all([ann, bob].map((tab) => at(tab, "open", number)));
    await answer(ann, anns);
    await answer(bob, bobs);
    const { answered, early } = await pupils.line("question", number);
    assert.deepEqual([answered, early], [CLASS, 0], "all native members have answered, and none was told what is right");
    await teacher.waitFor((n) => document.querySelector("#answered")?.innerText === `${n} of ${n} answered`, [CLASS + 2]);
    for (const tab of [ann, bob]) {
      assert.equal(await tab.evaluate(() => document.querySelector(".results, .leaderboard")), null, "something is shown before the reveal");
      assert.deepEqual(await tab.evaluate((n) => Goop.data.count("reveal", { where: { number: n } }), number), 0);
    }
    if (number === 2) {
      // Who loads the page anew comes back to where it was, the teacher too.
      await Promise.all([ann, teacher].map((tab) => tab.reload()));
      await ann.waitFor(() => document.querySelector("#answer-state")?.innerText.includes("locked in") && document.querySelector("button.mine")?.dataset.choice === "0");
      await at(teacher, "open", 2);
    }
    await next(teacher, "Show the answer");
    await Promise.all([teacher, ann, bob].map((tab) => at(tab, "revealed", number)));
    await pupils.line("revealed", number);
    const right = [1, 1, 2][number - 1];
    for (const [tab, mine] of [[ann, anns], [bob, bobs]]) {
      await tab.waitFor((n) => [...document.querySelectorAll(".results .number")].reduce((sum, el) => sum + Number(el.innerText), 0) === n, [CLASS + 2], { what: "the distribution of all answers" });
      assert.equal(await tab.text(".verdict"), mine === right ? "Right!" : "Not this time");
      assert.equal(await tab.evaluate(() => document.querySelector(".result.right").dataset.choice), String(right));
    }
    // The same leaderboard on every page, and at every native member.
    const rows = await board(teacher, code);
    assert.equal(rows.length, CLASS + 2);
    assert.deepEqual(await board(ann, code), rows);
    assert.deepEqual(await board(bob, code), rows);
    assert.equal(await pupils.see(rows), CLASS, "native members see another leaderboard");
    const first = rows.slice(0, 5).map(([id]) => String(id));
    for (const tab of [teacher, bob]) {
      await tab.waitFor((ids) => [...document.querySelectorAll(".leaderboard li")].slice(0, 5).map((li) => li.dataset.player).join() === ids, [first.join()], { what: "the first five of the leaderboard" });
    }
  }

  await next(teacher, "To the podium");
  await Promise.all([teacher, ann, bob].map((tab) => at(tab, "ended")));
  await teacher.waitFor((n) => document.querySelectorAll(".leaderboard li").length === n && document.querySelectorAll(".podium .step").length > 0, [CLASS + 2]);

  // The results as a file: a line for each student, the words of each answer.
  const csv = await download(teacher, "#next");
  const lines = csv.trimEnd().split("\r\n");
  assert.equal(lines.length, CLASS + 4);
  assert.match(lines[0], /^\uFEFF?Rank,Name,Points,Right answers,1\. What is 7 × 8\?,Points for 1,Seconds for 1,/);
  assert.match(lines.find((l) => l.includes(",Ann,")), /^\d+,Ann,\d+,2,B: 56,\d+,[\d.]+,A: Shark,0,[\d.]+,C: Canberra,\d+,[\d.]+$/);
});

for (const browser of BROWSERS) {
  scene(`the host's clock closes a question, whatever the page's says, in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site: "quiz" });
    const teacher = await newQuiz(host, await s.peer("chromium", "teacher"), { csv: "Quick now,1,5,yes,no\nAnd now,1,30,yes,no" });
    const code = await openSession(teacher);
    const annProfile = await s.peer(browser, "ann");
    const ann = await joinByCode(host, annProfile, code, "Ann");
    await next(teacher, "Start");
    await at(ann, "open", 1);
    await ann.evaluate(() => {
      // An hour slow: this page would go on for ever.
      const wall = Date.now;
      Date.now = () => wall() - 3_600_000;
    });
    await at(teacher, "closed", 1);
    // A page knows the host's clock to some milliseconds only. This process has the same clock as the host: by it, the
    // time is over to the millisecond.
    const [{ closes_at: closes }] = await teacher.evaluate(() => Goop.data.query("questions"));
    while (Date.now() <= closes) await new Promise((resolve) => setTimeout(resolve, 1));
    const refused = await ann.evaluate(async () => {
      const [question] = await Goop.data.query("questions");
      return Goop.data.insert("answers", { question: question._id, choice: 0 }).then((row) => `taken at ${row._created_at}`, (e) => e.code);
    });
    assert.equal(refused, "forbidden", `the question closed at ${closes}`);
    await at(ann, "closed", 1);
    assert.equal(await ann.evaluate(() => [...document.querySelectorAll("button.choice")].every((b) => b.disabled)), true);

    // A late comer is in from the next question on; by the keyboard alone.
    const late = await joinByCode(host, await s.peer("chromium", "late"), code, "Late");
    await at(late, "closed", 1);
    await next(teacher, "Show the answer");
    await at(late, "revealed", 1);
    assert.equal(await late.text(".verdict"), "No answer this time");
    await teacher.waitFor(() => document.activeElement?.id === "next");
    await next(teacher, "Next question");
    await at(late, "open", 2);
    await late.press("b");
    await late.waitFor(() => document.querySelector("button.mine")?.dataset.choice === "1" && document.querySelector("#answer-state").innerText.includes("locked in"));
    await late.press("a");
    assert.equal(await late.evaluate(() => document.querySelector("button.mine").dataset.choice), "1");

    // Whom the teacher takes off the list has to choose another name.
    const players = await teacher.evaluate(() => Goop.data.query("players", { where: { nickname: "Late" } }));
    await teacher.evaluate((id) => Goop.data.remove("players", id), players[0]._id);
    await late.see("#nickname");
    await enter(late, "Better late");
    await at(late, "open", 2);
    assert.equal(await late.evaluate(() => document.querySelector("button.mine")?.dataset.choice), "1");

    // A session that is deleted is gone for everybody.
    await teacher.click("#end");
    await teacher.click("dialog .danger");
    await at(ann, "ended");
    await at(teacher, "ended");
    await teacher.click("#delete");
    await teacher.click("dialog .danger");
    await ann.see('[data-page="over"]');
    await teacher.see('[data-page="editor"]');
    assert.deepEqual(await teacher.evaluate(() => Promise.all(["sessions", "questions", "players", "answers"].map((t) => Goop.data.count(t)))), [0, 0, 0, 0]);
    await ann.goto(`${host.url}/?code=${code}`);
    await ann.see('[data-page="refused"]');
  });
}

scene("no byte of a student's connection tells what is right before the reveal", "websocket", async (s) => {
  const host = await s.host({ site: "quiz" });
  const teacher = await newQuiz(host, await s.peer("chromium", "teacher"));
  const code = await openSession(teacher);
  // What goes over the network is encrypted; what the page makes of it is not. (The native members keep the bytes themselves.)
  const eveProfile = await s.peer("chromium", "eve");
  const eve = await eveProfile.open("about:blank");
  await eve.page.addInitScript(() => {
    globalThis.heard = [];
    const decode = TextDecoder.prototype.decode;
    TextDecoder.prototype.decode = function (...args) {
      const text = decode.apply(this, args);
      globalThis.heard.push(text);
      return text;
    };
    const parse = JSON.parse;
    JSON.parse = (text, ...rest) => {
      globalThis.heard.push(text);
      return parse(text, ...rest);
    };
  });
  await eve.goto(`${host.url}/?code=${code}`);
  await eve.see("#nickname");
  await enter(eve, "Eve");
  const second = await joinByCode(host, await s.peer("firefox", "second"), code, "Eve too");
  await next(teacher, "Start");
  await at(eve, "open", 1);
  await at(second, "open", 1);
  await answer(second, 1);

  // The second identity has answered: the first asks for everything that could tell of it, or of what is right.
  const told = await eve.evaluate(async (session) => {
    const [question] = await Goop.data.query("questions", { where: { session } });
    const tries = {
      question: () => question,
      answers: () => Goop.data.query("answers"),
      count: () => Goop.data.count("answers", { where: { question: question._id } }),
      reveal: () => Goop.data.query("reveal"),
      distribution: () => Goop.data.query("distribution"),
      points: () => Goop.data.aggregate("leaderboard", { compute: { sum: { sum: "points" }, correct: { sum: "correct" } } }),
      guess: () => Goop.data.query("questions", { where: { right: 1 } }),
      items: () => Goop.data.query("items"),
      results: () => Goop.data.query("results"),
      progress: () => Goop.data.query("progress"),
      sql: () => Goop.data.sql("SELECT right FROM questions"),
      twice: () => Goop.data.batch([0, 1].map((choice) => ({ op: "insert", table: "answers", values: { question: question._id, choice } }))),
    };
    const results = {};
    for (const [name, go] of Object.entries(tries)) results[name] = await Promise.resolve().then(go).catch((e) => e.code);
    return results;
  }, code);
  assert.equal("right" in told.question, false);
  delete told.question;
  assert.deepEqual(told, {
    answers: [], count: 0, reveal: [], distribution: [], points: [{ sum: 0, correct: 0 }], guess: "no_such_column", items: "forbidden",
    results: "forbidden", progress: "forbidden", sql: "forbidden", twice: "conflict",
  });

  const before = await heard(eve);
  assert.ok(before.includes("What is 7 × 8?"), "the question is not among what the page was told: the test does not listen");
  assert.equal(before.includes('"right":'), false, "the right answer is on its way before the reveal");
  await next(teacher, "Show the answer");
  await at(eve, "revealed", 1);
  assert.ok((await heard(eve)).includes('"right":1'), "and comes with it");
});

scene("questions are written, moved, imported and exported", "webtransport", async (s) => {
  const host = await s.host({ site: "quiz" });
  const teacher = await newQuiz(host, await s.peer("firefox", "teacher"));
  const texts = () => teacher.evaluate(() => [...document.querySelectorAll("#items > li strong")].map((el) => el.innerText));
  await teacher.click("#add");
  await teacher.fill("#q-text", "Which planet has the most moons?");
  await teacher.fill("#q-choice-0", "Jupiter");
  await teacher.click("dialog .primary");
  await teacher.waitFor(() => document.querySelector("#q-fault")?.innerText.startsWith("There is one choice"));
  await teacher.fill("#q-choice-1", "Saturn");
  await teacher.click("#q-right-1");
  await teacher.click("dialog .primary");
  await teacher.waitFor(() => document.querySelectorAll("#items > li").length === 4);
  await teacher.evaluate(() => document.querySelector("#items > li:nth-child(4) [aria-label^='Move up']").click());
  await teacher.waitFor(() => document.querySelector("#items > li:nth-child(3) strong").innerText.startsWith("Which planet"));
  await teacher.click("#import");
  await paste(teacher, "Q,1,20,a,b\nQ,9,20,a,b");
  await teacher.waitFor(() => document.querySelector(".faults")?.innerText.startsWith("Line 2: the right answer is"));
  assert.equal(await teacher.evaluate(() => document.querySelector("#csv-take").disabled), true);
  await teacher.press("Escape");
  await importQuestions(teacher, "=1+1 is …,1,10,2,3");
  await teacher.waitFor(() => document.querySelectorAll("#items > li").length === 5);
  assert.deepEqual(await texts(), ["What is 7 × 8?", "Which of these is a mammal?", "Which planet has the most moons?", "The capital of Australia is …", "=1+1 is …"]);
  const csv = await download(teacher, "#export");
  assert.match(csv, /\r\nWhich planet has the most moons\?,2,20,Jupiter,Saturn\r\n[^]*\r\n'=1\+1 is …,1,10,2,3\r\n$/);

  await teacher.click("#rename");
  await teacher.fill("#text-input", "Something of everything");
  await teacher.click("dialog .primary");
  await teacher.waitFor(() => document.querySelector("#title").innerText === "Something of everything");

  // Two sessions of the same questions, side by side.
  const one = await openSession(teacher);
  await teacher.goto(`${host.url}/`);
  await teacher.click("#quizzes a");
  const two = await openSession(teacher);
  assert.notEqual(one, two);
  const ann = await joinByCode(host, await s.peer("chromium", "ann"), one, "Ann");
  const bob = await joinByCode(host, await s.peer("chromium", "bob"), two, "Ann");
  await next(teacher, "Start");
  await at(bob, "open", 1);
  await at(ann, "lobby");
  assert.deepEqual(await ann.evaluate(() => Goop.data.query("questions")), []);
  // Who only looks is nobody.
  const stranger = await (await s.peer("firefox", "stranger")).open(`${host.url}/?code=NOSUCH`);
  await stranger.see('[data-page="refused"]');
  assert.match(await stranger.text("main"), /There is no quiz with this code/);
  assert.deepEqual(await stranger.evaluate(() => Promise.all(["sessions", "questions", "players", "answers", "leaderboard", "reveal"].map((t) => Goop.data.count(t)))), [0, 0, 0, 0, 0, 0]);
});

for (const browser of BROWSERS) {
  scene(`a quiz goes on after the host was away, in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site: "quiz" });
    const teacher = await newQuiz(host, await s.peer("chromium", "teacher"), { csv: "Take your time,1,180,yes,no\nAnd now,1,30,yes,no" });
    const code = await openSession(teacher);
    const annProfile = await s.peer(browser, "ann");
    const ann = await joinByCode(host, annProfile, code, "Ann");
    const bob = await joinByCode(host, await s.peer("chromium", "bob"), code, "Bob");
    await next(teacher, "Start");
    await at(ann, "open", 1);
    await at(bob, "open", 1);
    await answer(bob, 1);

    // What is chosen while the host is away is kept, and said so; nothing on the page is lost meanwhile.
    await host.kill();
    await ann.see("#connection");
    await ann.click('button.choice[data-choice="0"]');
    await ann.waitFor(() => document.querySelector("#answer-state").innerText.startsWith("There is no connection"));
    await at(ann, "open", 1);
    await at(teacher, "open", 1);
    await host.start();
    for (const tab of [teacher, ann, bob]) await tab.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
    await ann.waitFor(() => document.querySelector("#answer-state").innerText.includes("locked in"), [], { timeout: 40_000 });
    await bob.waitFor(() => document.querySelector("button.mine")?.dataset.choice === "1");
    await teacher.waitFor(() => document.querySelector("#answered").innerText === "2 of 2 answered");
    await next(teacher, "Show the answer");
    for (const tab of [teacher, ann, bob]) await at(tab, "revealed", 1);
    assert.equal(await ann.text(".verdict"), "Right!");
    await next(teacher, "Next question");
    await at(ann, "open", 2);
    await answer(ann, 0);
  });
}
