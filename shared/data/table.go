package data

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"goop/shared/wire"
)

// Names of the columns that the host keeps in every table.
const (
	IDColumn      = "_id"         // integer, rises with the time of the insert
	OwnerColumn   = "_owner"      // peer id of whoever inserted the row, or sent the recorded message
	CreatedColumn = "_created_at" // time
	UpdatedColumn = "_updated_at" // time
	SeqColumn     = "_seq"        // integer: the entry of the group's log that the row was recorded from
)

// Table is the shape of one table, or of a view. It does not change once it is made, and may be used from
// many goroutines.
type Table struct {
	Name     string
	Columns  []Column // all, in the order in which a row shows them; _id is the first
	Indexes  []Index
	MemberOf string // the text column that names the row's group, or ""
	Access   Access
	Search   []string // the text columns whose words are indexed, or nil
	View     *View    // nil for a table that holds rows

	at map[string]int // Columns by name
}

// Index is a list of columns that are searched or ordered by together.
type Index struct {
	Columns []string // _owner may be one
	Unique  bool     // no two rows have the same values in all of them; null is like no other
}

// View is how the rows of a table that holds none come about.
type View struct {
	// SQL is one SELECT, by the site's author. It has a column _id, which is unique, and those of the
	// table; $me and $now are the caller's peer id and the host's clock.
	SQL string
}

// OnRemove tells what becomes of a reference when the row that it leads to is removed.
type OnRemove string

const (
	Clear   OnRemove = "clear"   // it becomes null; the default of a column that is not required
	Cascade OnRemove = "cascade" // its row is removed too
	Keep    OnRemove = "keep"    // it stays, and leads nowhere; the default of a column that is required
)

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

// NewTable makes a table with the author's columns; the host's are put around them. The names and
// rules are those that ParseSite would accept.
func NewTable(name string, columns []Column, indexes []Index, memberOf string, access Access) *Table {
	all := make([]Column, 0, len(columns)+5)
	all = append(all, Column{Name: IDColumn, Type: Integer, ReadOnly: true})
	all = append(all, columns...)
	all = append(all,
		Column{Name: OwnerColumn, Type: Text, ReadOnly: true},
		Column{Name: CreatedColumn, Type: Time, ReadOnly: true},
		Column{Name: UpdatedColumn, Type: Time, ReadOnly: true},
		Column{Name: SeqColumn, Type: Integer, ReadOnly: true, omitNull: true})
	return newTable(&Table{Name: name, Columns: all, Indexes: indexes, MemberOf: memberOf, Access: access})
}

func newTable(t *Table) *Table {
	t.at = make(map[string]int, len(t.Columns))
	for i, c := range t.Columns {
		t.at[c.Name] = i
	}
	return t
}

// Lookup returns the place of a column in t.Columns, and -1 when there is none.
func (t *Table) Lookup(name string) int {
	if i, ok := t.at[name]; ok {
		return i
	}
	return -1
}

// Own returns the columns that the site's author declared.
func (t *Table) Own() []Column {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return c.Name[0] == '_' })
}

// lookup is Lookup with the error that a member gets.
func (t *Table) lookup(name string) (int, error) {
	if i, ok := t.at[name]; ok {
		return i, nil
	}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return -1, wire.E(wire.NoSuchColumn, `table "`, t.Name, `" has no column "`, clip(name), `"`, suggest(name, names))
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
