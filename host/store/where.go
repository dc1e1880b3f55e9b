package store

import (
	"strings"

	"goop/shared/data"
)

// query is SQL text in the making and what is bound to it. Nothing that came from a member is in the
// text: a condition's columns are those of the schema, and its values are bound.
type query struct {
	strings.Builder
	args []any
}

// bind writes a parameter.
func (q *query) bind(v any) {
	q.WriteByte('?')
	q.args = append(q.args, v)
}

// where writes a condition, in parentheses. SQL's comparisons with NULL are neither true nor false,
// which is as good as false in a WHERE, and within AND and OR there; NOT is where it matters.
func (q *query) where(t *table, w *data.Where) {
	q.WriteByte('(')
	defer q.WriteByte(')')
	switch w.Test {
	case data.And, data.Or:
		q.list(t, w)
		return
	case data.Not:
		q.where(t, w.Terms[0])
		q.WriteString(" IS NOT TRUE")
		return
	}
	column := t.columns[w.Column]
	switch w.Test {
	case data.Null:
		q.WriteString(column)
		if w.IsNull {
			q.WriteString(" IS NULL")
		} else {
			q.WriteString(" IS NOT NULL")
		}
	case data.In:
		q.in(column, w)
	case data.Like:
		q.WriteString("goop_like(" + column + ", ")
		q.bind(arg(w.Value))
		q.WriteByte(')')
	case data.Contains:
		q.WriteString("goop_contains(" + column + ", ")
		q.bind(arg(w.Value))
		q.WriteByte(')')
	default:
		q.WriteString(column + comparisons[w.Test])
		q.bind(arg(w.Value))
	}
}

var comparisons = map[data.Test]string{
	data.Equal:    " = ",
	data.NotEqual: " IS NOT ",
	data.Less:     " < ",
	data.AtMost:   " <= ",
	data.Greater:  " > ",
	data.AtLeast:  " >= ",
}

func (q *query) list(t *table, w *data.Where) {
	if len(w.Terms) == 0 { // all of none are true, and none of none
		if w.Test == data.And {
			q.WriteString("TRUE")
		} else {
			q.WriteString("FALSE")
		}
	}
	for i, term := range w.Terms {
		switch {
		case i == 0:
		case w.Test == data.And:
			q.WriteString(" AND ")
		default:
			q.WriteString(" OR ")
		}
		q.where(t, term)
	}
}

func (q *query) in(column string, w *data.Where) {
	q.WriteString(column + " IN (")
	for i, v := range w.Values {
		if i > 0 {
			q.WriteString(", ")
		}
		q.bind(arg(v))
	}
	q.WriteByte(')')
	if w.IsNull {
		q.WriteString(" OR " + column + " IS NULL")
	}
}

// selectRows writes a SELECT of a query's rows, of those that filter lets through.
func selectRows(t *table, d *data.Query, f filter) *query {
	q := &query{}
	q.WriteString("SELECT " + t.names(d.Columns) + " FROM " + t.name)
	q.conditions(t, d.Where, f)
	q.WriteString(" ORDER BY ")
	byID := false
	for _, o := range d.Order {
		q.WriteString(t.columns[o.Column])
		if o.Down {
			q.WriteString(" DESC")
		}
		byID = byID || o.Column == 0
		if byID { // there are no two rows for what comes after
			break
		}
		q.WriteString(", ")
	}
	if !byID {
		q.WriteString(t.columns[0])
	}
	q.WriteString(" LIMIT ")
	q.bind(d.Limit)
	q.WriteString(" OFFSET ")
	q.bind(d.Offset)
	return q
}

// selectCount writes a SELECT of how many rows there are.
func selectCount(t *table, w *data.Where, f filter) *query {
	q := &query{}
	q.WriteString("SELECT count(*) FROM " + t.name)
	q.conditions(t, w, f)
	return q
}

func (q *query) conditions(t *table, w *data.Where, f filter) {
	if w == nil && f.kind == data.AllRows {
		return
	}
	q.WriteString(" WHERE ")
	if w != nil {
		q.where(t, w)
		if f.kind != data.AllRows {
			q.WriteString(" AND ")
		}
	}
	f.write(q, t)
}
