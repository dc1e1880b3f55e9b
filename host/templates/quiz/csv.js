// CSV: questions that come in, and results that go out. Nothing here knows of pages, so that it can be tested alone.

/** What a question may be; as goop.json has it. */
export const BOUNDS = { text: 300, choice: 200, minChoices: 2, maxChoices: 6, minSeconds: 5, maxSeconds: 600, seconds: 20 };
/** Questions of one file: as many as the host takes in one request. */
export const MAX_QUESTIONS = 500;

/** How a file of questions looks. */
export const EXAMPLE = `question,right,seconds,choice 1,choice 2,choice 3,choice 4
What is 7 × 8?,2,20,54,56,58,64
"Which of these is a mammal, not a fish?",B,15,Shark,Dolphin,Tuna
`;

/** The sign between the cells: what stands most often in the first line, outside of quotation marks. */
function separatorOf(text) {
  const counts = { ",": 0, ";": 0, "\t": 0 };
  let quoted = false;
  for (const c of text) {
    if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c === "\n" || c === "\r") break;
    else if (c in counts) counts[c]++;
  }
  return Object.keys(counts).reduce((a, b) => (counts[b] > counts[a] ? b : a));
}

/**
 * Takes CSV apart, as RFC 4180 has it, with commas, semicolons or tabs.
 * @param {string} text
 * @returns {{rows: {line: number, cells: string[]}[], errors: {line: number, message: string}[]}} line is where a row
 *   begins, from 1; rows without anything in them are left out
 */
export function parse(text) {
  const source = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const separator = separatorOf(source);
  const rows = [];
  const errors = [];
  let line = 1;
  let at = 0;
  while (at < source.length) {
    const row = { line, cells: [] };
    for (let more = true; more;) {
      let cell = "";
      if (source[at] === '"') {
        const opened = line;
        for (at++; ; at++) {
          if (at >= source.length) {
            errors.push({ line: opened, message: "a quotation mark is opened here and never closed." });
            break;
          }
          if (source[at] === '"' && source[at + 1] !== '"') {
            at++;
            break;
          }
          if (source[at] === '"') at++;
          if (source[at] === "\n") line++;
          cell += source[at];
        }
        if (at < source.length && source[at] !== separator && source[at] !== "\n") {
          errors.push({ line, message: `after a closing quotation mark comes "${source[at]}", not the next cell.` });
        }
      }
      while (at < source.length && source[at] !== separator && source[at] !== "\n") cell += source[at++];
      row.cells.push(cell.trim());
      more = source[at] === separator;
      if (more) at++;
    }
    at++; // the end of the line
    line++;
    if (row.cells.some((c) => c)) rows.push(row);
  }
  return { rows, errors };
}

/** The right answer as a place from 0, or -1: people write 2 or B. */
function placeOf(text) {
  if (/^[1-6]$/.test(text)) return Number(text) - 1;
  if (/^[a-f]$/i.test(text)) return text.toUpperCase().charCodeAt(0) - 65;
  return -1;
}

/** What is wrong with a question, in words that name no line; "" when nothing is. */
export function fault({ text, choices, right, seconds }) {
  const B = BOUNDS;
  if (!text) return "there is no question.";
  if ([...text].length > B.text) return `the question has ${[...text].length} characters; ${B.text} are allowed.`;
  if (choices.length < B.minChoices) return `there ${choices.length === 1 ? "is one choice" : "are no choices"}; two at least are needed.`;
  if (choices.length > B.maxChoices) return `there are ${choices.length} choices; ${B.maxChoices} at most are allowed.`;
  const long = choices.findIndex((c) => [...c].length > B.choice);
  if (long >= 0) return `choice ${long + 1} has ${[...choices[long]].length} characters; ${B.choice} are allowed.`;
  const twice = choices.findIndex((c, i) => choices.indexOf(c) < i);
  if (twice >= 0) return `the choice "${choices[twice]}" stands there twice.`;
  if (!(right >= 0 && right < choices.length)) return `the right answer is none of the ${choices.length} choices.`;
  if (!Number.isInteger(seconds) || seconds < B.minSeconds || seconds > B.maxSeconds) {
    return `the seconds are to be a whole number from ${B.minSeconds} to ${B.maxSeconds}.`;
  }
  return "";
}

/**
 * Reads questions.
 * @param {string} text
 * @returns {{items: {text: string, choices: string[], right: number, seconds: number}[], errors: {line: number, message: string}[]}}
 */
export function questionsOf(text) {
  const { rows, errors } = parse(text);
  if (/^question$/i.test(rows[0]?.cells[0] ?? "")) rows.shift();
  const items = [];
  for (const { line, cells: raw } of rows) {
    const cells = raw.map((c) => c.replace(/^'(?=[=+\-@])/, "")); // as format has written it
    const [question, right = "", seconds = "", ...rest] = cells;
    const choices = rest.slice(0, rest.findLastIndex((c) => c) + 1);
    const item = { text: question, choices, right: placeOf(right), seconds: seconds ? Number(seconds) : BOUNDS.seconds };
    const hole = choices.findIndex((c) => !c);
    let message = hole >= 0 ? `choice ${hole + 1} is empty, and others come after it.` : fault(item);
    if (!right && question && choices.length) message = "the second cell, which tells the right answer, is empty: a number from 1, or a letter from A.";
    else if (item.right < 0 && choices.length) message = `the right answer is "${right}"; it has to be a number from 1, or a letter from A.`;
    else if (item.right >= choices.length && choices.length >= 2) message = `the right answer is ${right}, and there are ${choices.length} choices.`;
    if (message) errors.push({ line, message });
    else items.push(item);
  }
  if (!rows.length && !errors.length) errors.push({ line: 1, message: "there is no question in it." });
  if (items.length > MAX_QUESTIONS) errors.push({ line: rows[MAX_QUESTIONS].line, message: `these are ${items.length} questions; ${MAX_QUESTIONS} at once are allowed.` });
  return { items, errors: errors.sort((a, b) => a.line - b.line) };
}

/**
 * Writes CSV that a spreadsheet opens as it is: with a mark of its encoding, and so that no cell is taken for a formula,
 * whatever a student has chosen as a name.
 * @param {(string | number)[][]} rows
 */
export function format(rows) {
  const cell = (value) => {
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r\n]/.test(value.trimStart()) || /^[\t\r\n]/.test(value) ? `'${value}` : value;
    return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Questions as questionsOf reads them. */
export function writeQuestions(items) {
  const head = ["question", "right", "seconds", ...Array.from({ length: BOUNDS.maxChoices }, (_, i) => `choice ${i + 1}`)];
  return format([head, ...items.map((q) => [q.text, q.right + 1, q.seconds, ...q.choices])]);
}

/** Text of a file: UTF-8, or what older spreadsheets write. */
export function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
