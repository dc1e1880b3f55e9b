package relay

import (
	"slices"
	"time"

	"goop/shared/wire"
)

const (
	// DefaultCoalesce is Limits.Coalesce of a relay that was told no other.
	DefaultCoalesce = 6 * time.Millisecond
	// crowd is how many sessions a group has whose wakes are spaced by all of Limits.Coalesce. A smaller group's
	// are spaced by its share of that: there, less can be saved, and one waits for another's move.
	crowd = 50
	// throng is how many sessions a group has from which on what goes to all of them is spaced by more, in proportion,
	// up to manyThrongs times as many: to write to all takes the longer the more they are, and there should be time for
	// something else.
	throng      = 100
	manyThrongs = 10
	// FlushBytes of new entries are not kept for later. Many packets full are as good as more of them.
	FlushBytes = 64 << 10
)

// flush spaces the wakes of a group's sessions while messages come fast, so that one write, one packet and
// one seal carry all that came meanwhile to a session. What comes alone is never kept back: only what comes
// sooner after a wake than Coalesce waits for the rest of that time. A hub's mutex guards it.
type flush struct {
	last  time.Time   // when all were woken for messages
	woken time.Time   // when all were woken, for whatever
	timer *time.Timer // wakes all; nil until it is needed
	armed bool        // it is about to
	bytes int         // of entries since last
}

// wakeSoon wakes the sessions that have something to write, now or, when they were woken just now, a little
// later. It is called with mu held.
func (h *hub) wakeSoon() {
	f := &h.flush
	now := time.Now()
	wait := f.last.Add(Spacing(h.r.limits.Coalesce, len(h.sessions))).Sub(now)
	switch {
	case wait <= 0, f.bytes >= FlushBytes:
		h.wakeBehind(now)
	case f.armed:
	case f.timer == nil:
		f.timer = time.AfterFunc(wait, h.flushDue)
		h.armed()
	default:
		f.timer.Reset(wait)
		h.armed()
	}
}

// armed notes that all are about to be woken. It is called with mu held.
func (h *hub) armed() {
	h.flush.armed = true
	if len(h.queue) > 0 {
		h.poke() // which gathers no longer
	}
}

// Spacing is the least time between two wakes of all the sessions of a group for messages.
func Spacing(coalesce time.Duration, sessions int) time.Duration {
	if coalesce = max(0, coalesce); sessions < crowd {
		return coalesce * time.Duration(sessions) / crowd
	}
	return stretched(coalesce, sessions)
}

// stretched is the least time between two things that go to all the sessions of a group, of which the time is the one
// in a group that is no throng.
func stretched(least time.Duration, sessions int) time.Duration {
	return least * time.Duration(min(max(sessions, throng), manyThrongs*throng)) / throng
}

// gathers returns for how long what is queued may still wait to be appended. Messages of a durable group may as long as
// they are appended by the time at which all are woken next, and as nobody waits for them to be: then all that comes until
// then shares a transaction and its sync, and nobody is told later. When a wake is set already, they would come too late for
// it, were the engine a little slower than the last time. It is called with mu held.
func (h *hub) gathers(now time.Time) time.Duration {
	switch {
	case !h.cfg.Durable, h.phase != running, h.flush.armed,
		len(h.queue) == 0, len(h.queue) >= h.r.limits.BatchSize, h.queueBytes >= FlushBytes, len(h.waiting) > 0:
		return 0
	case slices.ContainsFunc(h.queue, queued.pressing):
		return 0
	case h.gatherBy.IsZero(): // and later wakes put it off no further
		h.gatherBy = h.flush.last.Add(Spacing(h.r.limits.Coalesce, len(h.sessions)) - h.appending)
	}
	return h.gatherBy.Sub(now)
}

// pressing reports whether somebody may wait for what becomes of the draft alone: its caller, or who is to be told that it
// is refused.
func (q queued) pressing() bool {
	return q.answer != nil || q.draft.Kind != wire.TypeMsg || q.draft.Redact != 0
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
	some := false
	for _, s := range h.sessions {
		if s.cursor < h.head.Seq || len(s.volatile) > 0 {
			some = true
			s.rouse()
		}
	}
	h.flush.flushed(now, some)
}

// wakeAll wakes everybody, at once. It is called with mu held.
func (h *hub) wakeAll() {
	// Messages that have been kept back go along; news alone keep back no message that comes next.
	h.flush.flushed(time.Now(), h.flush.armed)
	for _, s := range h.sessions {
		s.rouse()
	}
}

// flushed notes that all have been woken, and whether for messages.
func (f *flush) flushed(now time.Time, messages bool) {
	f.woken = now
	if messages {
		f.last = now
	}
	f.bytes = 0
	if f.armed {
		f.armed = false
		f.timer.Stop()
	}
}
