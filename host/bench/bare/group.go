package bare

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

const (
	// writeBytes are taken up for one write to one session, and one line more; the relay's Limits.WriteBytes.
	writeBytes = 64 << 10
	// fewLines of a log are not looked through for those that everybody has.
	fewLines = 4096
)

// host is the groups, each of which is there as soon as somebody joins it.
type host struct {
	counts counts
	mu     sync.Mutex // guards groups
	groups map[wire.GroupID]*group
}

// counts are of all groups.
type counts struct {
	deliveries atomic.Int64 // acknowledgements included
	bytesOut   atomic.Int64
}

// group is a log and those who are in it.
type group struct {
	id     wire.GroupID
	counts *counts

	// mu guards the following, and the sessions' cursors.
	mu       sync.Mutex
	head     int64   // seq of the last line
	lines    []*line // those up to head
	most     int     // lines until those are dropped that everybody has
	sessions map[*session]struct{}
	last     time.Time   // when all were woken
	bytes    int         // of lines since then
	due      *time.Timer // wakes all; nil until it is needed
	armed    bool        // it is about to
}

// line is a message as it is sent. It is never changed.
type line struct {
	from *session
	id   string // by its sender, or ""
	seq  int64
	time int64
	text []byte
}

func (h *host) group(id wire.GroupID) *group {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.groups[id]
	if g == nil {
		g = &group{id: id, counts: &h.counts, most: fewLines, sessions: map[*session]struct{}{}}
		h.groups[id] = g
	}
	return g
}

// enter takes a session in, at the head of the log, and returns where that is.
func (g *group) enter(s *session) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.cursor = g.head
	g.sessions[s] = struct{}{}
	return s.cursor
}

func (g *group) leave(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, s)
}

// add puts a message into the log. The payload is the caller's again when it returns.
func (g *group) add(from *session, id string, payload []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.lines) >= g.most {
		g.drop()
	}
	now := time.Now()
	g.head++
	l := &line{from: from, id: id, seq: g.head, time: now.UnixMilli()}
	f := wire.Frame{Type: wire.TypeMsg, Group: g.id, Seq: l.seq, From: from.peer, Time: l.time, Payload: payload}
	l.text = f.Append(make([]byte, 0, 160+len(payload)))
	g.lines = append(g.lines, l)
	g.bytes += len(l.text)
	g.wakeSoon(now)
}

// drop lets go of the lines that everybody has. Half of those that may be there before the next time are new by then. It
// is called with mu held.
func (g *group) drop() {
	least := g.head
	for s := range g.sessions {
		least = min(least, s.cursor)
	}
	had := len(g.lines) - int(g.head-least)
	g.lines = slices.Clone(g.lines[had:])
	g.most = max(fewLines, 2*len(g.lines))
}

// wakeSoon wakes all, now or, when they were woken just now, a little later, as the relay does. It is called with mu held.
func (g *group) wakeSoon(now time.Time) {
	wait := g.last.Add(relay.Spacing(relay.DefaultCoalesce, len(g.sessions))).Sub(now)
	switch {
	case wait <= 0, g.bytes >= relay.FlushBytes:
		g.wakeAll(now)
	case g.armed:
	case g.due == nil:
		g.armed = true
		g.due = time.AfterFunc(wait, g.wakeLate)
	default:
		g.armed = true
		g.due.Reset(wait)
	}
}

// wakeLate is called by the timer.
func (g *group) wakeLate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.armed {
		g.wakeAll(time.Now())
	}
}

// wakeAll is called with mu held.
func (g *group) wakeAll(now time.Time) {
	g.last, g.bytes = now, 0
	if g.armed {
		g.armed = false
		g.due.Stop()
	}
	for s := range g.sessions {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// after takes up to about writeBytes of the lines behind a session's cursor. What it returns is only to be read, and more
// tells whether there were others.
func (g *group) after(s *session) (lines []*line, more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, here := g.sessions[s]; !here { // what lies behind its cursor may be gone
		return nil, false
	}
	behind := g.lines[len(g.lines)-int(g.head-s.cursor):]
	n := 0
	for size := 0; n < len(behind) && size < writeBytes; n++ {
		size += len(behind[n].text)
	}
	s.cursor += int64(n)
	return behind[:n:n], n < len(behind)
}
