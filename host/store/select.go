package store

import (
	"slices"

	"goop/shared/data"
)

// from writes the table, and returns the scope of its columns.
func (q *query) from(t *table, r *rights) scope {
	s := scope{q, r, t, q.alias()}
	q.WriteString(" FROM ")
	q.WriteString(t.source)
	q.WriteString(" AS ")
	q.WriteString(s.alias)
	q.tables = append(q.tables, t.reads...)
	if t.view == nil {
		return s
	}
	q.view = true
	q.timed = q.timed || t.view.now
	if t.view.me {
		q.args = append(q.args, param{meParam, r.caller.Peer})
	}
	return s
}

// firstAlias is that of the table that the first FROM names.
const firstAlias = "t0"

// columns writes the names of columns.
func (s scope) columns(columns []int) {
	for i, c := range columns {
		if i > 0 {
			s.q.WriteString(", ")
		}
		s.column(c)
	}
}

// readable writes the condition under which w is true for a row and the caller may read it, behind what
// is there already; nothing when that is all rows.
func (s scope) readable(and string, w *data.Where) {
	if w != nil {
		s.q.WriteString(and)
		s.where(w)
		and = " AND "
	}
	if !s.r.everyRow(s.t, data.Read) {
		s.q.WriteString(and)
		s.may(data.Read)
	}
}

// selectCount writes a SELECT of how many rows there are that the caller may read.
func selectCount(t *table, w *data.Where, r *rights) *query {
	q := &query{}
	q.WriteString("SELECT count(*)")
	q.from(t, r).readable(" WHERE ", w)
	return q
}

// selectRow writes a SELECT of one row that the caller may read.
func selectRow(t *table, columns []int, id data.Value, r *rights) *query {
	q := &query{}
	q.Grow(512)
	q.WriteString("SELECT ")
	scope{q, r, t, firstAlias}.columns(columns)
	s := q.from(t, r)
	q.WriteString(" WHERE ")
	s.column(0)
	q.WriteString(" = ")
	q.bind(arg(id))
	s.readable(" AND ", nil)
	return q
}

// selectRows writes a SELECT of a query's rows that the caller may read.
func selectRows(t *table, d *data.Query, r *rights) *query {
	return selectPart(t, d, r, part{columns: t.asked(shown(d)), limit: d.Limit})
}

// part is what is selected of a query's rows.
type part struct {
	columns []int
	limit   int
	nulls   bool // those behind d.After that have no value in the order's first column; see parts
}

func selectPart(t *table, d *data.Query, r *rights, p part) *query {
	q := &query{}
	q.Grow(512)
	q.WriteString("SELECT ")
	scope{q, r, t, firstAlias}.columns(p.columns)
	s := q.from(t, r)
	and := " WHERE "
	rank := ""
	if d.Ranked() {
		rank = s.ranked(d.Where)
		and = " AND "
	}
	if d.After != nil {
		q.WriteString(and)
		s.after(d, p.nulls)
		and = " AND "
	}
	s.readable(and, d.Where)
	q.WriteString(" ORDER BY ")
	s.order(d.Order, rank)
	q.WriteString(" LIMIT ")
	q.bind(p.limit)
	if d.Offset > 0 {
		q.WriteString(" OFFSET ")
		q.bind(d.Offset)
	}
	return q
}

// order writes an order in which no two rows stand at the same place.
func (s scope) order(order []data.Order, rank string) {
	for _, o := range order {
		if o.Column == data.Rank {
			s.q.WriteString(rank)
		} else {
			s.column(o.Column)
		}
		if o.Down {
			s.q.WriteString(" DESC")
		}
		if o.Column == 0 { // there are no two rows for what comes after
			return
		}
		s.q.WriteString(", ")
	}
	s.column(0)
}

// shown returns the columns that a query shows, nil for all.
func shown(d *data.Query) []int {
	if d.Columns == nil {
		return d.Table.Shown()
	}
	return d.Columns
}

// asked returns the columns of a list, all for nil.
func (t *table) asked(columns []int) []int {
	if columns == nil {
		return t.every
	}
	return columns
}

// withOrder adds to columns those of an order.
func withOrder(columns []int, order []data.Order) []int {
	out := slices.Clip(columns)
	for _, o := range order {
		if o.Column != data.Rank && !slices.Contains(out, o.Column) {
			out = append(out, o.Column)
		}
	}
	return out
}
