// CSV as the quiz reads and writes it. Without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, EXAMPLE, format, parse, questionsOf, writeQuestions } from "../../host/templates/quiz/csv.js";

const sevens = { text: "What is 7 × 8?", choices: ["54", "56", "58"], right: 1, seconds: 20 };

test("questions come in with commas, semicolons or tabs, with or without headings", () => {
  for (const [text, what] of [
    ["What is 7 × 8?,2,20,54,56,58", "commas"],
    ["What is 7 × 8?;2;20;54;56;58", "semicolons"],
    ["What is 7 × 8?\t2\t20\t54\t56\t58", "tabs"],
    ["\uFEFFquestion,right,seconds,choice 1\r\n\r\nWhat is 7 × 8?,b,,54,56,58,,\r\n", "headings, a letter, no seconds, empty cells at the end"],
    ["What is 7 × 8?,2,20,54,56,58\r\r", "an old Macintosh"],
    ['"What is 7 × 8?","2","20","54","56", 58 ', "quotation marks and blanks"],
  ]) assert.deepEqual(questionsOf(text), { items: [sevens], errors: [] }, what);
  const [mammal] = questionsOf(EXAMPLE).items.slice(1);
  assert.deepEqual([mammal.text, mammal.right, mammal.choices.length], ["Which of these is a mammal, not a fish?", 1, 3]);
  assert.equal(questionsOf('"He said ""yes"";\nor no?",1,20,a,b').items[0].text, 'He said "yes";\nor no?');
});

test("what is wrong is told with its line", () => {
  const wrong = (text) => questionsOf(text).errors.map((e) => `${e.line}: ${e.message}`);
  assert.deepEqual(wrong("Q,1,20,a,b\nQ,5,20,a,b\n\nQ,x,20,a,b\nQ,1,20,a\n,1,20,a,b\nQ,,20,a,b\nQ,1,3,a,b\nQ,1,1.5,a,b"), [
    "2: the right answer is 5, and there are 2 choices.",
    '4: the right answer is "x"; it has to be a number from 1, or a letter from A.',
    "5: there is one choice; two at least are needed.",
    "6: there is no question.",
    "7: the second cell, which tells the right answer, is empty: a number from 1, or a letter from A.",
    "8: the seconds are to be a whole number from 5 to 600.",
    "9: the seconds are to be a whole number from 5 to 600.",
  ]);
  assert.deepEqual(wrong("Q,1,20,a,,c"), ["1: choice 2 is empty, and others come after it."]);
  assert.deepEqual(wrong("Q,1,20,a,a"), ['1: the choice "a" stands there twice.']);
  assert.deepEqual(wrong("Q,1,20,a,b,c,d,e,f,g"), ["1: there are 7 choices; 6 at most are allowed."]);
  assert.deepEqual(wrong(`${"Q".repeat(301)},1,20,a,b`), ["1: the question has 301 characters; 300 are allowed."]);
  // A line that a quoted cell goes over counts, too.
  assert.deepEqual(wrong('"one\ntwo\nthree",1,20,a,b\nQ,9,20,a,b')[0], '4: the right answer is "9"; it has to be a number from 1, or a letter from A.');
  assert.match(wrong('Q,1,20,a,b\nQ,1,20,"a,b\nQ,1,20,a,b').join("|"), /^2: a quotation mark is opened here and never closed\./);
  assert.match(wrong('Q,1,20,"a"x,b')[0], /^1: after a closing quotation mark comes "x"/);
  assert.deepEqual(wrong("question,right,seconds"), ["1: there is no question in it."]);
  assert.match(wrong("Q,1,20,a,b\n".repeat(501))[0], /^501: these are 501 questions/);
});

test("no cell that goes out is a formula, and questions come back as they were", () => {
  const out = format([["Name", 1], ["=HYPERLINK(\"x\")", -2], ["+1", "@a"], ["-1", "\tx"], [" =1", 'a"b;c']]);
  assert.equal(out, '\uFEFFName,1\r\n"\'=HYPERLINK(""x"")",-2\r\n\'+1,\'@a\r\n\'-1,"\'\tx"\r\n\' =1,"a""b;c"\r\n');
  for (const { cells } of parse(out).rows.slice(1)) for (const c of cells) assert.doesNotMatch(c, /^[=+@\t]|^-\D/);
  const items = [sevens, { text: "-3 + 1 is, as \"they\" say,", choices: ["-2", "=4", "@", "+1"], right: 0, seconds: 60 }];
  assert.deepEqual(questionsOf(writeQuestions(items)), { items, errors: [] });
  assert.equal(decode(new Uint8Array([0xe4, 0xf6])), "äö");
  assert.equal(decode(new TextEncoder().encode("äö")), "äö");
});
