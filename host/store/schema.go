package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"goop/shared/data"
	"goop/shared/jsontext"
)

// Names of our indexes; no table's name begins like that.
const (
	indexPrefix  = "_ix."
	uniquePrefix = "_uq."
)

// SchemaError tells in what a site's tables do not fit the rows that are stored. Nothing was changed.
type SchemaError struct{ Differences []string }

func (e *SchemaError) Error() string {
	return data.SiteFile + " does not fit the rows that are stored: " + strings.Join(e.Differences, "; ") +
		" (change " + data.SiteFile + " back, or remove what stands in the way first; nothing was changed)"
}

// OpenTables brings the users' tables to what the site declares: tables, columns and indexes that are
// new are added, and those that are gone are dropped when there is nothing in them. What would lose a
// value, or leave one that the site does not allow, is a *SchemaError, and then nothing is changed. Until
// OpenTables has returned there are no users' tables.
func (db *DB) OpenTables(ctx context.Context, site *data.Site) error {
	m := make(map[string]*table)
	err := db.Write(ctx, func(tx *Tx) error {
		// Making an index may take longer than a member's write may.
		defer tx.c.db.SetInterrupt(tx.c.db.SetInterrupt(ctx))
		s := schema{tx: tx}
		if err := s.apply(site.Tables); err != nil {
			return err
		}
		if len(s.differences) > 0 {
			return &SchemaError{s.differences}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range site.Tables {
		m[t.Name] = newTable(t)
	}
	db.users.now.Store(&m)
	return nil
}

// schema changes the users' tables in one transaction, which is undone when there are differences.
type schema struct {
	tx          *Tx
	differences []string
}

func (s *schema) differ(format string, args ...any) {
	s.differences = append(s.differences, fmt.Sprintf(format, args...))
}

// stored is a column as it was declared at the last start.
type stored struct {
	name string
	typ  data.Type
}

func (s *schema) apply(tables []*data.Table) error {
	before, err := s.stored()
	if err != nil {
		return err
	}
	var gone []string
	for name := range before {
		if !slices.ContainsFunc(tables, func(t *data.Table) bool { return t.Name == name }) {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		if err := s.drop(name); err != nil {
			return err
		}
	}
	for _, t := range tables {
		u := newTable(t)
		if columns, ok := before[t.Name]; ok {
			err = s.alter(u, columns)
		} else {
			err = s.create(u)
		}
		if err == nil {
			err = s.constraints(u)
		}
		if err == nil {
			_, err = s.tx.Exec("INSERT OR REPLACE INTO _tables (name, definition) VALUES (?, ?)", t.Name, definition(t))
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// stored returns the tables of the last start.
func (s *schema) stored() (map[string][]stored, error) {
	out := make(map[string][]stored)
	for row, err := range s.tx.Query("SELECT name, definition FROM _tables") {
		if err != nil {
			return nil, err
		}
		var columns []stored
		for m := jsontext.MembersOf(row.Bytes(1)); m.Next(); {
			t, err := jsontext.Str(m.Value)
			if err != nil {
				return nil, fmt.Errorf("definition of table %s: %w", row.Text(0), err)
			}
			columns = append(columns, stored{string(m.Key), data.Type(t)})
		}
		out[row.Text(0)] = columns
	}
	return out, nil
}

// definition returns the columns that the author declared and their types, as _tables keeps them.
func definition(t *data.Table) string {
	w := jsontext.Writer{}
	w.Begin('{')
	for _, c := range t.Own() {
		w.Key(c.Name)
		w.Str(string(c.Type))
	}
	w.End('}')
	return string(w.B)
}

func (s *schema) create(t *table) error {
	columns := []string{t.columns[0] + " INTEGER PRIMARY KEY"}
	for i, c := range t.Columns {
		switch {
		case i == 0:
		case c.Name == data.OwnerColumn || c.Name == data.CreatedColumn || c.Name == data.UpdatedColumn:
			columns = append(columns, t.columns[i]+" "+sqlType(c.Type)+" NOT NULL")
		default:
			columns = append(columns, t.columns[i]+" "+sqlType(c.Type))
		}
	}
	_, err := s.tx.Exec("CREATE TABLE " + t.name + " (" + strings.Join(columns, ", ") + ") STRICT")
	return err
}

// drop drops a table that the site no longer has, when it is empty.
func (s *schema) drop(name string) error {
	n, err := s.tx.Number("SELECT count(*) FROM " + quote(name))
	if err != nil {
		return err
	}
	if n > 0 {
		s.differ("tables.%s is gone, and holds %s", name, rows(n))
		return nil
	}
	if _, err := s.tx.Exec("DROP TABLE " + quote(name)); err != nil {
		return err
	}
	_, err = s.tx.Exec("DELETE FROM _tables WHERE name = ?", name)
	return err
}

// alter adds and drops columns.
func (s *schema) alter(t *table, before []stored) error {
	var drop []string
	add := t.Own()
	for _, old := range before {
		i := t.Lookup(old.name)
		if i >= 0 && t.Columns[i].Type == old.typ {
			add = slices.DeleteFunc(add, func(c data.Column) bool { return c.Name == old.name })
			continue
		}
		n, err := s.tx.Number("SELECT count(*) FROM " + t.name + " WHERE " + quote(old.name) + " IS NOT NULL")
		switch {
		case err != nil:
			return err
		case n == 0:
			drop = append(drop, old.name)
		case i < 0:
			s.differ("tables.%s.columns.%s is gone, and %s a value in it", t.Name, old.name, have(n))
		default:
			s.differ("tables.%s.columns.%s was %s and is now %s, and %s a value in it", t.Name, old.name, old.typ, t.Columns[i].Type, have(n))
		}
	}
	if len(s.differences) > 0 { // all of it will be undone, and the columns are not what comes next expects
		return nil
	}
	if len(drop) > 0 { // SQLite drops no column that is in an index
		if err := s.dropIndexes(t, func(string) bool { return true }); err != nil {
			return err
		}
	}
	for _, name := range drop {
		if _, err := s.tx.Exec("ALTER TABLE " + t.name + " DROP COLUMN " + quote(name)); err != nil {
			return err
		}
	}
	for _, c := range add {
		if _, err := s.tx.Exec("ALTER TABLE " + t.name + " ADD COLUMN " + quote(c.Name) + " " + sqlType(c.Type)); err != nil {
			return err
		}
		if c.Default.IsNull() {
			continue
		}
		if _, err := s.tx.Exec("UPDATE "+t.name+" SET "+quote(c.Name)+" = ?", arg(c.Default)); err != nil {
			return err
		}
	}
	return nil
}

// constraints makes the indexes, and looks for rows that are not what required and unique ask for.
// What else a column allows is checked when a value is written.
func (s *schema) constraints(t *table) error {
	if len(s.differences) > 0 {
		return nil
	}
	for _, c := range t.Own() {
		if !c.Required {
			continue
		}
		n, err := s.tx.Number("SELECT count(*) FROM " + t.name + " WHERE " + quote(c.Name) + " IS NULL")
		if err != nil {
			return err
		}
		if n > 0 {
			s.differ("tables.%s.columns.%s is required, and %s no value in it", t.Name, c.Name, have(n))
		}
	}
	for _, c := range t.Own() {
		if !c.Unique {
			continue
		}
		n, err := s.tx.Number("SELECT count(*) - count(DISTINCT " + quote(c.Name) + ") FROM " + t.name + " WHERE " + quote(c.Name) + " IS NOT NULL")
		if err != nil {
			return err
		}
		if n > 0 {
			s.differ("tables.%s.columns.%s is unique, and %s a value that another has", t.Name, c.Name, have(n))
		}
	}
	if len(s.differences) > 0 {
		return nil
	}
	wanted := indexes(t)
	if err := s.dropIndexes(t, func(name string) bool { _, ok := wanted[name]; return !ok }); err != nil {
		return err
	}
	for name, sql := range wanted {
		if _, err := s.tx.Exec(strings.Replace(sql, "?", quote(name), 1)); err != nil {
			return err
		}
	}
	return nil
}

// indexes returns the indexes that a table has to have: by name, the statement that makes one, with a
// question mark for the name.
func indexes(t *table) map[string]string {
	out := make(map[string]string)
	index := func(columns ...string) {
		quoted := make([]string, len(columns))
		for i, c := range columns {
			quoted[i] = t.column(c)
		}
		out[indexPrefix+t.Name+"."+strings.Join(columns, ".")] =
			"CREATE INDEX IF NOT EXISTS ? ON " + t.name + " (" + strings.Join(quoted, ", ") + ")"
	}
	for _, ix := range t.Indexes {
		index(ix.Columns...)
	}
	if t.MemberOf != "" && !slices.ContainsFunc(t.Indexes, func(ix data.Index) bool { return ix.Columns[0] == t.MemberOf }) {
		index(t.MemberOf)
	}
	for _, rule := range []data.Rule{t.Access.Read, t.Access.Update, t.Access.Remove} {
		if rule.Who == data.Author {
			index(data.OwnerColumn)
		}
	}
	for _, c := range t.Own() {
		if c.Unique {
			out[uniquePrefix+t.Name+"."+c.Name] = "CREATE UNIQUE INDEX IF NOT EXISTS ? ON " + t.name + " (" + quote(c.Name) + ")"
		}
	}
	return out
}

func (s *schema) dropIndexes(t *table, which func(name string) bool) error {
	var names []string
	for row, err := range s.tx.Query("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", t.Name) {
		if err != nil {
			return err
		}
		if name := row.Text(0); which(name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if _, err := s.tx.Exec("DROP INDEX " + quote(name)); err != nil {
			return err
		}
	}
	return nil
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.FormatInt(n, 10) + " rows"
}

func have(n int64) string {
	if n == 1 {
		return "1 row has"
	}
	return strconv.FormatInt(n, 10) + " rows have"
}
