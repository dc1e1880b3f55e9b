// Package wire is the protocol between a member and a host, written once: names, frames, error codes,
// limits and the host's descriptor. It must not know how bytes travel, what a group's rules are, or
// that there is a database. It holds no state; everything in it may be used from many goroutines.
//
// # The group protocol, /goop/group/1.0.0
//
// One bidirectional stream for each session and group, opened by the member. Both ways it carries
// lines of UTF-8 JSON, one object a line, ended by a newline:
//
//	{"type": …, "group": …, "from"?: …, "payload"?: …, …}
//
// There are eight types. Unknown fields are ignored. Times are integer milliseconds since 1970 by the
// host's clock, integers stay within ±(2⁵³−1), an absent number is 0. M is a member, H the host.
//
//	join     M→H  {group, session?, since?:{epoch,seq}, invite?, meta?, caps?}
//	welcome  H→M  {group, payload: Welcome}
//	members  H→M  {group, payload: Roster}
//	msg      M→H  {payload, id?, to?, volatile?, key?}
//	         M→H  {redact, id?}
//	         H→M  {group, seq, from, time, payload, id?, to?, volatile?, key?}
//	         H→M  {group, seq, from, time, redact, id?}
//	         H→M  {group, id, seq, time, ack:true}
//	state    M→H  {patch, id?, ifSeq?}
//	         H→M  {group, seq, from, time, patch, id?}
//	         H→M  {group, id, seq, time, ack:true}
//	         H→M  {group, seq, payload: Snapshot}
//	         H→M  {group, seq}
//	leave    M→H  {}
//	close    H→M  {group, payload: Goodbye}
//	error    H→M  {group?, payload: Error}
//
// The first line is the member's join, and the host's first line is the welcome or a fatal error. A
// later join on the same stream only updates meta. Who sends is known from the connection's handshake:
// the host sets from, and ignores one that a member writes.
//
// # Order, numbers, acknowledgement
//
// A group is a log. Each msg and each state that is accepted (volatile ones apart) is an entry with the
// next seq, beginning with 1; all members get the entries in that order, and no entry before it is as
// durable as its group promises. In the place of its own entry the sending session gets the
// acknowledgement, the same type with ack. Other sessions of the same peer get the entry with its id.
// An entry that is not for a member (to names another peer) is passed over by {type:"state", seq},
// which stands for all entries up to seq, so that a member always knows its position and sees each gap.
//
// An id is up to 64 bytes, chosen at random (128 bits). The host remembers (peer, id) and a hash of the
// entry for 24 hours or 10,000 entries: a repeat is acknowledged with its first seq and time and is
// appended no second time; the same id with another content is refused with id_conflict. So a member
// that does not know whether a message has arrived sends it again. The acknowledgement of a repeat is
// not in the order, and carries an older seq.
//
// A msg with redact, the seq of another msg, takes that one's content away; it needs the right redact. It
// is an entry like any other, and members that have the other one drop it. From then on that one is passed
// over, though still acknowledged to the session that sent it, and its id is known without a hash: each
// repeat of it is acknowledged. When there is no such msg, or nothing is left of it, the error is not_found.
//
// The epoch names one life of the log. A join with since asks for what came after a position. With
// resumed:true in the welcome, the entries that the member missed follow, and its state is still good.
// With resumed:false the log has begun anew, or no longer holds what is asked for: the welcome carries
// the whole state at seq. How much a log holds is bounded by count and bytes and, if the group says so, by
// the age of an entry. A member that is connected and falls behind what the host keeps gets one
// whole state (Snapshot) and the roster, and goes on from there.
//
// The same peer and session joining again replaces its own ghost; another session of the peer is
// another page of it.
//
// # State
//
// A group's state is an object. A patch is merged into it (RFC 7396): null deletes a key, an object is
// merged, anything else replaces. A patch with a key twice is refused. With ifSeq, the patch is refused
// with conflict, which carries that entry's seq, when an entry after ifSeq has touched one of the
// patch's top-level keys. In a group with seats, the key "seats" is guarded: a peer may set a free seat
// to its own id, and may set its own to null.
//
// # Volatile messages
//
// A msg with volatile is given to whoever is there now: no seq, no acknowledgement, not kept. While one
// waits for a slow member, a newer one of the same session and key replaces it. Those over the host's
// rate are dropped, and an error with rate_limited says so at most once a second.
//
// # Datagrams
//
// Where its connection has datagrams, a session whose join has the cap "datagrams" has a number in them,
// datagrams of its welcome, and may send a message as one (see Datagram). It is subject to the same rights
// and rate as a volatile msg, and reaches those who have no datagrams as one, under its key. A datagram
// whose number is not above those that the host had before from the same session and key is dropped.
//
// # Rosters
//
// The roster lists peers, not pages. A whole Roster may come in several frames of one version (more).
// A member whose join has the cap "delta" gets changes after the first whole roster: joined, updated,
// left. Members without it get whole rosters, and only count above 200 peers. Above 1,000 peers (and
// again below 900) nobody gets more than that: no members and a count above 0 mean that names are not
// told, and those that are known are to be forgotten. A joiner's entry is sent before its first message.
// A peer whose last connection was lost stays for 5 seconds. There are at most 10 members frames a
// second. One with you is for a session whose role or rights have changed.
//
// # People
//
// A peer has a role in a group, and with it rights. The host remembers roles that were given and bans. To
// those who have no role in it, a group for those who are invited does not differ from one that there is
// not. The invite of the first join is the token of an invite: it gives the peer the role of the invite,
// which the host keeps before its welcome; a peer that has been given a role needs none, and one that it
// brings is not looked at. A bad token is invite_invalid, also where there is no such group and where the
// peer could join without.
//
// A role counts from the moment at which it is given. A session of a peer that was kicked or banned gets
// what there was at that moment, or a part of it, then the close, and nothing of what is sequenced later.
//
// # Errors and ends
//
// An error that is not fatal is about one frame, whose id it carries, and the stream goes on. A fatal
// one ends the stream: the host writes it, ends its half, and waits up to a second for the member to
// end the other. Fatal are a first line that is no join, a refused join, a line that is not a JSON
// object and one that is too long. A close is the last line of a group that ended for this member; its
// reason says why, and only after "shutdown" and "too_slow" does it make sense to join again, with
// since. A lost connection is not a close.
//
// # The data protocol, /goop/data/1.0.0
//
// One stream for each connection, with pipelined requests and answers, one JSON object a line. Package
// shared/data is its specification.
//
// # The site protocol, /goop/site/1.0.0
//
// HTTP/1.1 (RFC 9112) with one GET or HEAD request a stream and "Connection: close".
package wire
