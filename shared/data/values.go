package data

import (
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
// as the table's Columns do; those of the host are null. The error is a *wire.Error with code
// no_such_column or invalid_value.
func (t *Table) NewRow(values []byte) ([]Value, error) {
	changes, err := t.Changes(values)
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
		if row[i].IsNull() && c.Required {
			return nil, wire.E(wire.InvalidValue, `column "`, c.Name, `" is required`)
		}
	}
	return row, nil
}

// Changes reads new values for some columns and checks them. The error is a *wire.Error with code
// no_such_column or invalid_value.
func (t *Table) Changes(values []byte) ([]Change, error) {
	var out []Change
	var seen names
	for m := jsontext.MembersOf(values); m.Next(); {
		i, err := t.lookup(string(m.Key))
		if err != nil {
			return nil, err
		}
		if !seen.add(string(m.Key)) {
			return nil, wire.E(wire.InvalidValue, `column "`, string(m.Key), `" stands twice`)
		}
		v, err := t.Columns[i].value(m.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, Change{i, v})
	}
	return out, nil
}

// value reads and checks a value that a member wants to write.
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

// Recorded makes the row of a group's message, as NewRow does. The package comment says what goes where.
func (t *Table) Recorded(id wire.GroupID, payload []byte) ([]Value, error) {
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
		return t.fill(append(changes, Change{rest, v}))
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
		v, err := t.Columns[i].value(m.Value)
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{i, v})
	}
	others.End('}')
	if strays == 0 {
		return t.fill(changes)
	}
	if named {
		return nil, wire.E(wire.InvalidValue, `"`, clip(stray), `" is no column of the table "`, t.Name, `", and "`,
			t.Columns[rest].Name, `", where it would go, is in the message itself`)
	}
	v, err := t.Columns[rest].value(others.B)
	if err != nil {
		return nil, err
	}
	return t.fill(append(changes, Change{rest, v}))
}

// rest returns the column for what is no column, or -1.
func (t *Table) rest() int {
	only := -1
	for i, c := range t.Columns {
		if c.Type != JSON {
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
