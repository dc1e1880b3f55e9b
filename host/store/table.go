package store

import (
	"strings"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
)

// userTables are the users' tables by name. The map is replaced, never changed.
type userTables struct {
	now atomic.Pointer[map[string]*table]
}

// get returns a table, nil when there is none of the name.
func (u *userTables) get(name string) *table {
	if m := u.now.Load(); m != nil {
		return (*m)[name]
	}
	return nil
}

// table is one of the users' tables, with the parts of SQL that it is always used with. All names in
// SQL text come from here; everything else is bound.
type table struct {
	*data.Table
	name    string   // quoted, as are the following
	columns []string // in the order of data.Table.Columns
	insert  string   // the statement
	source  string   // what stands behind FROM
	view    *view    // nil for a table that holds rows
	reads   []string // the tables whose rows its own depend on: itself, or what a view reads
	every   []int    // all columns

	wiring wiring
}

func newTable(t *data.Table) *table {
	u := &table{Table: t, name: quote(t.Name)}
	u.source, u.reads = u.name, []string{t.Name}
	for i, c := range t.Columns {
		u.columns = append(u.columns, quote(c.Name))
		u.every = append(u.every, i)
	}
	u.insert = "INSERT INTO " + u.name + " (" + strings.Join(u.columns, ", ") + ") VALUES (?" +
		strings.Repeat(", ?", len(u.columns)-1) + ")"
	return u
}

// column returns a column's quoted name.
func (t *table) column(name string) string { return t.columns[t.Lookup(name)] }

// names lists columns for a SELECT, all of them for nil.
func (t *table) names(columns []int) string {
	if columns == nil {
		return strings.Join(t.columns, ", ")
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = t.columns[c]
	}
	return strings.Join(list, ", ")
}

// quote makes a name of it that SQL takes, whatever is in it.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// sqlType returns the type of a STRICT table's column.
func sqlType(t data.Type) string {
	switch t {
	case data.Integer, data.Time, data.Boolean:
		return "INTEGER"
	case data.Real:
		return "REAL"
	case data.Blob:
		return "BLOB"
	}
	return "TEXT"
}

// arg returns a value as it is bound.
func arg(v data.Value) any {
	switch v.Type {
	case data.Integer, data.Time, data.Boolean:
		return v.N
	case data.Real:
		return v.F
	case data.Blob:
		return []byte(v.S)
	case data.Text, data.JSON:
		return v.S
	}
	return nil
}

// value returns column i of a row as a value of a type.
func value(row Row, i int, t data.Type) data.Value {
	if row.Kind(i) == sqlite3.NULL {
		return data.Value{}
	}
	v := data.Value{Type: t}
	switch t {
	case data.Integer, data.Time, data.Boolean:
		v.N = row.Int(i)
	case data.Real:
		v.F = row.Float(i)
	default:
		v.S = string(row.Raw(i))
	}
	return v
}

// viewValue is value for what the SQL of a view makes, which no writing has checked.
func viewValue(row Row, i int, t data.Type) data.Value {
	v := value(row, i, t)
	if why := unfit(&data.Column{Type: t}, v); why != "" && t == data.JSON {
		return data.Value{} // as it is with numbers that JSON cannot say
	}
	return v
}

// read appends the values of some columns, of all for nil, to dst.
func (t *table) read(dst []data.Value, row Row, columns []int) []data.Value {
	of := value
	if t.view != nil {
		of = viewValue
	}
	if columns == nil {
		columns = t.every
	}
	for i, c := range columns {
		dst = append(dst, of(row, i, t.Columns[c].Type))
	}
	return dst
}
