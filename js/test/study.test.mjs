// A study group, used through its pages in Chromium and Firefox.

import assert from "node:assert/strict";
import { everywhere, scene } from "./harness/scene.mjs";
import { BROWSERS } from "./harness/worlds.mjs";
import { accept, hear, inviteLink, messages, newGroup, present, say } from "./harness/study.mjs";

everywhere("a study group meets, by invitation", async (s) => {
  const host = await s.host({ site: "study" });
  const { tab: olga, id } = await newGroup(host, await s.peer("chromium", "olga"));

  // To who is not invited there is no group.
  const stranger = await (await s.peer("firefox", "stranger")).open(host.url);
  await stranger.waitFor(() => document.querySelector("#no-groups")?.innerText.startsWith("You are in no group"));
  await stranger.goto(`${host.url}/?group=${id}`);
  await stranger.see('[data-page="ended"]');

  const link = await inviteLink(olga, { uses: "10" });
  const annProfile = await s.peer("firefox", "ann");
  const ann = await accept(annProfile, link, "Ann");
  const bob = await accept(await s.peer("chromium", "bob"), link, "Bob");
  for (const tab of [olga, ann, bob]) {
    await tab.waitFor(() => document.querySelectorAll("#people li").length === 3);
    assert.deepEqual(await present(tab), ["Ann", "Bob", "Olga"]);
  }

  await say(olga, "Welcome, both");
  await say(ann, "Hello! See https://example.org/notes, it is good.");
  await hear(bob, "Welcome, both");
  await hear(olga, "Hello! See https://example.org/notes, it is good.");
  assert.equal(await bob.evaluate(() => document.querySelector(".bubble a").href), "https://example.org/notes");

  // Typing is seen, and passes.
  await bob.fill("#message", "Let me think");
  await ann.waitFor(() => document.querySelector("#typing").innerText === "Bob is typing…");
  await bob.click("#send");
  await ann.waitFor(() => document.querySelector("#typing").innerText === "");

  // A reload needs no invitation, and the history is there.
  await ann.reload();
  await hear(ann, "Welcome, both");
  assert.deepEqual(await messages(ann), ["Welcome, both", "Hello! See https://example.org/notes, it is good.", "Let me think"]);

  // Nor does a restart of the host, which forgets nothing.
  await host.kill();
  await host.start();
  await say(bob, "After the restart");
  await hear(ann, "After the restart");
  await hear(olga, "After the restart");

  // The owner takes a message away: nobody has it any more.
  await olga.evaluate(() => [...document.querySelectorAll(".message")].find((m) => m.innerText.includes("Let me think")).querySelector(".remove").click());
  for (const tab of [olga, ann, bob]) {
    await tab.waitFor(() => !document.querySelector("#messages").innerText.includes("Let me think") && !!document.querySelector(".gone"));
  }
  await bob.reload();
  await hear(bob, "After the restart");
  assert.equal((await messages(bob)).includes("Let me think"), false);

  // Ann is removed, and cannot come back by a reload; the link would still let others in.
  const peer = await ann.evaluate(() => Goop.me.peer);
  await olga.click(`[data-peer="${peer}"] .more`);
  await olga.click('[data-do="ban"]');
  await olga.click("dialog .danger");
  await ann.see('[data-page="ended"]');
  await ann.goto(link);
  await ann.see('[data-page="ended"]');
  assert.match(await ann.text("main"), /cannot join this group any more/);
  await bob.waitFor(() => document.querySelectorAll("#people li").length === 2);

  await olga.click("#close-group");
  await olga.click("dialog .danger");
  await bob.see('[data-page="ended"]');
  await olga.waitFor(() => document.querySelector("#no-groups")?.innerText.startsWith("There is no group yet"));
});

scene("notes and links of a study group are written by many", "webtransport", async (s) => {
  const host = await s.host({ site: "study" });
  const { tab: olga } = await newGroup(host, await s.peer("chromium", "olga"));
  const ann = await accept(await s.peer("firefox", "ann"), await inviteLink(olga), "Ann");

  await olga.fill("#notes", "one\ntwo\nthree");
  const reads = (tab, text) => tab.waitFor((t) => document.querySelector("#notes").value === t, [text], { what: `the notes to be ${JSON.stringify(text)}` });
  await reads(ann, "one\ntwo\nthree");

  // Both write at once, in different lines: neither is lost. The pause before saving makes it "at once".
  await Promise.all([olga.fill("#notes", "ONE\ntwo\nthree"), ann.fill("#notes", "one\ntwo\nthree\nfour")]);
  await reads(olga, "ONE\ntwo\nthree\nfour");
  await reads(ann, "ONE\ntwo\nthree\nfour");

  // In the same line: whoever is later is asked, and keeps both.
  await Promise.all([olga.fill("#notes", "Olga\ntwo\nthree\nfour"), ann.fill("#notes", "Ann\ntwo\nthree\nfour")]);
  const asked = await Promise.any([olga, ann].map(async (tab) => (await tab.see("#notes-clash"), tab)));
  await asked.click('#notes-clash [data-keep="both"]');
  for (const tab of [olga, ann]) {
    await tab.waitFor(() => {
      const text = document.querySelector("#notes").value;
      return text.includes("Olga") && text.includes("Ann") && text.includes("four");
    });
  }

  await Promise.all([olga, ann].map(async (tab, i) => {
    await tab.fill("#link-url", `example.org/${i}`);
    await tab.fill("#link-title", `Link ${i}`);
    await tab.click(".add-link button");
  }));
  for (const tab of [olga, ann]) await tab.waitFor(() => document.querySelectorAll("#links li").length === 2);
  assert.deepEqual(await ann.evaluate(() => [...document.querySelectorAll("#links a")].map((a) => a.href).sort()), ["https://example.org/0", "https://example.org/1"]);
  await olga.click("#links .remove");
  await ann.waitFor(() => document.querySelectorAll("#links li").length === 1);
  await ann.fill("#link-url", "javascript:alert(1)");
  await ann.click(".add-link button");
  await ann.waitFor(() => document.querySelector("#toast").innerText === "That is not a web address.");

  // Everybody's colour can be read, by day and by night.
  for (const dark of [false, true]) {
    await olga.dark(dark);
    const poor = await olga.evaluate(() => {
      const light = (color) => color.match(/[\d.]+/g).slice(0, 3).map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const found = [];
      for (let hue = 0; hue < 360; hue += 30) {
        for (const kind of ["author", "face"]) {
          const el = document.querySelector(".chat").appendChild(Object.assign(document.createElement("p"), { className: kind }));
          el.style.setProperty("--hue", hue);
          const style = getComputedStyle(el);
          const ratio = contrast(style.color, kind === "face" ? style.backgroundColor : getComputedStyle(document.querySelector(".chat")).backgroundColor);
          if (ratio < 4.5) found.push(`${kind} ${hue}: ${ratio.toFixed(1)}`);
          el.remove();
        }
      }
      return found;
    });
    assert.deepEqual(poor, [], dark ? "in the dark" : "in the light");
  }
});

scene("a long history is read page by page, and what is new is marked", "webtransport", async (s) => {
  const host = await s.host({ site: "study" });
  const { tab: olga, id } = await newGroup(host, await s.peer("chromium", "olga"));
  const profile = await s.peer("firefox", "ann");
  const ann = await accept(profile, await inviteLink(olga), "Ann");
  await say(ann, "I am here");
  const peer = await ann.evaluate(() => Goop.host.peer);
  await ann.waitFor(([p, g]) => Number(localStorage.getItem(`study.read/${p}/${g}`)) > 0, [[peer, id]]);
  await ann.close();

  await olga.evaluate(async (group) => {
    const g = await Goop.group.join(group);
    await Promise.all(Array.from({ length: 130 }, (_, i) => g.send({ text: `message ${i}` })));
  }, id);

  const back = await profile.open(host.url);
  await back.waitFor(() => document.querySelector("#groups .tag:not([hidden])")?.innerText === "99+ new");
  await back.click("#groups a");
  await hear(back, "message 129");
  await back.see("#new-mark").catch(() => {}); // it stands above what is to be seen, perhaps
  await back.waitFor(() => {
    const scroller = document.querySelector(".scroller");
    scroller.scrollTop = 0;
    return document.querySelector("#earlier").hidden && !!document.querySelector("#new-mark");
  });
  const all = await messages(back);
  assert.deepEqual(all, ["I am here", ...Array.from({ length: 130 }, (_, i) => `message ${i}`)]);
  const next = await back.evaluate(() => document.querySelector("#new-mark").nextElementSibling.innerText);
  assert.match(next, /message 0/, "the mark stands before the first message that Ann has not read");
});

for (const browser of BROWSERS) {
  scene(`roles count at once, and who is removed is told, in ${browser}`, "webtransport", async (s) => {
    const host = await s.host({ site: "study" });
    const { tab: olga, id } = await newGroup(host, await s.peer("chromium", "olga"));
    const viv = await accept(await s.peer(browser, "viv"), await inviteLink(olga, { role: "viewer" }), "Viv");
    await say(olga, "Read this");
    await hear(viv, "Read this");
    assert.equal(await viv.evaluate(() => document.querySelector(".composer").hidden && document.querySelector("#notes").readOnly), true);
    const peer = await viv.evaluate(() => Goop.me.peer);
    await olga.click(`[data-peer="${peer}"] .more`);
    await olga.click('[data-do="member"]');
    await viv.waitFor(() => !document.querySelector(".composer").hidden);
    await say(viv, "Now I can");
    await hear(olga, "Now I can");

    await olga.evaluate(([group, who]) => Goop.group.kick(group, who, { message: "See you next term" }), [id, peer]);
    await viv.see('[data-page="ended"]');
    assert.match(await viv.text("main"), /You were removed from this group[^]*See you next term/);
    await olga.waitFor(() => document.querySelectorAll("#people li").length === 1);
    await viv.reload();
    await viv.see('[data-page="ended"]');
    assert.match(await viv.text("main"), /not for you/, "without an invitation there is no such group");
  });
}

scene("what was written without a connection is sent by the next visit, or shown", "webtransport", async (s) => {
  const host = await s.host({ site: "study" });
  const { tab: olga, id } = await newGroup(host, await s.peer("chromium", "olga"));
  const profile = await s.peer("firefox", "ann");
  let ann = await accept(profile, await inviteLink(olga), "Ann");
  await say(ann, "still here");
  const peer = await ann.evaluate(() => Goop.me.peer);
  const onTheTrain = async (text) => {
    await host.kill();
    await ann.fill("#message", text);
    await ann.click("#send");
    await ann.see(".pending");
    await ann.close();
    await host.start();
    await olga.waitFor(() => Goop.status.state === "online", [], { timeout: 40_000 });
  };

  await onTheTrain("from the train");
  ann = await profile.open(`${host.url}/?group=${id}`);
  await hear(olga, "from the train", { timeout: 40_000 });
  await hear(ann, "from the train");
  assert.equal((await messages(olga)).filter((m) => m === "from the train").length, 1);

  // Meanwhile she may only read: it comes back to her instead of going under.
  await onTheTrain("from another train");
  await olga.evaluate(([group, who]) => Goop.group.setRole(group, who, "viewer"), [id, peer]);
  ann = await profile.open(`${host.url}/?group=${id}`);
  await ann.waitFor(() => document.querySelector(".failed .text")?.innerText === "from another train", [], { timeout: 40_000 });
  assert.match(await ann.text(".failed .state"), /^You cannot do that here/);
});
