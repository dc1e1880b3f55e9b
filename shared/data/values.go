package data

import (
	"strconv"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// RestColumn is the column of type json that takes what a recorded message has beside the table's
// columns. A table without it uses its only json column.
const RestColumn = "rest"

// Change is a new value for one column.
type Change struct {
	Column int // in the table's Columns
	Value  Value
}

// NewRow reads the values of a new row, fills in the defaults and checks everything. The values stand
// as the table's Columns do; those of the host are null. What only the site's owner sets is refused by a
// table that is for others, see For. The error is a *wire.Error with code no_such_column or invalid_value.
func (t *Table) NewRow(values []byte) ([]Value, error) { return t.NewRowAfter(values, 0) }

// NewRowAfter is NewRow in a batch with so many operations before, for whose rows {"$row": N} stands.
func (t *Table) NewRowAfter(values []byte, earlier int) ([]Value, error) {
	changes, err := t.values(values, earlier, true)
	if err != nil {
		return nil, err
	}
	return t.fill(changes)
}

// fill makes a row of changes that were checked, and of defaults.
func (t *Table) fill(changes []Change) ([]Value, error) {
	row := make([]Value, len(t.Columns))
	given := make([]bool, len(t.Columns))
	for _, c := range changes {
		row[c.Column], given[c.Column] = c.Value, true
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if given[i] || c.ReadOnly {
			continue
		}
		row[i] = c.Default
		// Nobody but the owner inserts into a table with a required column that only the owner sets, and
		// an error would tell others of one that is hidden.
		if row[i].IsNull() && c.Required && !(t.visitor && c.OwnerSets) {
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `" is required`)
		}
	}
	return row, nil
}

// Changes reads new values for some columns and checks them, as NewRow does.
func (t *Table) Changes(values []byte) ([]Change, error) { return t.ChangesAfter(values, 0) }

// ChangesAfter is Changes in a batch with so many operations before.
func (t *Table) ChangesAfter(values []byte, earlier int) ([]Change, error) {
	return t.values(values, earlier, false)
}

// values reads and checks values, of a new row or of one that exists.
func (t *Table) values(values []byte, earlier int, isNew bool) ([]Change, error) {
	var out []Change
	var seen names
	for m := jsontext.MembersOf(values); m.Next(); {
		i, err := t.lookup(string(m.Key))
		if err != nil {
			return nil, err
		}
		c := &t.Columns[i]
		if !seen.add(c.Name) {
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `" stands twice`)
		}
		if err := t.settable(c, isNew); err != nil {
			return nil, err
		}
		v, err := c.valueAfter(m.Value, earlier)
		if err != nil {
			return nil, err
		}
		out = append(out, Change{i, v})
	}
	return out, nil
}

// settable tells why somebody for whom the table is may not set a column.
func (t *Table) settable(c *Column, isNew bool) error {
	switch {
	case !t.visitor:
	case c.OwnerSets:
		return wire.E(wire.InvalidValue, `column "`, c.Name, `" is set by the site's owner`)
	case c.Fixed && !isNew:
		return wire.E(wire.InvalidValue, `column "`, c.Name, `" is set in a new row; later it is set by the site's owner alone`)
	}
	return nil
}

// value reads and checks a value that somebody wants to write.
func (c *Column) value(raw []byte) (Value, error) {
	if c.ReadOnly {
		return Value{}, wire.E(wire.InvalidValue, `column "`, c.Name, `" is set by the host`)
	}
	v, err := c.Type.parse(raw)
	if err == nil {
		err = c.check(v)
	}
	if err != nil {
		return Value{}, wire.E(wire.InvalidValue, `column "`, c.Name, `": `, err.Error())
	}
	return v, nil
}

// valueAfter is value in a batch with so many operations before.
func (c *Column) valueAfter(raw []byte, earlier int) (Value, error) {
	if c.Type != Integer || c.ReadOnly {
		return c.value(raw)
	}
	v, ok, err := ParseEarlier(raw, earlier)
	switch {
	case !ok:
		return c.value(raw)
	case err == nil && (!c.Min.IsNull() || !c.Max.IsNull() || c.Enum != nil): // nobody knows the _id yet
		err = wire.E(wire.InvalidValue, `column "`, c.Name, `": {"$row": …} is for a column of type integer without min, max and enum`)
	}
	return v, err
}

// ParseEarlier reads {"$row": N}, which stands for the _id of the row that an earlier operation of a batch
// inserts: N counts from 0, and is less than earlier, the number of operations before this one. It reports
// whether raw, checked JSON text, is such an object; without earlier operations nothing is. The error is a
// *wire.Error with code invalid_value.
func ParseEarlier(raw []byte, earlier int) (v Value, ok bool, err error) {
	if earlier == 0 || jsontext.KindOf(raw) != jsontext.Object {
		return Value{}, false, nil
	}
	n := -1
	for m := jsontext.MembersOf(raw); m.Next(); n++ {
		if string(m.Key) != "$row" || n >= 0 {
			return Value{}, false, nil
		}
		k, err := jsontext.Int(m.Value)
		if err != nil || k < 0 || k >= int64(earlier) {
			return Value{}, true, wire.E(wire.InvalidValue, `"$row" is the number of an operation before this one, from 0 to `,
				strconv.Itoa(earlier-1), ", got ", describe(m.Value))
		}
		v = Value{Type: Earlier, N: k}
	}
	return v, n == 0, nil
}

// Recorded makes the row of a group's message, as NewRow does for a visitor, whoever sent it. The package
// comment says what goes where.
func (t *Table) Recorded(id wire.GroupID, payload []byte) ([]Value, error) {
	if t.visitors != nil {
		t = t.visitors
	}
	rest := t.rest()
	var changes []Change
	if t.MemberOf != "" {
		changes = append(changes, Change{t.Lookup(t.MemberOf), TextValue(string(id))})
	}
	if jsontext.KindOf(payload) != jsontext.Object {
		if rest < 0 {
			return nil, wire.E(wire.InvalidValue, `a message of this group is an object whose keys are columns of the table "`, t.Name, `"`)
		}
		v, err := t.Columns[rest].value(payload)
		if err != nil {
			return nil, err
		}
		return t.recorded(append(changes, Change{rest, v}))
	}
	var others jsontext.Writer
	var seen names
	named, strays, stray := false, 0, "" // the payload has the rest column itself; keys that are no columns
	others.Begin('{')
	for m := jsontext.MembersOf(payload); m.Next(); {
		key := string(m.Key)
		if !seen.add(key) {
			return nil, wire.E(wire.InvalidValue, `"`, clip(key), `" stands twice`)
		}
		i := t.Lookup(key)
		switch {
		case i < 0:
			if rest < 0 {
				_, err := t.lookup(key)
				return nil, err
			}
			strays, stray = strays+1, key
			others.Key(key)
			others.Raw(m.Value)
			continue
		case key == t.MemberOf:
			continue
		case i == rest:
			named = true
		}
		if err := t.settable(&t.Columns[i], true); err != nil {
			return nil, err
		}
		v, err := t.Columns[i].value(m.Value)
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{i, v})
	}
	others.End('}')
	if strays == 0 {
		return t.recorded(changes)
	}
	if named {
		return nil, wire.E(wire.InvalidValue, `"`, clip(stray), `" is no column of the table "`, t.Name, `", and "`,
			t.Columns[rest].Name, `", where it would go, is in the message itself`)
	}
	v, err := t.Columns[rest].value(others.B)
	if err != nil {
		return nil, err
	}
	return t.recorded(append(changes, Change{rest, v}))
}

// recorded is fill for a message.
func (t *Table) recorded(changes []Change) ([]Value, error) {
	row, err := t.fill(changes)
	if err != nil {
		return nil, err
	}
	for i := range row {
		if c := &t.Columns[i]; c.OwnerSets && c.Required && row[i].IsNull() { // CheckRecord says so before
			return nil, wire.E(wire.InvalidValue, `no message can become a row of the table "`, t.Name,
				`": a column that only the site's owner sets is required and has no default`)
		}
	}
	return row, nil
}

// rest returns the column for what is no column, or -1.
func (t *Table) rest() int {
	only := -1
	for i, c := range t.Columns {
		if c.Type != JSON || t.visitor && c.OwnerSets {
			continue
		}
		if c.Name == RestColumn {
			return i
		}
		if only >= 0 {
			only = -2
		} else if only == -1 {
			only = i
		}
	}
	return max(only, -1)
}
