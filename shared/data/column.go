package data

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// OnRemove tells what becomes of a reference when the row that it leads to is removed.
type OnRemove string

const (
	Clear   OnRemove = "clear"   // it becomes null; the default of a column that is not required
	Cascade OnRemove = "cascade" // its row is removed too
	Keep    OnRemove = "keep"    // it stays, and leads nowhere; the default of a column that is required
)

var removals = []OnRemove{Clear, Cascade, Keep}

// Column is one column of a table.
type Column struct {
	Name      string
	Type      Type
	Required  bool // never null
	Default   Value
	Unique    bool
	Min, Max  Value // of an integer, real or time; null for no bound
	MaxLength int   // characters of a text, bytes of a blob or json; 0 for no bound
	Enum      []Value
	ReadOnly  bool // set by the host alone

	References string   // the table whose _id an integer column holds, or ""
	OnRemove   OnRemove // of a reference
	Hidden     bool     // for all but the site's owner there is no such column
	OwnerSets  bool     // only the site's owner sets it; others get its default
	Fixed      bool     // set in a new row, and then by the site's owner alone

	// omitNull leaves the column out of a row in which it is null, unless it was asked for.
	omitNull bool
}

// check tells why v may not stand in the column; v is of the column's type, or null.
func (c *Column) check(v Value) error {
	if v.IsNull() {
		if c.Required {
			return expected("a value, since the column is required")
		}
		return nil
	}
	switch {
	case !c.Min.IsNull() && compare(v, c.Min) < 0:
		return expected(fmt.Sprintf("at least %s, got %s", c.Min.Append(nil), v.Append(nil)))
	case !c.Max.IsNull() && compare(v, c.Max) > 0:
		return expected(fmt.Sprintf("at most %s, got %s", c.Max.Append(nil), v.Append(nil)))
	case len(c.Enum) > 0 && !slices.Contains(c.Enum, v):
		return expected(fmt.Sprintf("one of %s, got %s", list(c.Enum), describe(v.Append(nil))))
	}
	if c.MaxLength > 0 {
		n, unit := len(v.S), "bytes"
		if c.Type == Text {
			n, unit = utf8.RuneCountInString(v.S), "characters"
		}
		if n > c.MaxLength {
			return expected(fmt.Sprintf("at most %d %s, got %d", c.MaxLength, unit, n))
		}
	}
	return nil
}

// list shows the values of an enum, as many as fit an error.
func list(vs []Value) string {
	const most = 10
	var b []byte
	for i, v := range vs {
		if i == most {
			return string(b) + ", …"
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, v.Append(nil)...)
	}
	return string(b)
}
