// The pieces, drawn for this site in a box of 100 by 100, of which the margin is not shown. Both colours share one set of outlines; the
// style sheet fills them.

const BASE = '<path d="M23 86q-3 0-3-4 0-9 9-11h42q9 2 9 11 0 4-3 4z"/>';
const COLLAR = '<rect x="35" y="45" width="30" height="6.5" rx="3.2"/>';
const STEM = '<path d="M33 71q9-9 9.500-20h15q.5 11 9.500 20z"/>';

const SHAPES = {
  p: '<path d="M36 71q8-8 8-20h12q0 12 8 20z"/><rect x="38" y="46" width="24" height="6" rx="3"/><circle cx="50" cy="33.500" r="13"/>' + BASE,
  r: '<path d="M33 71q3.500-14 4-28h26q.5 14 4 28z"/><path d="M28 21q0-2 2-2h6.500q2 0 2 2v4h6v-4q0-2 2-2h7q2 0 2 2v4h6v-4q0-2 2-2H70q2 0 2 2v13q0 2-1.500 3.500L65 43H35l-5.500-5.500Q28 36 28 34z"/>' + BASE,
  n: '<path d="M31 71c0-11 6-16 12-21.500 2-2 2.500-4 2-5.500-4 3-7.500 3.500-10.500 5.500-2 1.500-3.500 4-6 4-3.500 0-6.500-4-6-8 .5-3 3-5 4.500-8 2-4 3-8.500 7-12l-1-10.500c0-1.500 1.500-2 2.500-1L44 21c17 0 28.500 12 28.500 32 0 7-1 13-3 18z"/><circle class="eye" cx="39.500" cy="33" r="2.600"/><path class="line" d="M54 27.500C62 32 66 41 65.500 52"/>' + BASE,
  b: STEM + '<path d="M50 18c9 6.500 15.500 14 15.500 21 0 5-3.500 8-8 8h-15c-4.500 0-8-3-8-8 0-7 6.500-14.500 15.500-21z"/><path class="line" d="M57.500 27.500 50 36.500"/>' + COLLAR + '<circle cx="50" cy="16" r="4.500"/>' + BASE,
  q: STEM + '<path d="M34.500 47 26.500 25.500 38.500 35.500 42 19.500 50 34 58 19.500 61.500 35.500 73.500 25.500 65.500 47z"/>' + COLLAR + '<circle cx="26" cy="23" r="4"/><circle cx="41.500" cy="17" r="4"/><circle cx="58.500" cy="17" r="4"/><circle cx="74" cy="23" r="4"/>' + BASE,
  k: STEM + '<path d="M36 47C26 41 25 29 36 27c6-1 11 3 14 8 3-5 8-9 14-8 11 2 10 14 0 20z"/><path d="M47.200 9.500q0-1.500 1.500-1.500h2.600q1.500 0 1.500 1.500v4.300h4.200q1.500 0 1.500 1.500v2.400q0 1.500-1.500 1.500h-4.200V29h-5.600v-9.800H43q-1.500 0-1.500-1.500v-2.400q0-1.500 1.500-1.500h4.200z"/>' + COLLAR + BASE,
};

export const NAMES = { p: "pawn", r: "rook", n: "knight", b: "bishop", q: "queen", k: "king" };

const parser = new DOMParser();
const drawn = new Map();

/**
 * A picture of a piece.
 * @param {"w" | "b"} color
 * @param {"p" | "n" | "b" | "r" | "q" | "k"} type
 */
export function piece(color, type) {
  let svg = drawn.get(type);
  if (!svg) {
    const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="6 3 88 88" aria-hidden="true">${SHAPES[type]}</svg>`;
    svg = parser.parseFromString(text, "image/svg+xml").documentElement;
    drawn.set(type, svg);
  }
  const copy = document.importNode(svg, true);
  copy.setAttribute("class", `piece ${color === "w" ? "white" : "black"}`);
  return copy;
}
