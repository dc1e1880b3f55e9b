package relay

import "time"

const (
	// crowd is how many sessions a group has whose wakes are spaced by all of Limits.Coalesce. A smaller group's
	// are spaced by its share of that: there, less can be saved, and one waits for another's move.
	crowd = 50
	// throng is how many it has from which on they are spaced by more, in proportion, up to manyThrongs times as
	// many: to write to all takes the longer the more they are, and there should be time for something else.
	throng      = 100
	manyThrongs = 10
	// flushBytes of new entries are not kept for later. Many packets full are as good as more of them.
	flushBytes = 64 << 10
)

// flush spaces the wakes of a group's sessions while messages come fast, so that one write, one packet and
// one seal carry all that came meanwhile to a session. What comes alone is never kept back: only what comes
// sooner after a wake than Coalesce waits for the rest of that time. A hub's mutex guards it.
type flush struct {
	last  time.Time   // when all were woken
	timer *time.Timer // wakes all; nil until it is needed
	armed bool        // it is about to
	bytes int         // of entries since last
}

// wakeSoon wakes the sessions that have something to write, now or, when they were woken just now, a little
// later. It is called with mu held.
func (h *hub) wakeSoon() {
	f := &h.flush
	now := time.Now()
	wait := f.last.Add(spacing(h.r.limits.Coalesce, len(h.sessions))).Sub(now)
	switch {
	case wait <= 0, f.bytes >= flushBytes:
		h.wakeBehind(now)
	case f.armed:
	case f.timer == nil:
		f.armed = true
		f.timer = time.AfterFunc(wait, h.flushDue)
	default:
		f.armed = true
		f.timer.Reset(wait)
	}
}

// spacing is the least time between two wakes of all the sessions of a group.
func spacing(coalesce time.Duration, sessions int) time.Duration {
	n, most := time.Duration(sessions), max(0, coalesce)
	switch {
	case n < crowd:
		return most * n / crowd
	case n > throng:
		return most * min(n, manyThrongs*throng) / throng
	}
	return most
}

// flushDue is called by the timer.
func (h *hub) flushDue() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flush.armed {
		h.wakeBehind(time.Now())
	}
}

// wakeBehind wakes those who have something to write. It is called with mu held.
func (h *hub) wakeBehind(now time.Time) {
	h.flush.flushed(now)
	for _, s := range h.sessions {
		if s.cursor < h.head.Seq || len(s.volatile) > 0 {
			s.rouse()
		}
	}
}

// wakeAll wakes everybody, at once. It is called with mu held.
func (h *hub) wakeAll() {
	h.flush.flushed(time.Now())
	for _, s := range h.sessions {
		s.rouse()
	}
}

func (f *flush) flushed(now time.Time) {
	f.last, f.bytes = now, 0
	if f.armed {
		f.armed = false
		f.timer.Stop()
	}
}
