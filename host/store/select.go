package store

import (
	"goop/shared/data"
)

// from writes the table, and returns the scope of its columns.
func (q *query) from(t *table, r *rights) scope {
	s := scope{q, r, t, q.alias()}
	q.WriteString(" FROM " + t.name + " AS " + s.alias)
	q.tables = append(q.tables, t.Name)
	return s
}

// columns writes the names of columns, of all for nil.
func (s scope) columns(columns []int) {
	if columns == nil {
		for i := range s.t.columns {
			if i > 0 {
				s.q.WriteString(", ")
			}
			s.column(i)
		}
		return
	}
	for i, c := range columns {
		if i > 0 {
			s.q.WriteString(", ")
		}
		s.column(c)
	}
}

// readable writes the WHERE for the rows for which w is true and that the caller may read.
func (s scope) readable(w *data.Where) {
	if all := s.r.everyRow(s.t, data.Read); w != nil {
		s.q.WriteString(" WHERE ")
		s.where(w)
		if !all {
			s.q.WriteString(" AND ")
			s.may(data.Read)
		}
	} else if !all {
		s.q.WriteString(" WHERE ")
		s.may(data.Read)
	}
}

// selectRows writes a SELECT of a query's rows that the caller may read.
func selectRows(t *table, d *data.Query, r *rights) *query {
	q := &query{}
	q.Grow(512)
	s := scope{q, r, t, "t0"}
	q.WriteString("SELECT ")
	s.columns(d.Columns)
	s = q.from(t, r)
	s.readable(d.Where)
	q.WriteString(" ORDER BY ")
	s.order(d.Order)
	q.WriteString(" LIMIT ")
	q.bind(d.Limit)
	if d.Offset > 0 {
		q.WriteString(" OFFSET ")
		q.bind(d.Offset)
	}
	return q
}

// order writes an order in which no two rows stand at the same place.
func (s scope) order(order []data.Order) {
	for _, o := range order {
		s.column(o.Column)
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

// selectCount writes a SELECT of how many rows there are that the caller may read.
func selectCount(t *table, w *data.Where, r *rights) *query {
	q := &query{}
	q.WriteString("SELECT count(*)")
	q.from(t, r).readable(w)
	return q
}

// selectRow writes a SELECT of one row that the caller may read.
func selectRow(t *table, columns []int, id int64, r *rights) *query {
	q := &query{}
	q.Grow(512)
	s := scope{q, r, t, "t0"}
	q.WriteString("SELECT ")
	s.columns(columns)
	s = q.from(t, r)
	q.WriteString(" WHERE ")
	s.column(0)
	q.WriteString(" = ")
	q.bind(id)
	if !r.everyRow(t, data.Read) {
		q.WriteString(" AND ")
		s.may(data.Read)
	}
	return q
}
