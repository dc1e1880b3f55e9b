package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"goop/shared/data"
	"goop/shared/group"
)

// watchPause is how long a live query rests between two evaluations while the table goes on changing:
// what is committed meanwhile comes as one change.
const watchPause = 20 * time.Millisecond

// Watch calls emit with the rows of a query, and again with all of them after each commit that may have
// changed them, until ctx ends or emit fails; while emit runs, or several commits follow each other
// closely, they are taken together. The rows that emit gets are those of one snapshot, and never of an
// older one than before; the slice is the same one when nothing has changed, and is not to be changed.
// who is asked before each evaluation: it is done under the caller's rights of that moment.
func (ts *Tables) Watch(ctx context.Context, who func() group.Caller, q *data.Query, emit func([]data.Row) error) error {
	t, err := ts.table(q.Table)
	if err != nil {
		return err
	}
	var current *evaluation
	defer func() { ts.hub.release(current) }()
	for {
		start := time.Now()
		// Asked first: what comes in while the rights and the rows are looked up is looked at again.
		version, _, poked := ts.hub.state(t.Name)
		r, err := ts.readRights(ctx, t, who(), q.Where)
		if err != nil {
			return err
		}
		if len(r.groups) == 0 {
			poked = nil // who comes and goes where changes nothing for this one
		}
		sql := selectRows(t, q, r)
		next := ts.hub.acquire(sql)
		ts.hub.release(current)
		current = next
		rows, err := current.rowsAt(ctx, version, ts.hub.slots, func() (rows []data.Row, position int64, err error) {
			err = ts.db.Read(ctx, func(tx *ReadTx) (err error) {
				if position, err = tx.Position(); err == nil {
					rows, err = fetch(tx, t, q, sql)
				}
				return err
			})
			return rows, position, err
		})
		if err != nil {
			return err
		}
		if err := emit(rows); err != nil {
			return err
		}
		if err := ts.hub.await(ctx, t.Name, version, poked, start.Add(watchPause)); err != nil {
			return err
		}
	}
}

// hub knows, for each table, the last commit that changed it, and shares what queries came to among
// those who watch the same with the same rights.
type hub struct {
	slots chan struct{} // held while an evaluation reads, so that live queries leave readers for others

	// mu guards the following.
	mu     sync.Mutex
	tables map[string]*feed
	poked  chan struct{} // closed and replaced when rights may have changed
	evals  map[string]*evaluation
}

// feed is what is known of one table.
type feed struct {
	version int64         // position of the last commit that changed it since the start
	changed chan struct{} // closed and replaced with each
}

func (h *hub) init(db *DB) {
	h.slots = make(chan struct{}, max(1, db.limits.Readers/2))
	h.tables = make(map[string]*feed)
	h.poked = make(chan struct{})
	h.evals = make(map[string]*evaluation)
	db.onCommit(h.committed)
}

// feedLocked returns a table's feed. mu is held.
func (h *hub) feedLocked(table string) *feed {
	f := h.tables[table]
	if f == nil {
		f = &feed{changed: make(chan struct{})}
		h.tables[table] = f
	}
	return f
}

func (h *hub) committed(c Commit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, change := range c.Changes {
		f := h.feedLocked(change.Table)
		if f.version == c.Position {
			continue
		}
		f.version = c.Position
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// poke has everybody look again at their rights.
func (h *hub) poke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.poked)
	h.poked = make(chan struct{})
}

// state returns the last commit that changed a table, and what is closed by the next one and by the
// next poke.
func (h *hub) state(table string) (version int64, changed, poked <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feedLocked(table)
	return f.version, f.changed, h.poked
}

// await returns when a commit after the one of seen has changed the table or poked is closed, and not
// before the moment of earliest.
func (h *hub) await(ctx context.Context, table string, seen int64, poked <-chan struct{}, earliest time.Time) error {
	for woken := false; !woken; {
		version, changed, _ := h.state(table)
		if version > seen {
			break
		}
		select {
		case <-changed:
		case <-poked:
			woken = true
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	pause := time.Until(earliest)
	if pause <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// evaluation is what one SELECT came to last.
type evaluation struct {
	key   string
	users int // guarded by the hub's mu

	turn     chan struct{} // holds one token while nobody uses the following
	position int64         // of the snapshot
	rows     []data.Row    // nil before the first time
}

// acquire returns the evaluation of a SELECT, shared with all who have the same one. It has to be
// released.
func (h *hub) acquire(sql *query) *evaluation {
	key := sql.key()
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.evals[key]
	if e == nil {
		e = &evaluation{key: key, turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		h.evals[key] = e
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
	if e.users--; e.users == 0 {
		delete(h.evals, e.key)
	}
}

// rowsAt returns the rows in a snapshot that includes the commit of version, read anew if need be.
func (e *evaluation) rowsAt(ctx context.Context, version int64, slots chan struct{}, read func() ([]data.Row, int64, error)) ([]data.Row, error) {
	select {
	case <-e.turn:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { e.turn <- struct{}{} }()
	if e.rows != nil && e.position >= version {
		return e.rows, nil
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-slots }()
	rows, position, err := read()
	if err != nil {
		return nil, err
	}
	if e.rows == nil || !equal(e.rows, rows) {
		e.rows = rows
	}
	e.position = position
	return e.rows, nil
}

// equal reports whether two results are the same.
func equal(a, b []data.Row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if string(a[i].JSON) != string(b[i].JSON) {
			return false
		}
	}
	return true
}

// key returns text that two queries share only when they have the same text and the same arguments.
func (q *query) key() string {
	key := []byte(q.String())
	for _, a := range q.args {
		s := fmt.Sprint(a)
		key = fmt.Appendf(key, "\x00%T %d %s", a, len(s), s)
	}
	return string(key)
}
