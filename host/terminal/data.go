package terminal

import (
	"context"
	"fmt"
	"sync"

	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

const (
	// maxPage is how many rows one request asks for, at most. A host gives less where it has a smaller bound.
	maxPage = 500
	// maxWatched is how many rows a watch shows without a limit, which is the most that there is.
	maxWatched = 1000
	// maxWaiting bounds the changes of a watch that wait for the reader, in bytes.
	maxWaiting = 4 << 20
)

// Rows says which rows are meant.
type Rows struct {
	Table   string
	Where   []byte   // a condition, a JSON object, or nil
	Order   []string // columns, "-" in front for descending
	Columns []string // all when empty
	Limit   int      // 0 is all of them
}

// request writes the request of an op.
func (r *Rows) request(op string, limit int, after string) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("op")
	w.Str(op)
	w.Key("table")
	w.Str(r.Table)
	if len(r.Where) > 0 {
		w.Key("where")
		w.Raw(r.Where)
	}
	list := func(key string, values []string) {
		if len(values) == 0 {
			return
		}
		w.Key(key)
		w.Begin('[')
		for _, v := range values {
			w.Str(v)
		}
		w.End(']')
	}
	list("order", r.Order)
	list("columns", r.Columns)
	w.Key("limit")
	w.Int(int64(limit))
	w.StrUnlessEmpty("after", after)
	w.End('}')
	return w.B
}

// Query prints rows, one a line.
func (t *Terminal) Query(ctx context.Context, rows Rows) error {
	defer context.AfterFunc(ctx, t.out.stop)()
	after := ""
	for left := rows.Limit; ; {
		limit := maxPage
		if rows.Limit > 0 {
			limit = min(limit, left)
		}
		answer, err := t.ask(ctx, rows.request("query", limit, after))
		if err != nil {
			return err
		}
		var lines []byte
		after = ""
		for m := jsontext.MembersOf(answer); m.Next(); {
			switch string(m.Key) {
			case "rows":
				for e := jsontext.ElementsOf(m.Value); e.Next(); {
					lines = append(visible(lines, e.Value), '\n')
					left--
				}
			case "cursor":
				if after, err = jsontext.Str(m.Value); err != nil {
					return err
				}
			}
		}
		if len(lines) > 0 {
			if err := t.out.print(lines); err != nil {
				return t.unread(ctx)
			}
		}
		if after == "" || rows.Limit > 0 && left <= 0 {
			return nil
		}
	}
}

// unread is the outcome when output could not be written: nobody wants more, or the user has ended it.
func (t *Terminal) unread(ctx context.Context) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

func (t *Terminal) ask(ctx context.Context, request []byte) ([]byte, error) {
	patient, cancel := t.patient(ctx)
	defer cancel()
	answer, err := t.member.Call(patient, request)
	if err != nil {
		return nil, t.why(ctx, err)
	}
	return answer, nil
}

// Watch prints the rows of now, and then each change, until ctx ends or nobody reads any more. After a lost
// connection, and after a gap, it prints all rows anew.
func (t *Terminal) Watch(ctx context.Context, rows Rows) error {
	limit := maxWatched
	if rows.Limit > 0 {
		limit = min(limit, rows.Limit)
	}
	request := rows.request("watch", limit, "")
	stop := context.AfterFunc(ctx, t.out.stop)
	defer stop()
	for {
		q := &changes{news: make(chan struct{}, 1)}
		patient, cancel := t.patient(ctx)
		end, err := t.member.Watch(patient, request, q.add)
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return t.why(ctx, err)
		}
		again, err := t.follow(ctx, q)
		end()
		if !again {
			return err
		}
		if t.out.print([]byte(`{"type":"gap"}`+"\n")) != nil {
			return nil
		}
	}
}

// follow prints what comes, and reports whether the watch has to begin anew.
func (t *Terminal) follow(ctx context.Context, q *changes) (again bool, err error) {
	for {
		lines, overflow, ended := q.take()
		if len(lines) > 0 {
			if t.out.print(lines) != nil {
				return false, nil
			}
			continue
		}
		switch {
		case ended != nil:
			return false, fmt.Errorf("the watch has ended: %w", ended)
		case overflow:
			return true, nil
		}
		select {
		case <-q.news:
		case <-t.out.broken:
			return false, nil
		case <-ctx.Done():
			return false, nil
		}
	}
}

// changes wait for the reader, as lines.
type changes struct {
	news chan struct{} // holds one token: there is something to take

	// mu guards the following.
	mu       sync.Mutex
	lines    []byte
	overflow bool // what came since was dropped
	ended    *wire.Error
}

// add takes in one change. It never waits: the goroutine is that of the heartbeat.
func (q *changes) add(c member.Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case c.Err != nil:
		q.ended = c.Err
	case q.overflow:
	case len(q.lines) > maxWaiting:
		q.overflow = true // what waits is still good
	default:
		q.lines = appendChange(q.lines, c)
	}
	select {
	case q.news <- struct{}{}:
	default:
	}
}

func (q *changes) take() (lines []byte, overflow bool, ended *wire.Error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, q.lines = q.lines, nil
	return lines, q.overflow, q.ended
}

// appendChange appends an answer of the host with a type in the place of the number that the member gave it.
func appendChange(dst []byte, c member.Change) []byte {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("type")
	if c.Fresh {
		w.Str("rows")
	} else {
		w.Str("change")
	}
	for m := jsontext.MembersOf(c.Answer); m.Next(); {
		if key := string(m.Key); key != "id" && key != "watch" && key != "type" {
			w.Key(key)
			w.Raw(m.Value)
		}
	}
	w.End('}')
	return append(visible(dst, w.B), '\n')
}
