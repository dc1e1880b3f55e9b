// Links with a secret in them, which are taken out of the address bar: those that make an owner, #goop-owner=<secret>, and
// those that invite, #goop-invite=<group>.<token>.

/** The name under which an invite link waits. */
const INVITE = "goop-invite";

let inviteLink = "";
/** The secret of an owner link that was not claimed yet. */
export let ownerSecret = "";

/** Begins: the secret of an owner link leaves the address bar before anything else can read it. */
export function takeLinks() {
  inviteLink = stored();
  takeOwner();
  takeInvite();
}

/** @returns {boolean} whether there was an owner link */
export function takeOwner() {
  const secret = takeFragment("goop-owner");
  if (secret) ownerSecret = secret;
  return !!secret;
}

/** Once the host has answered: another link may have come meanwhile. @param {string} secret */
export function forgetOwner(secret) {
  if (ownerSecret === secret) ownerSecret = "";
}

/** An invite link waits here for the join, through a reload too. @returns {boolean} whether there was one */
export function takeInvite() {
  const link = takeFragment("goop-invite");
  if (link) keepInvite(link);
  return !!link;
}

/** @param {string} link "" to forget it */
export function keepInvite(link) {
  inviteLink = link;
  try {
    if (link) sessionStorage.setItem(INVITE, link);
    else sessionStorage.removeItem(INVITE);
  } catch {
    // a browser that stores nothing: then a reload before the join loses the link
  }
}

function stored() {
  try {
    return sessionStorage.getItem(INVITE) ?? "";
  } catch {
    return "";
  }
}

/** What the invite link says, if there is one. A group's id may have dots in it, a token has none. */
export function invitation() {
  const at = inviteLink.lastIndexOf(".");
  return at > 0 ? { group: inviteLink.slice(0, at), token: inviteLink.slice(at + 1) } : undefined;
}

/** Takes `#name=value` out of the address bar and returns the value; other fragment text stays. @param {string} name */
function takeFragment(name) {
  const parts = location.hash.slice(1).split("&");
  const found = parts.find((p) => p.startsWith(name + "="));
  if (found === undefined) return "";
  const rest = parts.filter((p) => p !== found).join("&");
  history.replaceState(history.state, "", location.pathname + location.search + (rest && "#" + rest));
  try {
    return decodeURIComponent(found.slice(name.length + 1));
  } catch {
    return ""; // no link of ours
  }
}
