package data

import (
	"slices"

	"goop/shared/group"
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

	at       map[string]int // Columns by name; without the hidden ones, in a table for visitors
	visitors *Table         // the table as all but the site's owner know it; nil when that is the same
	visitor  bool           // this is such a one
	shown    []int          // the columns of a row for which no columns were named; nil for all
}

// Index is a list of columns that are searched or ordered by together.
type Index struct {
	Columns []string // _owner and _created_at may be among them
	Unique  bool     // no two rows have the same values in all of them; null is like no other
}

// View is how the rows of a table that holds none come about.
type View struct {
	// SQL is one SELECT, by the site's author, without a semicolon behind it; it may end in a comment. It has a column _id, which is unique, and those of the
	// table; $me and $now are the caller's peer id and the host's clock.
	SQL string
}

// NewTable makes a table with the author's columns; the host's are put around them. The names and
// rules are those that ParseSite would accept.
func NewTable(name string, columns []Column, indexes []Index, memberOf string, access Access) *Table {
	return newTable(&Table{Name: name, Columns: withSystem(columns), Indexes: indexes, MemberOf: memberOf, Access: access})
}

// withSystem puts the host's columns around the author's.
func withSystem(columns []Column) []Column {
	all := make([]Column, 0, len(columns)+5)
	all = append(all, Column{Name: IDColumn, Type: Integer, ReadOnly: true})
	all = append(all, columns...)
	return append(all,
		Column{Name: OwnerColumn, Type: Text, ReadOnly: true},
		Column{Name: CreatedColumn, Type: Time, ReadOnly: true},
		Column{Name: UpdatedColumn, Type: Time, ReadOnly: true},
		Column{Name: SeqColumn, Type: Integer, ReadOnly: true, omitNull: true})
}

func newTable(t *Table) *Table {
	named(t).visitors = t.twin()
	return t
}

// named has the columns found by their names.
func named(t *Table) *Table {
	t.at = make(map[string]int, len(t.Columns))
	for i, c := range t.Columns {
		t.at[c.Name] = i
	}
	return t
}

// twin makes the table as visitors know it, nil when no column is another for them than for the owner.
func (t *Table) twin() *Table {
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Hidden || c.OwnerSets || c.Fixed }) {
		return nil
	}
	v := *t
	v.visitor, v.at = true, make(map[string]int, len(t.Columns))
	var shown []int
	for i, c := range t.Columns {
		if !c.Hidden {
			v.at[c.Name] = i
			shown = append(shown, i)
		}
	}
	if len(shown) < len(t.Columns) {
		v.shown = shown
	}
	v.Indexes = slices.DeleteFunc(slices.Clone(t.Indexes), func(ix Index) bool {
		return slices.ContainsFunc(ix.Columns, func(name string) bool { return v.Lookup(name) < 0 })
	})
	return &v
}

// For returns the table as a caller may know it. All but the site's owner get one in which hidden columns
// have no name, so that no request finds them, and into which they cannot write what the owner sets. Its
// Columns are the same ones at the same places.
func (t *Table) For(c group.Caller) *Table {
	if c.Owner || t.visitors == nil {
		return t
	}
	return t.visitors
}

// Shown returns the columns, rising, of a row for which none were named; nil for all.
func (t *Table) Shown() []int { return t.shown }

// all reports whether columns are those of a row for which none were named.
func (t *Table) all(columns []int) bool {
	if columns == nil {
		return true
	}
	shown := t.shown
	if t.visitors != nil {
		shown = t.visitors.shown
	}
	return len(shown) > 0 && &columns[0] == &shown[0]
}

// Lookup returns the place of a column in t.Columns, and -1 when there is none, or none that a caller of
// such a table may know of.
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
	var names []string
	for _, c := range t.Columns {
		if _, known := t.at[c.Name]; known {
			names = append(names, c.Name)
		}
	}
	return -1, wire.E(wire.NoSuchColumn, `table "`, t.Name, `" has no column "`, clip(name), `"`, suggest(name, names))
}
