package store

import (
	"maps"
	"slices"
	"strings"

	"goop/shared/data"
)

// Names of our indexes; no table's name begins like that.
const (
	indexPrefix  = "_ix."
	uniquePrefix = "_uq."
)

// index is an index that a table has to have.
type index struct {
	columns []string
	unique  bool
	says    string // of a unique one: what it is called in what people read
}

// indexes makes the indexes that are missing and drops those that nobody asks for. Rows that have the same
// where they must not are what stands in the way.
func (s *schema) indexes(t *table) error {
	wanted := indexesOf(t)
	if err := s.dropIndexes(t, func(name string) bool { _, ok := wanted[name]; return !ok }); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		there, err := s.tx.Number("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?", name)
		if err != nil {
			return err
		}
		if there == 0 {
			if err := s.index(t, name, wanted[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// index makes one index.
func (s *schema) index(t *table, name string, ix index) error {
	quoted := make([]string, len(ix.columns))
	for i, c := range ix.columns {
		quoted[i] = t.column(c)
	}
	columns := strings.Join(quoted, ", ")
	create := "CREATE INDEX "
	if ix.unique {
		create = "CREATE UNIQUE INDEX "
		id := t.columns[0]
		given := strings.Join(quoted, " IS NOT NULL AND ") + " IS NOT NULL"
		blocks := len(s.blocks)
		what := "a value that another has"
		if len(quoted) > 1 {
			what = "values that another has"
		}
		err := s.blockedBy(t, given+" AND "+id+" NOT IN (SELECT min("+id+") FROM "+t.name+" WHERE "+given+" GROUP BY "+columns+")",
			nil, ix.says+" is unique, and %s "+what)
		if err != nil || len(s.blocks) > blocks {
			return err
		}
	}
	_, err := s.tx.Exec(create + quote(name) + " ON " + t.name + " (" + columns + ")")
	return err
}

// indexesOf returns the indexes that a table has to have, by name: those of goop.json, and those without
// which what is asked for all the time would read all rows.
func indexesOf(t *table) map[string]index {
	out := make(map[string]index)
	add := func(columns ...string) {
		out[indexPrefix+t.Name+"."+strings.Join(columns, ".")] = index{columns: columns}
	}
	for _, ix := range t.Indexes {
		if !ix.Unique {
			add(ix.Columns...)
			continue
		}
		out[uniquePrefix+t.Name+"."+strings.Join(ix.Columns, ".")] = index{ix.Columns, true, "tables." + t.Name + ".indexes: " + strings.Join(ix.Columns, ", ")}
	}
	for _, c := range t.Own() {
		if c.Unique {
			out[uniquePrefix+t.Name+"."+c.Name] = index{[]string{c.Name}, true, "tables." + t.Name + ".columns." + c.Name}
		}
	}
	// One that begins with a column serves it as well.
	begin := func(column string) {
		for _, ix := range out {
			if ix.columns[0] == column {
				return
			}
		}
		add(column)
	}
	if t.MemberOf != "" {
		begin(t.MemberOf)
	}
	for _, c := range t.Own() {
		if c.References != "" { // who removes a row looks for those that lead to it
			begin(c.Name)
		}
	}
	for _, rule := range []data.Rule{t.Access.Read, t.Access.Update, t.Access.Remove} {
		if rule.Who == data.Author {
			begin(data.OwnerColumn)
		}
	}
	for _, c := range asked(t.Access.Read.If) {
		begin(t.Columns[c].Name)
	}
	return out
}

// asked returns the columns of the table itself that a condition compares with the caller or the moment:
// by them rows are found, and the next moment at which others are.
func asked(w *data.Where) (columns []int) {
	if w == nil {
		return nil
	}
	for _, term := range w.Terms {
		columns = append(columns, asked(term)...)
	}
	if w.Against != "" && w.Var == "" && len(w.Via) == 0 && w.Test != data.NotEqual && w.Column != 0 {
		columns = append(columns, w.Column)
	}
	return columns
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
