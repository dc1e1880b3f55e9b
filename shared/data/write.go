package data

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Write is one change that a caller wants, checked against its table: a request of its own, or one
// operation of a batch. What it may not say is checked by the store: the caller's rights, that a reference
// leads to a row that the caller may read, that what is unique is.
type Write struct {
	Op      Op
	Table   *Table    // nil for a send
	Rows    [][]Value // of insert, insertMany, upsert: as the table's Columns stand, with defaults
	Row     Value     // of update, remove, increment: the _id; an integer, or of type Earlier
	Where   *Where    // of updateWhere, removeWhere
	Changes []Change  // of update, updateWhere; of upsert, for a row that exists; of increment: what is added
	On      []int     // of upsert: the columns, unique together, by which the row is known
	Group   wire.GroupID
	Payload []byte // of send

	// Refusal is, of an upsert, why a row that exists cannot be changed in this way, nil when it can: a
	// *wire.Error.
	Refusal error
}

// Joined are changes that are made in the transaction that appends a group's message: that of the one
// among them that is a send.
type Joined interface {
	group.Companion
	// Answers returns, after the message has been appended, the fields of the answer to each change as a
	// JSON object.
	Answers() [][]byte
}

// Earlier is the type of a value that stands for the _id of the row that an earlier operation of the same
// batch has inserted: operation N, from 0. In a request it is {"$row": N}, for a column of type integer.
const Earlier Type = "earlier"

// Writes checks the changes that a caller asks for: the one of the request, or those of a batch, each
// against its table. The error is a *wire.Error.
func (s *Site) Writes(r *Request, c group.Caller) ([]Write, error) {
	if r.Op != OpBatch {
		w, err := s.write(r, c, nil)
		return []Write{w}, err
	}
	writes := make([]Write, 0, len(r.Operations))
	sends := 0
	for i := range r.Operations {
		op := &r.Operations[i]
		w, err := s.write(op, c, writes)
		if op.Op == OpSend {
			if sends++; sends > 1 {
				err = wire.E(wire.NotSupported, `a batch has at most one "send"`)
			}
		}
		if err != nil {
			if e, ok := errors.AsType[*wire.Error](err); ok {
				err = InOperation(i, e)
			}
			return nil, err
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// write checks one change, which comes after others of the same batch.
func (s *Site) write(r *Request, c group.Caller, before []Write) (Write, error) {
	if r.Op == OpSend {
		return Write{Op: OpSend, Group: r.Group, Payload: r.Payload}, nil
	}
	t, err := s.Lookup(r.Table)
	if err != nil {
		return Write{}, err
	}
	switch {
	case t.View != nil:
		return Write{}, wire.E(wire.NotSupported, `"`, t.Name, `" is a view, of which the rows are only read`)
	case slices.Contains(systemTables, t):
		return Write{}, wire.E(wire.NotSupported, `"`, string(r.Op), `" of a batch is not for `, t.Name, ", whose rows the host makes up")
	}
	w := Write{Op: r.Op, Table: t.For(c)}
	if err := w.read(r, len(before)); err != nil {
		return Write{}, err
	}
	return w, w.checkEarlier(before)
}

// read takes from a request what its op needs; so many operations come before it.
func (w *Write) read(r *Request, before int) (err error) {
	t := w.Table
	switch r.Op {
	case OpUpdate, OpRemove, OpIncrement:
		if w.Row, err = t.rowID(r.Row, before); err != nil {
			return err
		}
	case OpUpdateWhere, OpRemoveWhere:
		if w.Where, err = ParseWhere(t, r.Where); err != nil {
			return err
		}
	}
	switch r.Op {
	case OpUpdate, OpUpdateWhere:
		w.Changes, err = t.ChangesAfter(r.Values, before)
	case OpInsert:
		var row []Value
		row, err = t.NewRowAfter(r.Values, before)
		w.Rows = [][]Value{row}
	case OpInsertMany:
		return w.insertMany(r.Rows, before)
	case OpUpsert:
		return w.upsert(r, before)
	case OpIncrement:
		w.Changes, err = t.amounts(r.Values)
	}
	return err
}

func (w *Write) insertMany(rows []byte, before int) error {
	for e := jsontext.ElementsOf(rows); e.Next(); {
		row, err := w.Table.NewRowAfter(e.Value, before)
		if err != nil {
			if e, ok := errors.AsType[*wire.Error](err); ok {
				in := *e
				in.Message = "row " + strconv.Itoa(len(w.Rows)) + ": " + e.Message
				err = &in
			}
			return err
		}
		w.Rows = append(w.Rows, row)
	}
	return nil
}

// upsert reads the new row, and what it changes of one that exists: all that it says but the columns by
// which that is found.
func (w *Write) upsert(r *Request, before int) error {
	t := w.Table
	changes, err := t.values(r.Values, before, true)
	if err != nil {
		return err
	}
	row, err := t.fill(changes)
	if err != nil {
		return err
	}
	if w.On, err = t.on(r.On); err != nil {
		return err
	}
	w.Rows = [][]Value{row}
	for _, c := range changes {
		if slices.Contains(w.On, c.Column) {
			continue
		}
		if err := t.settable(&t.Columns[c.Column], false); err != nil && w.Refusal == nil {
			w.Refusal = err
		}
		w.Changes = append(w.Changes, c)
	}
	return nil
}

// on returns the columns, rising, by which an upsert knows a row: those that are named, which have to be
// unique together, or the only ones that are.
func (t *Table) on(named []string) ([]int, error) {
	var all [][]int
	var list []string
	add := func(columns []int) {
		slices.Sort(columns)
		if slices.ContainsFunc(all, func(c []int) bool { return slices.Equal(c, columns) }) {
			return
		}
		var names []string
		for _, i := range columns {
			names = append(names, `"`+t.Columns[i].Name+`"`)
		}
		all, list = append(all, columns), append(list, "["+strings.Join(names, ",")+"]")
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Unique && t.Lookup(c.Name) >= 0 {
			add([]int{i})
		}
	}
	for _, ix := range t.Indexes {
		var columns []int
		for _, name := range ix.Columns {
			columns = append(columns, t.Lookup(name))
		}
		if ix.Unique && !slices.Contains(columns, t.Lookup(CreatedColumn)) {
			add(columns)
		}
	}
	switch {
	case len(all) == 0:
		return nil, wire.E(wire.BadQuery, `table "`, t.Name, `" has no column or index that is unique, by which "upsert" could know a row`)
	case named == nil && len(all) == 1:
		return all[0], nil
	case named == nil:
		return nil, wire.E(wire.BadQuery, `table "`, t.Name, `" has more than one thing that is unique; say in "on" which one is meant: `, strings.Join(list, " or "))
	}
	var columns []int
	for _, name := range named {
		i, err := t.lookup(name)
		if err != nil {
			return nil, err
		}
		columns = append(columns, i)
	}
	slices.Sort(columns)
	if !slices.ContainsFunc(all, func(c []int) bool { return slices.Equal(c, columns) }) {
		return nil, wire.E(wire.BadQuery, `the columns of "on" are not unique together in table "`, t.Name, `"; these are: `, strings.Join(list, " and "))
	}
	return columns, nil
}

// amounts reads what increment adds to which columns.
func (t *Table) amounts(values []byte) ([]Change, error) {
	var out []Change
	var seen names
	for m := jsontext.MembersOf(values); m.Next(); {
		i, err := t.lookup(string(m.Key))
		if err != nil {
			return nil, err
		}
		c := &t.Columns[i]
		if err := t.settable(c, false); err != nil {
			return nil, err
		}
		switch {
		case !seen.add(c.Name):
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `" stands twice`)
		case c.ReadOnly:
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `" is set by the host`)
		case c.Type != Integer && c.Type != Real || c.References != "":
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `": "increment" is for integer and real columns that count something`)
		}
		v, err := c.Type.parse(m.Value)
		switch {
		case err != nil:
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `": `, err.Error())
		case v.IsNull():
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `": expected a number to add, got null`)
		}
		out = append(out, Change{i, v})
	}
	if len(out) == 0 {
		return nil, wire.E(wire.InvalidValue, `"values" of "increment" says what to add to which columns, such as {"points":1}`)
	}
	return out, nil
}

// Sum returns what an increment makes of a value of the column. The error is a *wire.Error with code
// invalid_value: the sum is outside of what the column allows.
func (c *Column) Sum(v, add Value) (Value, error) {
	sum := Value{Type: c.Type, N: v.N + add.N, F: v.F + add.F}
	err := error(nil)
	if raw := sum.Append(nil); string(raw) == "null" {
		err = expected("a number that fits 64 bits")
	} else if _, err = c.Type.parse(raw); err == nil {
		err = c.check(sum)
	}
	if err != nil {
		return Value{}, wire.E(wire.InvalidValue, `column "`, c.Name, `": `, err.Error())
	}
	return sum, nil
}

// checkEarlier checks that what stands for rows of earlier operations stands for rows that those insert.
func (w *Write) checkEarlier(before []Write) error {
	check := func(v Value) error {
		if v.Type != Earlier {
			return nil
		}
		if op := before[v.N].Op; op != OpInsert && op != OpUpsert {
			return wire.E(wire.InvalidValue, `{"$row":`, strconv.FormatInt(v.N, 10), `} stands for the row of an insert or upsert, and that operation is "`, string(op), `"`)
		}
		return nil
	}
	err := check(w.Row)
	for _, row := range w.Rows {
		for _, v := range row {
			if err == nil {
				err = check(v)
			}
		}
	}
	for _, c := range w.Changes {
		if err == nil {
			err = check(c.Value)
		}
	}
	return err
}

// rowID is RowID where so many operations of a batch come before.
func (t *Table) rowID(raw []byte, before int) (Value, error) {
	if v, ok, err := ParseEarlier(raw, before); ok || err != nil {
		return v, err
	}
	return t.RowID(raw)
}
