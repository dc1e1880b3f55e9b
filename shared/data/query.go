package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Bounds of a query.
const (
	DefaultRows = 100     // limit when there is none
	MaxRows     = 1000    // largest limit
	MaxOffset   = 100_000 // largest offset
	MaxOrder    = 8       // columns in an order
	MaxResult   = 1 << 20 // bytes of the rows of one answer
)

// Query is a request for rows that has been checked against its table.
type Query struct {
	Table   *Table
	Where   *Where // nil for all rows
	Order   []Order
	Limit   int
	Offset  int
	Columns []int // in the table's Columns, rising, _id among them; nil, or the table's Shown, when none were named
	// After has the values of Order's columns, and then of _id, in the last row of the page before; nil
	// for the first page.
	After []Value
}

// Page is what a query comes to.
type Page struct {
	Rows []Row
	// Cursor makes a query go on after these rows; "" when there are no more.
	Cursor string
}

// Order is one column of an order.
type Order struct {
	Column int // in the table's Columns, or Rank
	Down   bool
}

// Rank stands in an Order for how well a row fits what was searched for, the best first. It is named
// RankColumn.
const (
	Rank       = -1
	RankColumn = "_rank"
)

// Ranked reports whether rows come in the order of rank. That tells something of all rows of the table, so
// that it is only for callers who may read them all.
func (q *Query) Ranked() bool {
	return slices.ContainsFunc(q.Order, func(o Order) bool { return o.Column == Rank })
}

// Query checks what a request asks of a table. The error is a *wire.Error.
func (t *Table) Query(r *Request) (*Query, error) {
	q := &Query{Table: t, Limit: DefaultRows, Offset: r.Offset}
	var err error
	if r.HasLimit {
		q.Limit = r.Limit
	}
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	if q.Offset < 0 || q.Offset > MaxOffset {
		return nil, wire.E(wire.BadQuery, `"offset" is 0 to `, strconv.Itoa(MaxOffset), ", got ", strconv.Itoa(q.Offset))
	}
	if r.Where != nil {
		if q.Where, err = ParseWhere(t, r.Where); err != nil {
			return nil, err
		}
	}
	if q.Order, err = t.order(r.Order); err != nil {
		return nil, err
	}
	if q.Ranked() && !q.Where.searches() {
		return nil, wire.E(wire.BadQuery, `the order "`, RankColumn, `" is for a query whose "where" has "_search", outside of or and not`)
	}
	if r.After != "" {
		if err := q.after(r.After); err != nil {
			return nil, err
		}
	}
	q.Columns, err = t.columns(r.Columns)
	return q, err
}

func checkLimit(n int) error {
	if n < 1 || n > MaxRows {
		return wire.E(wire.BadQuery, `"limit" is 1 to `, strconv.Itoa(MaxRows), ", got ", strconv.Itoa(n))
	}
	return nil
}

// searches reports whether rows without the words of a Search are never those of the condition.
func (w *Where) searches() bool {
	return w != nil && (w.Test == Search || w.Test == And && slices.ContainsFunc(w.Terms, (*Where).searches))
}

func (t *Table) order(list []string) ([]Order, error) {
	if len(list) > MaxOrder {
		return nil, wire.E(wire.BadQuery, `"order" has more than `, strconv.Itoa(MaxOrder), " columns")
	}
	var out []Order
	for _, s := range list {
		name, down := strings.CutPrefix(s, "-")
		i, err := t.orderColumn(name, down)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o Order) bool { return o.Column == i }) {
			return nil, wire.E(wire.BadQuery, `"order" names the column "`, name, `" twice`)
		}
		out = append(out, Order{i, down})
	}
	return out, nil
}

// orderColumn returns the place of a column that rows can be ordered by.
func (t *Table) orderColumn(name string, down bool) (int, error) {
	if name == RankColumn && len(t.Search) > 0 {
		if down {
			return 0, wire.E(wire.BadQuery, `there is no order "-`, RankColumn, `": the best come first`)
		}
		return Rank, nil
	}
	i, err := t.lookup(name)
	if err != nil {
		return 0, err
	}
	if c := t.Columns[i]; c.Type == JSON || c.Type == Blob {
		return 0, wire.E(wire.BadQuery, `column "`, name, `" is of type `, string(c.Type), ", which has no order")
	}
	return i, nil
}

func (t *Table) columns(list []string) ([]int, error) {
	if list == nil {
		return t.shown, nil
	}
	out := []int{0}
	for _, name := range list {
		i, err := t.lookup(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Row is one row as a member gets it. Its bytes are not to be changed.
type Row struct {
	ID   string // the JSON text of its _id
	JSON []byte
}

// Row makes a row of the values of some columns, _id among them, or of all when columns is nil; then it
// has those that the table shows.
func (t *Table) Row(columns []int, values []Value) Row {
	w := jsontext.Writer{B: make([]byte, 0, 256)}
	w.Begin('{')
	scratch := values[0].Append(make([]byte, 0, 64))
	r := Row{ID: string(scratch)}
	all := t.all(columns)
	for i, v := range values {
		c := &t.Columns[i]
		if columns != nil {
			c = &t.Columns[columns[i]]
		}
		if all && c.omitNull && v.IsNull() || t.visitor && c.Hidden {
			continue
		}
		w.Key(c.Name)
		scratch = v.Append(scratch[:0])
		w.Raw(scratch)
	}
	w.End('}')
	r.JSON = w.B
	return r
}
