// The visitor's own name: kept in this browser, shown to the others through Goop.me.

const KEY = "goop.name";
/** Long enough for a name, short enough for a line on a phone. */
export const MAX_NAME = 24;

/** A name as it may be shown: one line, without surplus blanks. */
export const tidy = (name) => String(name ?? "").replace(/\s+/g, " ").trim().slice(0, MAX_NAME);

export function myName() {
  return tidy(localStorage.getItem(KEY));
}

export function rememberName(name) {
  localStorage.setItem(KEY, tidy(name));
  return Goop.me.set({ label: tidy(name) });
}
