package relay

import (
	"time"

	"goop/shared/wire"
)

// news is the second cursor of a session: the changes of a group's roster, gathered for a while and
// encoded once. The hub's mutex guards it.
type news struct {
	changes []rosterChange // the newest, without a gap between them
	at      time.Time      // of the last one

	plain   []byte // the whole roster for members without cap delta, of version plainOf
	plainOf int64
	count   []byte // the same for those who may see only the count
	countOf int64
}

type rosterChange struct {
	from, to int64 // versions
	text     []byte
}

// publishRoster makes one frame of all changes of the roster since the last one.
func (h *hub) publishRoster(now time.Time) {
	delta, from := h.roster.Take()
	n := &h.news
	n.at = now
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
	h.wakeAll()
}

// since appends the frames that a roster of version seen lacks, and reports false when they are no
// longer there. The order of versions from..to of a frame does not have to fit: a frame is good for
// each version within.
func (n *news) since(dst [][]byte, seen, taken int64) ([][]byte, bool) {
	if seen >= taken {
		return dst, true
	}
	if len(n.changes) == 0 || n.changes[0].from > seen {
		return dst, false
	}
	for i := range n.changes {
		if n.changes[i].to > seen {
			dst = append(dst, n.changes[i].text)
		}
	}
	return dst, true
}

// plainRosterFrame returns the line that tells a member without cap delta, or without the right to see
// the others, of the roster as it is.
func (h *hub) plainRosterFrame(sees bool) []byte {
	n, version := &h.news, h.roster.Version()
	whole := wire.Roster{Version: version, Count: h.roster.Len()}
	if !sees || h.roster.Len() > plainRoster {
		if n.count == nil || n.countOf != version {
			n.count, n.countOf = h.membersFrame(&whole), version
		}
		return n.count
	}
	if n.plain == nil || n.plainOf != version {
		whole.Members = h.roster.Members()
		n.plain, n.plainOf = h.membersFrame(&whole), version
	}
	return n.plain
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
