package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"goop/shared/data"
	"goop/shared/jsontext"
)

// SchemaError tells in what a site's tables do not fit the rows that are stored. Nothing was changed.
type SchemaError struct {
	Differences []string
	// Lossy is true when nothing but values that would be lost stands in the way: a migration that may
	// lose them can do it. Otherwise rows have to be changed first.
	Lossy bool
}

func (e *SchemaError) Error() string {
	return data.SiteFile + " does not fit the rows that are stored: " + strings.Join(e.Differences, "; ")
}

// OpenTables brings the users' tables to what the site declares: tables, columns and indexes that are
// new are added, and those that are gone are dropped when there is nothing in them. What would lose a
// value, or leave one that the site does not allow, is a *SchemaError, and then nothing is changed. Until
// OpenTables has returned there are no users' tables.
func (db *DB) OpenTables(ctx context.Context, site *data.Site) error {
	var m map[string]*table
	err := db.Write(ctx, func(tx *Tx) error {
		tx.takeTime(ctx) // making an index may take long
		s := schema{tx: tx}
		if err := s.apply(site.Tables); err != nil {
			return err
		}
		if stands := slices.Concat(s.losses, s.blocks); len(stands) > 0 {
			return &SchemaError{stands, len(s.blocks) == 0}
		}
		m = tablesOf(site)
		return openViews(tx.c, site, m)
	})
	if err != nil {
		return err
	}
	connectTables(m)
	db.users.now.Store(&m)
	return nil
}

// tablesOf returns the tables of a site that hold rows, by name.
func tablesOf(site *data.Site) map[string]*table {
	m := make(map[string]*table)
	for _, t := range site.Tables {
		m[t.Name] = newTable(t)
	}
	return m
}

// schema changes the users' tables in one transaction. It does all that the site asks for and tells what
// that was; whether it may is its caller's to say, who undoes the transaction otherwise.
type schema struct {
	tx      *Tx
	changes []string // what was added, or dropped with nothing in it
	losses  []string // what was lost, or kept in another form
	blocks  []string // what stands in the way
}

func (s *schema) change(format string, args ...any) {
	s.changes = append(s.changes, fmt.Sprintf(format, args...))
}

func (s *schema) lose(format string, args ...any) {
	s.losses = append(s.losses, fmt.Sprintf(format, args...))
}

func (s *schema) block(format string, args ...any) {
	s.blocks = append(s.blocks, fmt.Sprintf(format, args...))
}

// storedTable is a table as it was declared at the last start.
type storedTable struct {
	columns []stored
	checks  map[string]string // by column; see checksOf
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
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if slices.ContainsFunc(tables, func(t *data.Table) bool { return t.Name == name }) {
			continue
		}
		if err := s.drop(name); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	for _, t := range tables {
		old, ok := before[t.Name]
		if err := s.table(newTable(t), old, ok); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// table brings one table to what it has to be.
func (s *schema) table(t *table, old storedTable, exists bool) (err error) {
	blocks := len(s.blocks)
	if exists {
		err = s.alter(t, old.columns, old.checks)
	} else {
		err = s.create(t)
	}
	if err == nil && len(s.blocks) == blocks { // else its columns are not what comes next expects
		err = s.constraints(t, old.checks)
	}
	if err == nil && len(s.blocks) == blocks {
		err = s.indexes(t)
	}
	if err == nil && len(s.blocks) == blocks {
		err = s.search(t)
	}
	if err != nil || exists && definition(t.Table) == old.definition() && maps.Equal(old.checks, checks(t.Table)) {
		return err
	}
	_, err = s.tx.Exec("INSERT OR REPLACE INTO _tables (name, definition, checks) VALUES (?, ?, ?)",
		t.Name, definition(t.Table), texts(checks(t.Table)))
	return err
}

// stored returns the tables of the last start.
func (s *schema) stored() (map[string]storedTable, error) {
	out := make(map[string]storedTable)
	for row, err := range s.tx.Query("SELECT name, definition, checks FROM _tables") {
		if err != nil {
			return nil, err
		}
		t := storedTable{checks: make(map[string]string)}
		read := func(column int, add func(key, value string)) {
			for m := jsontext.MembersOf(row.Bytes(column)); m.Next() && err == nil; {
				var value string
				value, err = jsontext.Str(m.Value)
				add(string(m.Key), value)
			}
		}
		read(1, func(name, typ string) { t.columns = append(t.columns, stored{name, data.Type(typ)}) })
		read(2, func(name, checks string) { t.checks[name] = checks })
		if err != nil {
			return nil, fmt.Errorf("definition of table %s: %w", row.Text(0), err)
		}
		out[row.Text(0)] = t
	}
	return out, nil
}

// definition returns the columns that the author declared and their types, as _tables keeps them.
func definition(t *data.Table) string {
	var columns []stored
	for _, c := range t.Own() {
		columns = append(columns, stored{c.Name, c.Type})
	}
	return storedTable{columns: columns}.definition()
}

func (t storedTable) definition() string {
	w := jsontext.Writer{}
	w.Begin('{')
	for _, c := range t.columns {
		w.Key(c.name)
		w.Str(string(c.typ))
	}
	w.End('}')
	return string(w.B)
}

// checks returns what the author's columns allow, by column.
func checks(t *data.Table) map[string]string {
	out := make(map[string]string)
	for _, c := range t.Own() {
		out[c.Name] = checksOf(&c)
	}
	return out
}

// texts writes a JSON object of texts.
func texts(m map[string]string) string {
	w := jsontext.Writer{}
	w.Begin('{')
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.Key(key)
		w.Str(m[key])
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
	s.change("tables.%s is new", t.Name)
	_, err := s.tx.Exec("CREATE TABLE " + t.name + " (" + strings.Join(columns, ", ") + ") STRICT")
	return err
}

// drop drops a table that the site no longer has.
func (s *schema) drop(name string) error {
	n, err := s.tx.Number("SELECT count(*) FROM " + quote(name))
	if err != nil {
		return err
	}
	if n > 0 {
		s.lose("tables.%s is gone, and holds %s", name, rows(n))
	} else {
		s.change("tables.%s is gone, and was empty", name)
	}
	if err := s.dropSearch(name); err != nil {
		return err
	}
	if _, err := s.tx.Exec("DROP TABLE " + quote(name)); err != nil {
		return err
	}
	_, err = s.tx.Exec("DELETE FROM _tables WHERE name = ?", name)
	return err
}

// alter adds, drops and converts columns. Of a column that is not what it was, checks has nothing then.
func (s *schema) alter(t *table, before []stored, checks map[string]string) error {
	var drop []string
	add := t.Own()
	var convert []stored
	for _, old := range before {
		i := t.Lookup(old.name)
		if i >= 0 && t.Columns[i].Type == old.typ {
			add = slices.DeleteFunc(add, func(c data.Column) bool { return c.Name == old.name })
			continue
		}
		delete(checks, old.name)
		n, err := s.tx.Number("SELECT count(*) FROM " + t.name + " WHERE " + quote(old.name) + " IS NOT NULL")
		switch {
		case err != nil:
			return err
		case n == 0:
			drop = append(drop, old.name)
			if i < 0 {
				s.change("tables.%s.columns.%s is gone, and had no values", t.Name, old.name)
			}
		case i < 0:
			s.lose("tables.%s.columns.%s is gone, and %s a value in it", t.Name, old.name, have(n))
			drop = append(drop, old.name)
		default:
			s.lose("tables.%s.columns.%s was %s and is now %s, and %s a value in it", t.Name, old.name, old.typ, t.Columns[i].Type, have(n))
			convert = append(convert, old)
			add = slices.DeleteFunc(add, func(c data.Column) bool { return c.Name == old.name })
		}
	}
	if len(drop)+len(convert) > 0 { // SQLite drops no column that is in an index or a trigger
		if err := s.dropIndexes(t, func(string) bool { return true }); err != nil {
			return err
		}
		if err := s.dropSearch(t.Name); err != nil {
			return err
		}
	}
	for _, old := range convert {
		if err := s.convert(t, old); err != nil {
			return err
		}
	}
	for _, name := range drop {
		if _, err := s.tx.Exec("ALTER TABLE " + t.name + " DROP COLUMN " + quote(name)); err != nil {
			return err
		}
	}
	for _, c := range add {
		if !slices.ContainsFunc(before, func(old stored) bool { return old.name == c.Name }) {
			s.change("tables.%s.columns.%s is new", t.Name, c.Name)
		} else {
			s.change("tables.%s.columns.%s is now %s, and had no values", t.Name, c.Name, c.Type)
		}
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
