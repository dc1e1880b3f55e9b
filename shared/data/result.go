package data

import (
	"slices"
	"sync"
	"sync/atomic"

	"goop/shared/jsontext"
)

const (
	keptEvents = 4         // texts of events that a Result keeps
	keptText   = 256 << 10 // bytes of each, and of the answer; a longer text is written anew each time
)

// Result is what a live query came to in one snapshot. All who watch the same with the same rights share
// it, and the texts in which they are told of it. It is safe for use by many goroutines; its rows are not
// to be changed.
type Result struct {
	Rows []Row
	seen *Seen
	size int

	// mu guards the following. It is held while a text is made, so that each is made once.
	mu     sync.Mutex
	answer []byte
	events []told // the latest last
}

// told is the text of the event that leads from one Result to another.
type told struct {
	from uint64
	rest []byte
}

// Seen is what a follower of a live query has been told last: the rows alone, without the texts of a
// Result, so that one who is slow does not hold on to those.
type Seen struct {
	rows []Row
	of   uint64 // no other Result has the same
}

var results atomic.Uint64 // that there were

// NewResult makes the Result that comes after before, which is nil for the first. It is before itself when
// the rows are the same, and otherwise shares the memory of those rows that have not changed. The rows are
// the Result's from now on.
func NewResult(rows []Row, before *Result) *Result {
	if before != nil && reuse(before.Rows, rows) {
		return before
	}
	r := &Result{Rows: rows, seen: &Seen{rows, results.Add(1)}}
	for _, row := range rows {
		r.size += len(row.JSON)
	}
	return r
}

// reuse puts rows of before in the place of equal ones in rows, and reports whether all are the same.
func reuse(before, rows []Row) bool {
	start, end := common(before, rows)
	copy(rows, before[:start])
	copy(rows[len(rows)-end:], before[len(before)-end:])
	if start+end == len(rows) {
		return len(rows) == len(before)
	}
	old := make(map[string]Row, len(before)-start-end)
	for _, r := range before[start : len(before)-end] {
		old[r.ID] = r
	}
	for i := start; i < len(rows)-end; i++ {
		if was, ok := old[rows[i].ID]; ok && string(was.JSON) == string(rows[i].JSON) {
			rows[i] = was
		}
	}
	return false
}

// Size is how many bytes the JSON of the rows takes.
func (r *Result) Size() int { return r.size }

// Seen is what somebody who has been told of r has been told.
func (r *Result) Seen() *Seen { return r.seen }

// Next returns what somebody is told of r who has been told of seen before: the line of an event, or of
// the answer when seen is nil, but without its beginning, which AppendHead appends. It is nil when nothing
// has changed. It is shared, and not to be changed.
func (r *Result) Next(seen *Seen) []byte {
	if seen == r.seen {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if seen == nil {
		if r.answer != nil {
			return r.answer
		}
		w := jsontext.Rest(make([]byte, 0, r.size+len(r.Rows)+16))
		appendList(&w, "rows", r.Rows)
		answer := end(w)
		if len(answer) <= keptText {
			r.answer = answer
		}
		return answer
	}
	for _, e := range r.events {
		if e.from == seen.of {
			return e.rest
		}
	}
	var rest []byte
	if d, changed := Diff(seen.rows, r.Rows); changed {
		rest = d.appendRest(nil)
	}
	if len(rest) <= keptText {
		if len(r.events) == keptEvents {
			r.events = slices.Delete(r.events, 0, 1)
		}
		r.events = append(r.events, told{seen.of, rest})
	}
	return rest
}

// AppendHead appends the beginning of a line that goes on with what Next returns.
func AppendHead(dst []byte, id int64, answer bool) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	if answer {
		w.Key("id")
	} else {
		w.Key("watch")
	}
	w.Int(id)
	return w.B
}
