package store

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"goop/shared/data"
	"goop/shared/group"
)

// What a question for many callers comes to at most, before each of them asks for its own.
const (
	maxShared      = 2000
	maxSharedBytes = 4 << 20
	maxSharedAll   = 128 << 20   // bytes of all such questions together
	valueSize      = 48          // bytes that a value takes beside its text
	ownQuestions   = time.Minute // for which each then asks for its own, before they try again
)

// candidates are the rows for which all is true that a query and the rule for reading ask, but for what
// depends on the caller: who watches takes its own from among them, and the database is asked once for all.
type candidates struct {
	rows []candidate // in the order of the query, without its offset and limit
	size int         // in bytes
	over bool        // there are too many; rows has none

	serial  uint64
	from    uint64         // serial of those before
	changed [][]data.Value // of rows that are not as they were in those before: as they were, and as they are
}

// candidate is one row.
type candidate struct {
	values []data.Value // as the table's Columns stand
	row    data.Row
}

var serials atomic.Uint64 // of candidates

// personal is the part of a rule for reading that depends on the caller, and can be told by the row alone.
type personal struct {
	where *data.Where
	timed bool // it depends on the moment too
}

// split takes the part that depends on the caller out of a grant. ok is false when there is none, or when
// it cannot be told without the database. What is the author's alone is not shared: there, the database is
// asked no more often without that, since a commit is known by whose rows it changes.
func split(t *table, g data.Grant) (rest data.Grant, p personal, ok bool) {
	rest = g
	p.where, rest.If = g.If.Split(func(w *data.Where) bool { return w.Has(data.Me) })
	if p.where == nil || p.where.Follows() || p.where.Has(data.MyRole) || rest.Needs(t.Table).Me {
		return rest, p, false
	}
	p.timed = p.where.Has(data.Now)
	return rest, p, true
}

// forMany returns the question that is the same for all whose rights differ in the personal part alone;
// rest is the other.
func (ts *Tables) forMany(t *table, q *data.Query, r *rights, rest data.Grant) *question {
	sql := &query{}
	sql.WriteString("SELECT ")
	scope{sql, r, t, firstAlias}.columns(t.every)
	s := sql.from(t, r)
	sql.WriteString(" WHERE ")
	if q.Where != nil {
		s.where(q.Where)
		sql.WriteString(" AND ")
	}
	s.granted(rest, rest.If)
	sql.WriteString(" ORDER BY ")
	s.order(q.Order, "")
	sql.WriteString(" LIMIT ")
	sql.bind(maxShared + 1)
	return &question{
		key:    sql.key() + shape(q) + fmt.Sprint(q.Columns),
		tables: sql.tables,
		clock:  ts.clock(r.grant(t, data.Read), t),
		ask: func(tx *ReadTx, before *finding) (*finding, error) {
			c := &candidates{serial: serials.Add(1)}
			if err := c.read(tx, t, q, sql); err != nil {
				return nil, err
			}
			if before != nil && !before.shared.over && !c.over {
				c.compare(before.shared)
			}
			return &finding{shared: c}, nil
		},
	}
}

// read reads all that there are, or as many as there may be.
func (c *candidates) read(tx *ReadTx, t *table, q *data.Query, sql *query) error {
	columns := shown(q)
	var some []data.Value
	for row, err := range tx.run(sql) {
		if err != nil {
			return err
		}
		values := t.read(make([]data.Value, 0, len(t.Columns)), row, t.every)
		for _, v := range values {
			c.size += valueSize + len(v.S)
		}
		some = some[:0]
		for _, i := range t.asked(columns) {
			some = append(some, values[i])
		}
		r := q.Table.Row(columns, some)
		if c.size += len(r.JSON); c.size > maxSharedBytes || len(c.rows) == maxShared {
			c.giveUp()
			return nil
		}
		c.rows = append(c.rows, candidate{values, r})
	}
	return nil
}

// giveUp leaves it to each caller to ask for its own.
func (c *candidates) giveUp() { c.rows, c.changed, c.size, c.over = nil, nil, 0, true }

// compare finds what has changed, and has what has not share its memory.
func (c *candidates) compare(before *candidates) {
	c.from = before.serial
	old := make(map[string]candidate, len(before.rows))
	for _, was := range before.rows {
		old[was.row.ID] = was
	}
	for i, is := range c.rows {
		was, ok := old[is.row.ID]
		if ok {
			delete(old, is.row.ID)
			if slices.Equal(was.values, is.values) {
				c.rows[i] = was
				continue
			}
			c.changed = append(c.changed, was.values)
		}
		c.changed = append(c.changed, is.values)
	}
	for _, was := range old {
		c.changed = append(c.changed, was.values)
	}
}

// own is what one caller makes of candidates.
type own struct {
	personal
	of     uint64 // serial of the candidates that result was made of; 0 for others than those of now
	result *data.Result
}

// take returns what of a finding is the caller's.
func (w *own) take(o *finding, c group.Caller, q *data.Query) (*data.Result, error) {
	env := &data.Env{Me: c.Peer, Now: o.now}
	mine := func(values []data.Value) bool { return w.where.Match(values, env) }
	many := o.shared
	known := w.of
	w.of = many.serial
	// Nothing is known of candidates that were not compared with those that result was made of.
	if known != 0 && (known == many.serial || known == many.from && !w.timed && !slices.ContainsFunc(many.changed, mine)) {
		return w.result, nil
	}
	var rows []data.Row
	skip, size := q.Offset, 0
	for _, x := range many.rows {
		if !mine(x.values) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if size += len(x.row.JSON); size > data.MaxResult {
			return nil, errLargeResult()
		}
		if rows = append(rows, x.row); len(rows) == q.Limit {
			break
		}
	}
	w.result = data.NewResult(rows, w.result)
	return w.result, nil
}
