package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"goop/shared/data"
	"goop/shared/group"
)

// Watch calls emit with what a query comes to, and again after each commit that changes that, until ctx
// ends or emit fails; while emit runs, or several commits follow each other closely, they are taken
// together. What emit gets is one snapshot, and never an older one than before. plan is asked before each
// evaluation who the caller is and what it wants to know, so that it is done under the rights of that
// moment; the query that it returns is the same one as long as nothing has changed. An error of plan ends
// the watch.
func (ts *Tables) Watch(ctx context.Context, plan func() (group.Caller, *data.Query, error), emit func(*data.Result) error) error {
	w := watcher{ts: ts, plan: plan}
	defer func() { ts.hub.release(w.eval) }()
	var last *data.Result
	var position int64
	for {
		start := time.Now()
		poked, err := w.look(ctx)
		if err != nil {
			return err
		}
		o, news, err := w.eval.now(ctx, position)
		if err != nil {
			return err
		}
		position = o.position
		r, err := w.take(o)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if r != last {
			last = r
			if err := emit(r); err != nil {
				return err
			}
		}
		// What a commit brought between the look and the evaluation is in no news.
		if all, err := w.askedAll(ctx); err != nil {
			return err
		} else if !all {
			continue
		}
		select {
		case <-news:
		case <-poked:
			err = pause(ctx, start.Add(mostRest))
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// watcher is one live query.
type watcher struct {
	ts   *Tables
	plan func() (group.Caller, *data.Query, error)
	eval *evaluation

	// The following are what eval was found by.
	caller group.Caller
	query  *data.Query
	rights *rights
	poked  <-chan struct{}

	many  bool // eval is for many; own takes what is the caller's
	own   own
	alone time.Time // until when eval is the caller's alone though there is one for many; zero for always
}

// look finds the evaluation that is right at the moment. The channel is closed when it has to be looked
// for again.
func (w *watcher) look(ctx context.Context) (poked <-chan struct{}, err error) {
	poked = w.ts.hub.pokes() // asked first: what comes in meanwhile is looked at again
	c, q, err := w.plan()
	if err != nil {
		return nil, err
	}
	late := !w.alone.IsZero() && !time.Now().Before(w.alone)
	if c == w.caller && q == w.query && (poked == w.poked || len(w.rights.groups) == 0) && !late {
		if all, err := w.askedAll(ctx); all || err != nil {
			return poked, err
		}
	}
	t, err := w.ts.table(q.Table)
	if err != nil {
		return nil, err
	}
	r, err := w.ts.readRights(ctx, t, c, q.Where)
	if err != nil {
		return nil, err
	}
	if err := r.checkRank(t, q); err != nil {
		return nil, err
	}
	w.caller, w.query, w.rights, w.poked = c, q, r, poked
	next := w.ts.hub.acquire(w.question(t))
	w.ts.hub.release(w.eval)
	w.eval = next
	return poked, nil
}

// question returns what the database is asked.
func (w *watcher) question(t *table) *question {
	g := w.rights.grant(t, data.Read)
	rest, p, ok := split(t, g)
	if w.many = ok && !time.Now().Before(w.alone); w.many {
		w.own, w.alone = own{personal: p, result: w.own.result}, time.Time{}
		return w.ts.forMany(t, w.query, w.rights, rest)
	}
	q, sql := w.query, selectRows(t, w.query, w.rights)
	owner, tables := "", sql.tables
	if g.Kind == data.OwnRows {
		owner, tables = string(g.Peer), slices.DeleteFunc(slices.Clone(tables), func(name string) bool { return name == t.Name })
	}
	return &question{
		key:    sql.key() + shape(q),
		tables: tables,
		owner:  owner,
		owns:   t.Name,
		clock:  w.ts.clock(g, t),
		ask: func(tx *ReadTx, before *finding) (*finding, error) {
			rows, err := fetch(tx, t, q, sql)
			if err != nil {
				return nil, err
			}
			var last *data.Result
			if before != nil {
				last = before.result
			}
			return &finding{result: data.NewResult(rows, last)}, nil
		},
	}
}

// take returns what of a finding is the caller's. It is nil when there is more than one question for many
// can come to: for a while the caller has one of its own.
func (w *watcher) take(o *finding) (*data.Result, error) {
	switch {
	case !w.many:
		return o.result, nil
	case o.shared.over:
		w.alone, w.query = time.Now().Add(ownQuestions), nil
		return nil, nil
	}
	return w.own.take(o, w.caller, w.query)
}

// askedAll reports whether the rights are good for all groups of which the tables have rows now, as far
// as they were asked for that.
func (w *watcher) askedAll(ctx context.Context) (bool, error) {
	for t, known := range w.rights.groups {
		if !known.all {
			continue
		}
		groups, err := w.rights.groupsOf(ctx, t)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(groups, func(id string) bool { return !known.has(id) }) {
			return false, nil
		}
	}
	return true, nil
}

// shape returns text that two queries share only when values of the same columns make the same rows.
func shape(q *data.Query) string {
	shown := q.Table.Shown()
	byDefault := q.Columns == nil || len(shown) > 0 && &q.Columns[0] == &shown[0]
	return fmt.Sprintf("\x00%p %v", q.Table, byDefault)
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
