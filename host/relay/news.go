package relay

import (
	"slices"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// news is the second cursor of a session: the changes of a group's roster, gathered for a while and
// encoded once. The hub's mutex guards it.
type news struct {
	changes []rosterChange // the newest, without a gap between them
	at      time.Time      // of the last one
	you     bool           // a session has other rights, and is to be told with the next one

	counting bool // there are too many peers to name them
	counted  bool // the same, when the last change was told

	plain   []byte // the whole roster for members without cap delta, of version plainOf
	plainOf int64
	count   []byte // the same for those who get only the count
	countOf int64
}

type rosterChange struct {
	from, to int64 // versions
	text     []byte
}

// newsDue reports whether there is something of the roster to tell, and when it may be told. What all are told of all
// who come grows with the square of their number, and half of that are lines and packets, of which there are the fewer
// the longer the gap; but what somebody may do waits no longer the more they are. It is called with mu held.
func (h *hub) newsDue() (at time.Time, some bool) {
	gap := h.r.limits.RosterGap
	if !h.news.you {
		gap = stretched(gap, len(h.sessions))
	}
	return h.news.at.Add(gap), h.roster.Version() > h.roster.Taken() || h.news.you
}

// publishRoster makes one frame of all changes of the roster since the last one.
func (h *hub) publishRoster(now time.Time) {
	n := &h.news
	n.at = now
	if h.roster.Version() > h.roster.Taken() {
		h.publishChanges()
	}
	if n.you {
		n.you = false
		for _, s := range h.sessions {
			s.youDue = s.youDue || s.youChanged
		}
	}
	for s := range h.waiting { // perhaps for its entry to be told
		delete(h.waiting, s)
		signal(s.room)
	}
	h.wakeAll()
}

func (h *hub) publishChanges() {
	n := &h.news
	counted, counting := n.counted, h.counting()
	n.counted = counting
	delta, from := h.roster.Take()
	if counted || counting { // who was told no names needs all of them, not some
		n.changes = nil
		return
	}
	text := h.membersFrame(&delta)
	switch {
	case len(text) > maxDeltaLine:
		n.changes = nil
	case len(n.changes) == rosterRing:
		copy(n.changes, n.changes[1:])
		n.changes[rosterRing-1] = rosterChange{from, delta.Version, text}
	default:
		n.changes = append(n.changes, rosterChange{from, delta.Version, text})
	}
}

// counting reports whether there are so many peers that nobody is told their names. That they are told
// again takes a tenth fewer, so that a group at the edge does not send whole rosters all the time. The
// answer is the same for as long as the roster has the same version.
func (h *hub) counting() bool {
	n, most := h.roster.Len(), h.r.limits.RosterNames
	switch {
	case n > most:
		h.news.counting = true
	case n <= most-most/10:
		h.news.counting = false
	}
	return h.news.counting
}

// since appends the frames that a roster of version seen lacks, and reports false when they are no
// longer there, or together longer than a line of a whole roster. The order of versions from..to of a
// frame does not have to fit: a frame is good for each version within.
func (n *news) since(dst [][]byte, seen, taken int64) ([][]byte, bool) {
	if seen >= taken {
		return dst, true
	}
	if len(n.changes) == 0 || n.changes[0].from > seen {
		return dst, false
	}
	first := slices.IndexFunc(n.changes, func(c rosterChange) bool { return c.to > seen })
	missed, size := n.changes[first:], 0
	for i := range missed {
		size += len(missed[i].text)
	}
	if size > rosterChunk {
		return dst, false
	}
	for i := range missed {
		dst = append(dst, missed[i].text)
	}
	return dst, true
}

// named reports whether the session is told who is there, change by change. It is called with the hub's
// mutex held.
func (s *session) named() bool { return s.delta && s.sees && !s.h.counting() }

// members returns the names for a session's welcome. It is called with the hub's mutex held.
func (s *session) members() []wire.Member {
	if s.named() {
		return s.h.roster.Members()
	}
	return s.h.plainRoster(s.sees).Members
}

// plainRoster returns the roster as it is, for a member without cap delta or without the right to see the
// others, or where only the count is told.
func (h *hub) plainRoster(sees bool) wire.Roster {
	r := wire.Roster{Version: h.roster.Version(), Count: h.roster.Len()}
	if sees && r.Count <= plainRoster && !h.counting() {
		r.Members = h.roster.Members()
	}
	return r
}

// plainRosterFrame returns plainRoster as a line.
func (h *hub) plainRosterFrame(sees bool) []byte {
	n, version := &h.news, h.roster.Version()
	text, of := &n.plain, &n.plainOf
	if !sees || h.roster.Len() > plainRoster {
		text, of = &n.count, &n.countOf
	}
	if *text == nil || *of != version {
		r := h.plainRoster(sees)
		*text, *of = h.membersFrame(&r), version
	}
	return *text
}

func (h *hub) membersFrame(r *wire.Roster) []byte {
	f := wire.Frame{Type: wire.TypeMembers, Group: h.id, Payload: r.Append(nil)}
	return f.Append(make([]byte, 0, 80+len(f.Payload)))
}

// chunk returns how many of ms fit one line of a whole roster, at least one.
func chunk(ms []wire.Member) int {
	n, size := 0, 0
	for n < len(ms) && (n == 0 || size < rosterChunk) {
		size += 160 + len(ms[n].Peer) + 6*len(ms[n].Label) + len(ms[n].Meta)
		n++
	}
	return n
}

// bringIn reports whether everybody has been told, or is about to be, that a peer is here, so that its
// messages may follow. When it reports false, publishRoster wakes who waits. It is called with mu held.
func (h *hub) bringIn(peer wire.PeerID) bool {
	if h.roster.Since(peer) <= h.roster.Taken() || h.counting() {
		return true
	}
	now := time.Now()
	if at, _ := h.newsDue(); at.After(now) {
		return false
	}
	h.publishRoster(now)
	return true
}

// rightsMayHaveChanged has the sessions of a peer, or all when peer is "", told of their role and rights
// when those are not what they were told before. It is called with mu held.
func (h *hub) rightsMayHaveChanged(peer wire.PeerID) {
	for _, s := range h.sessions {
		if peer != "" && s.peer != peer {
			continue
		}
		role := h.roleOf(s.peer)
		seated := h.cfg.Seated(h.head.State, s.peer)
		rights := h.cfg.RightsOf(role, seated)
		if role == s.you.Role && slices.Equal(rights, s.you.Rights) {
			continue
		}
		s.role, s.you.Role, s.you.Rights = role, role, rights
		s.youChanged, h.news.you = true, true
		if sees := h.cfg.Allows(group.SeeAll, role, seated); sees != s.sees {
			s.sees, s.rosterSeen = sees, -1 // what it knows, or does not, is nothing to go on from
		}
		h.poke()
	}
}
