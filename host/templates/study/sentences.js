// How this site says things.

import { explainer } from "./words.js";

export const explain = explainer({
  no_such_group: "There is no such group, or it is not for you. Ask whoever runs it for an invitation.",
  closed: "This group has been closed.",
  full: "This group is full.",
  banned: "You cannot join this group any more.",
  invite_invalid: "This invitation is not valid any more. Ask for a new one.",
  not_found: "It is not there any more.",
  epoch_changed: "This was not sent: the group was made anew.",
});

/** Why a group ended for this page, by the reason of its close event. */
export const ENDINGS = {
  closed: ["The group is closed.", "Its owner has closed it, with everything in it."],
  dissolved: ["The group is closed.", "Its time was over."],
  kicked: ["You were removed from this group.", "Whoever runs it can invite you again."],
  banned: ["You were removed from this group.", "You cannot join it again."],
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export const timeOf = (ms) => clock.format(ms);
export const momentOf = (ms) => moment.format(ms);

/** "Today", "Yesterday", "Monday, 3 March". */
export function dayOf(ms, now) {
  const day = (t) => new Date(t).toDateString();
  if (day(ms) === day(now)) return "Today";
  if (day(ms) === day(now - 86_400_000)) return "Yesterday";
  return date.format(ms);
}

/** "Ann", "Ann and Bob", "Ann, Bob and 3 others". */
export function people(names) {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length === 2) return names.join(" and ");
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2 === 1 ? "one other" : `${names.length - 2} others`}`;
}
