package store

import (
	"sync"
	"sync/atomic"
	"time"
)

// hub tells live queries what may have changed them, and shares what queries come to among those who
// watch the same with the same rights.
type hub struct {
	db        *DB
	slots     chan struct{} // held while an evaluation reads, so that live queries leave readers for others
	evaluated atomic.Int64  // evaluations that there were

	// mu guards the following.
	mu    sync.Mutex
	feeds map[string]*feed
	evals map[string]*evaluation
	poked chan struct{} // closed and replaced when rights may have changed
	room  int           // bytes of candidates for which there is room still

	// Evaluations that began within mostRest, and within the mostRest before that one.
	recent, before int
	since          time.Time // when the first of recent began
}

// feed is who depends on one table.
type feed struct {
	position int64 // of the last commit that changed the table since the start
	evals    map[*evaluation]struct{}
	owned    map[string]map[*evaluation]struct{} // by the only owner whose rows matter
}

func (h *hub) init(db *DB) {
	h.db = db
	h.slots = make(chan struct{}, max(1, db.limits.Readers/2))
	h.feeds = make(map[string]*feed)
	h.evals = make(map[string]*evaluation)
	h.poked = make(chan struct{})
	h.room = maxSharedAll
	db.onCommit(h.committed)
}

// feedLocked returns a table's feed. mu is held.
func (h *hub) feedLocked(table string) *feed {
	f := h.feeds[table]
	if f == nil {
		f = &feed{evals: make(map[*evaluation]struct{}), owned: make(map[string]map[*evaluation]struct{})}
		h.feeds[table] = f
	}
	return f
}

func (h *hub) committed(c Commit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, change := range c.Changes {
		f := h.feedLocked(change.Table)
		if f.position != c.Position {
			f.position = c.Position
			stirLocked(f.evals, c.Position)
		}
		if change.Owner != "" {
			stirLocked(f.owned[change.Owner], c.Position)
			continue
		}
		for _, evals := range f.owned {
			stirLocked(evals, c.Position)
		}
	}
}

// stirLocked has evaluations made anew after a commit. mu is held.
func stirLocked(evals map[*evaluation]struct{}, position int64) {
	for e := range evals {
		if e.stirred != position {
			e.stirred = position
			e.stirLocked()
		}
	}
}

// poke has everybody look again at their rights.
func (h *hub) poke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.poked)
	h.poked = make(chan struct{})
}

// pokes returns what the next poke closes.
func (h *hub) pokes() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.poked
}

// begin counts an evaluation that begins, and returns how many watchers there are to be told, those that
// others may have to tell included.
func (h *hub) begin(e *evaluation, now time.Time) int {
	h.evaluated.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if past := now.Sub(h.since); past >= mostRest {
		if h.before = h.recent; past >= 2*mostRest {
			h.before = 0
		}
		h.recent, h.since = 0, now
	}
	h.recent++
	return e.users + restOther*max(h.before, h.recent)
}

// hold counts the candidates that an evaluation keeps in place of those that it has. When there is no room for
// them, they are given up: who watches many different queries would fill the memory with rows, few of which
// might be its own.
func (h *hub) hold(e *evaluation, c *candidates) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.room += e.held
	if c.size > h.room {
		c.giveUp()
	}
	e.held = c.size
	h.room -= e.held
}

// acquire returns the evaluation of a question, shared with all who have the same one. It has to be
// released.
func (h *hub) acquire(q *question) *evaluation {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.evals[q.key]
	if e == nil {
		e = &evaluation{question: q, hub: h, news: make(chan struct{}), wanted: 1}
		h.evals[q.key] = e
		for _, table := range q.tables {
			h.feedLocked(table).evals[e] = struct{}{}
		}
		if q.owner != "" {
			f := h.feedLocked(q.owns)
			if f.owned[q.owner] == nil {
				f.owned[q.owner] = make(map[*evaluation]struct{})
			}
			f.owned[q.owner][e] = struct{}{}
		}
	}
	e.users++
	return e
}

func (h *hub) release(e *evaluation) {
	if e == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.users--; e.users > 0 {
		return
	}
	e.stopAlarmLocked()
	h.room += e.held
	delete(h.evals, e.key)
	for _, table := range e.tables {
		delete(h.feeds[table].evals, e)
	}
	if e.owner != "" {
		owned := h.feeds[e.owns].owned
		if delete(owned[e.owner], e); len(owned[e.owner]) == 0 {
			delete(owned, e.owner)
		}
	}
}
