package data

import (
	"slices"
	"strconv"
	"strings"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Bounds of an aggregate.
const (
	MaxBy       = 8  // columns
	MaxComputed = 16 // numbers
)

// Func is what an aggregate makes of many values.
type Func string

const (
	Count Func = "count" // of rows, or of those that have a value in a column
	Sum   Func = "sum"   // of an integer or real; null when there is no value
	Least Func = "min"   // of what has an order
	Most  Func = "max"
	Mean  Func = "avg" // of an integer or real: a real
)

// funcs lists every Func.
var funcs = []string{string(Count), string(Sum), string(Least), string(Most), string(Mean)}

// Aggregate is a request for numbers about rows that has been checked against its table.
type Aggregate struct {
	Table   *Table
	Where   *Where // nil for all rows
	By      []int  // the columns whose values make a group, in the table's Columns; none: all rows are one
	Compute []Computed
	Order   []Order // Column counts By first and then Compute; By, rising, comes behind it
	Limit   int
}

// Computed is one number.
type Computed struct {
	Name   string
	Func   Func
	Column int // in the table's Columns; -1 for rows
}

// Type returns the type of what is computed.
func (c *Computed) Type(t *Table) Type {
	switch c.Func {
	case Count:
		return Integer
	case Mean:
		return Real
	}
	return t.Columns[c.Column].Type
}

// Aggregate checks what a request asks of a table. The error is a *wire.Error.
func (t *Table) Aggregate(r *Request) (*Aggregate, error) {
	a := &Aggregate{Table: t, Limit: DefaultRows}
	var err error
	if r.HasLimit {
		a.Limit = r.Limit
	}
	if err := checkLimit(a.Limit); err != nil {
		return nil, err
	}
	if r.Where != nil {
		if a.Where, err = ParseWhere(t, r.Where); err != nil {
			return nil, err
		}
	}
	if len(r.By) > MaxBy {
		return nil, wire.E(wire.BadQuery, `"by" has more than `, strconv.Itoa(MaxBy), " columns")
	}
	for _, name := range r.By {
		i, err := t.lookup(name)
		if err != nil {
			return nil, err
		}
		if c := &t.Columns[i]; c.Type == JSON || c.Type == Blob {
			return nil, wire.E(wire.BadQuery, `column "`, name, `" is of type `, string(c.Type), `, which cannot be in "by"`)
		}
		if slices.Contains(a.By, i) {
			return nil, wire.E(wire.BadQuery, `"by" names the column "`, name, `" twice`)
		}
		a.By = append(a.By, i)
	}
	if err := a.compute(r.Compute); err != nil {
		return nil, err
	}
	return a, a.order(r.Order)
}

// compute reads what is to be computed, such as {"n":"count","best":{"max":"points"}}.
func (a *Aggregate) compute(raw []byte) error {
	for m := jsontext.MembersOf(raw); m.Next(); {
		name := string(m.Key)
		switch {
		case len(a.Compute) == MaxComputed:
			return wire.E(wire.BadQuery, `"compute" has more than `, strconv.Itoa(MaxComputed), " members")
		case !validName(name):
			return wire.E(wire.BadQuery, `"compute": a name is 1 to `, strconv.Itoa(maxNameBytes), ` letters of a to z, digits and "_", and does not begin with a digit, got "`, clip(name), `"`)
		case a.place(name) >= 0:
			return wire.E(wire.BadQuery, `"compute": "`, name, `" stands twice, or is one of "by"`)
		}
		c, err := a.computed(name, m.Value)
		if err != nil {
			return err
		}
		a.Compute = append(a.Compute, c)
	}
	if len(a.Compute)+len(a.By) == 0 {
		return wire.E(wire.BadQuery, `"compute" says nothing, for example {"n":"count"}`)
	}
	return nil
}

// computed reads one member of compute.
func (a *Aggregate) computed(name string, raw []byte) (Computed, error) {
	c := Computed{Name: name, Func: Count, Column: -1}
	if s, err := jsontext.Str(raw); err == nil && s == string(Count) {
		return c, nil
	}
	wrong := wire.E(wire.BadQuery, `"compute": "`, name, `" is "count", or an object with one of `, quotedList(funcs),
		` and a column, such as {"sum":"points"}, got `, describe(raw))
	if jsontext.KindOf(raw) != jsontext.Object {
		return c, wrong
	}
	n := 0
	for m := jsontext.MembersOf(raw); m.Next(); n++ {
		column, err := jsontext.Str(m.Value)
		if err != nil || n > 0 || !slices.Contains(funcs, string(m.Key)) {
			return c, wrong
		}
		c.Func = Func(m.Key)
		if c.Column, err = a.Table.lookup(column); err != nil {
			return c, err
		}
	}
	if n == 0 {
		return c, wrong
	}
	t := a.Table.Columns[c.Column].Type
	fits, what := true, ""
	switch c.Func {
	case Sum, Mean:
		fits, what = t == Integer || t == Real, "integer and real"
	case Least, Most:
		fits, what = t != JSON && t != Blob, "what has an order"
	}
	if !fits {
		return c, wire.E(wire.BadQuery, `column "`, a.Table.Columns[c.Column].Name, `" is of type `, string(t), ` and has no "`, string(c.Func), `"; it is for `, what)
	}
	return c, nil
}

// order reads the order of the groups, by names of By and Compute.
func (a *Aggregate) order(list []string) error {
	if len(list) > MaxOrder {
		return wire.E(wire.BadQuery, `"order" has more than `, strconv.Itoa(MaxOrder), " names")
	}
	for _, s := range list {
		name, down := strings.CutPrefix(s, "-")
		i := a.place(name)
		if i < 0 {
			return wire.E(wire.BadQuery, `"order" of an aggregate takes names of "by" and "compute", got "`, clip(name), `"`, suggest(name, a.names()))
		}
		if slices.ContainsFunc(a.Order, func(o Order) bool { return o.Column == i }) {
			return wire.E(wire.BadQuery, `"order" names "`, name, `" twice`)
		}
		a.Order = append(a.Order, Order{i, down})
	}
	return nil
}

// names lists what a row of the answer has, in its order.
func (a *Aggregate) names() []string {
	var out []string
	for _, i := range a.By {
		out = append(out, a.Table.Columns[i].Name)
	}
	for i := range a.Compute {
		out = append(out, a.Compute[i].Name)
	}
	return out
}

func (a *Aggregate) place(name string) int { return slices.Index(a.names(), name) }

// Row makes a row of the answer of the values of By and then of Compute.
func (a *Aggregate) Row(values []Value) Row {
	w := jsontext.Writer{}
	w.Begin('{')
	for i, name := range a.names() {
		w.Key(name)
		w.Raw(values[i].Append(nil))
	}
	w.End('}')
	return Row{JSON: w.B}
}

// validName reports whether a name is one that a column might have.
func validName(s string) bool {
	for i := range len(s) {
		c := lower(s[i])
		if (c < 'a' || c > 'z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxNameBytes
}
