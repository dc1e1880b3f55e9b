package store

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Aggregate returns numbers about the rows that the caller may read, as rows of their own.
func (ts *Tables) Aggregate(ctx context.Context, c group.Caller, a *data.Aggregate) ([]data.Row, error) {
	t, err := ts.table(a.Table)
	if err != nil {
		return nil, err
	}
	r, err := ts.readRights(ctx, t, c, a.Where)
	if err != nil {
		return nil, err
	}
	sql := selectAggregate(t, a, r)
	var rows []data.Row
	err = ts.db.readOne(ctx, func(tx *ReadTx) error {
		rows = []data.Row{}
		size := 0
		for row, err := range tx.run(sql) {
			if err != nil {
				return err
			}
			found := aggregateRow(a, row)
			if size += len(found.JSON); size > data.MaxResult {
				return errLargeResult()
			}
			rows = append(rows, found)
		}
		return nil
	})
	if errors.Is(err, sqlite3.ERROR) && slices.ContainsFunc(a.Compute, func(c data.Computed) bool { return c.Func == data.Sum }) {
		return nil, wire.E(wire.LimitExceeded, "a sum of integers does not fit 64 bits")
	}
	return rows, err
}

// selectAggregate writes the SELECT of an aggregate: the columns by which rows are grouped, and then what
// is computed.
func selectAggregate(t *table, a *data.Aggregate, r *rights) *query {
	q := &query{}
	q.WriteString("SELECT ")
	s := scope{q, r, t, firstAlias}
	s.columns(a.By)
	for i, c := range a.Compute {
		if i > 0 || len(a.By) > 0 {
			q.WriteString(", ")
		}
		q.WriteString(aggregates[c.Func])
		if c.Column < 0 {
			q.WriteByte('*')
		} else {
			s.column(c.Column)
		}
		q.WriteByte(')')
	}
	s = q.from(t, r)
	s.readable(" WHERE ", a.Where)
	if len(a.By) > 0 {
		q.WriteString(" GROUP BY ")
		s.columns(a.By)
		aggregateOrder(q, a)
	}
	q.WriteString(" LIMIT ")
	q.bind(a.Limit)
	return q
}

var aggregates = map[data.Func]string{
	data.Count: "count(", data.Sum: "sum(", data.Least: "min(", data.Most: "max(", data.Mean: "avg(",
}

// aggregateOrder writes the order, in which the columns have numbers.
func aggregateOrder(q *query, a *data.Aggregate) {
	q.WriteString(" ORDER BY ")
	for _, o := range a.Order {
		q.WriteString(strconv.Itoa(o.Column + 1))
		if o.Down {
			q.WriteString(" DESC")
		}
		q.WriteString(", ")
	}
	for i := range a.By {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(strconv.Itoa(i + 1))
	}
}

func aggregateRow(a *data.Aggregate, row Row) data.Row {
	w := jsontext.Writer{B: make([]byte, 0, 128)}
	w.Begin('{')
	var scratch []byte
	add := func(name string, v data.Value) {
		w.Key(name)
		scratch = v.Append(scratch[:0])
		w.Raw(scratch)
	}
	for i, c := range a.By {
		add(a.Table.Columns[c].Name, value(row, i, a.Table.Columns[c].Type))
	}
	for i := range a.Compute {
		c := &a.Compute[i]
		v := value(row, len(a.By)+i, c.Type(a.Table))
		if c.Func == data.Sum && v.Type == data.Integer && (v.N > maxInteger || v.N < -maxInteger) {
			v = data.Value{Type: data.Real, F: float64(v.N)} // as near as a page can have it
		}
		add(c.Name, v)
	}
	w.End('}')
	return data.Row{JSON: w.B}
}

// maxInteger is the greatest integer that JavaScript holds exactly.
const maxInteger = 1<<53 - 1
