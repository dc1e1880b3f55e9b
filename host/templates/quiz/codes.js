// Join codes: the id of a session's group, short enough to be copied from a board.

/** Without vowels, so that no code is a word, and without what looks like something else. */
const LETTERS = "BCDFGHJKMNPQRTVWXYZ2346789";
const LENGTH = 6;

/** A code that nobody guesses by trying: one of 300 million. */
export function newCode() {
  // Each letter from a number of its own; 26 does not divide 2³², by which no letter gains more than one in 10⁸.
  return Array.from(crypto.getRandomValues(new Uint32Array(LENGTH)), (n) => LETTERS[n % LETTERS.length]).join("");
}

/** A code as it was meant: people write it in small letters and with blanks. */
export function tidyCode(text) {
  return String(text ?? "").toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, 16);
}

/** As it is shown, in two halves. */
export const spell = (code) => (code.length === LENGTH ? `${code.slice(0, 3)} ${code.slice(3)}` : code);

/** The address that takes a phone into a session. */
export function linkTo(code) {
  const url = new URL("/", location.href);
  url.searchParams.set("code", code);
  return url.href;
}

/** Whether the page was opened by an address that only this computer has. */
export const onlyHere = () => /^(localhost|127\.|\[::1\])/.test(location.hostname);
