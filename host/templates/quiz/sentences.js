// How this site says things.

import { explainer } from "./words.js";

export const explain = explainer({
  no_such_group: "There is no quiz with this code. Look at the board again.",
  closed: "This quiz is over.",
  full: "There is no room left in this quiz.",
  banned: "You cannot take part in this quiz any more.",
  not_found: "It is not there any more.",
  internal: "The host has failed; whoever runs it finds why in its log.",
  offline: "There is no connection to the host right now. Try again when it is back.",
});

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
export const momentOf = (ms) => moment.format(ms);

/** "one question", "3 questions". */
export const count = (n, one, many = `${one}s`) => (n === 1 ? `one ${one}` : `${n} ${many}`);

const ordinals = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS = { one: "st", two: "nd", few: "rd", other: "th" };

/** "1st", "22nd". */
export const ordinal = (n) => `${n}${ENDINGS[ordinals.select(n)]}`;

const number = new Intl.NumberFormat("en");
export const points = (n) => number.format(n);
