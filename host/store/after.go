package store

import (
	"slices"

	"goop/shared/data"
)

// parts tells how many SELECTs it takes to go on behind d.After. Null comes last where an order falls. A
// condition that lets through what is less and what is null is one for which SQLite uses no index, and so
// those with a value are asked for first, and those without when these are not enough.
func parts(t *table, d *data.Query) int {
	if d.After == nil || len(d.Order) == 0 {
		return 1
	}
	if first := d.Order[0]; first.Down && !d.After[0].IsNull() && t.nullable(first.Column) {
		return 2
	}
	return 1
}

// nullable reports whether a column may hold null.
func (t *table) nullable(column int) bool {
	c := &t.Columns[column]
	if t.view != nil {
		return column != 0
	}
	return !c.Required && !slices.Contains([]string{data.IDColumn, data.OwnerColumn, data.CreatedColumn, data.UpdatedColumn}, c.Name)
}

// after writes the condition, in parentheses, for the rows that come behind d.After; with nulls for those
// of the second part alone.
func (s scope) after(d *data.Query, nulls bool) {
	q := s.q
	q.WriteByte('(')
	defer q.WriteByte(')')
	if nulls {
		s.column(d.Order[0].Column)
		q.WriteString(" IS NULL")
		return
	}
	// What follows from the rest about the first column is said for the index.
	if len(d.Order) > 0 && d.Order[0].Column != 0 {
		o, v := d.Order[0], d.After[0]
		switch {
		case v.IsNull() && o.Down:
			s.column(o.Column)
			q.WriteString(" IS NULL AND ")
		case v.IsNull():
		case o.Down:
			s.compare(o.Column, " <= ", v)
			q.WriteString(" AND ")
		default:
			s.compare(o.Column, " >= ", v)
			q.WriteString(" AND ")
		}
	}
	s.behind(d.Order, d.After, true)
}

// behind writes that a row comes behind the one with these values in an order's columns, and in _id.
func (s scope) behind(order []data.Order, values []data.Value, first bool) {
	q := s.q
	if len(order) == 0 || order[0].Column == 0 {
		op := " > "
		if len(order) > 0 && order[0].Down {
			op = " < "
		}
		s.compare(0, op, values[0])
		return
	}
	o, v := order[0], values[0]
	q.WriteByte('(')
	switch {
	case v.IsNull() && o.Down:
		q.WriteByte('0')
	case v.IsNull():
		s.column(o.Column)
		q.WriteString(" IS NOT NULL")
	case !o.Down:
		s.compare(o.Column, " > ", v)
	default:
		s.compare(o.Column, " < ", v)
		if !first && s.t.nullable(o.Column) {
			q.WriteString(" OR ")
			s.column(o.Column)
			q.WriteString(" IS NULL")
		}
	}
	q.WriteString(" OR ")
	if v.IsNull() {
		s.column(o.Column)
		q.WriteString(" IS NULL")
	} else {
		s.compare(o.Column, " = ", v)
	}
	q.WriteString(" AND ")
	s.behind(order[1:], values[1:], false)
	q.WriteByte(')')
}

func (s scope) compare(column int, op string, v data.Value) {
	s.column(column)
	s.q.WriteString(op)
	s.q.bind(arg(v))
}
