package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Names of what belongs to full-text search; no table's name begins like that, nor has a dot in it, so that
// the tables that FTS5 makes beside its own meet no other table's.
const (
	searchPrefix = "_fts."
	searchSuffix = ".words"
)

// searchTable returns the name of the table that has the words of a table's search columns: rows by the
// same id, to be asked with MATCH, and with the column rank. It holds no texts, and so what is asked of it
// is an id or a rank.
func searchTable(table string) string { return searchPrefix + table + searchSuffix }

// search makes the table of words what the site asks for. Where the list of columns is another one than at
// the last start, all rows are read anew.
func (s *schema) search(t *table) error {
	wanted := searchObjects(t)
	have := make(map[string]string)
	for row, err := range s.tx.Query(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1
		OR type = 'table' AND name = ?2`, t.Name, searchTable(t.Name)) {
		if err != nil {
			return err
		}
		have[row.Text(0)] = row.Text(1)
	}
	same := len(have) == len(wanted)
	for _, o := range wanted {
		same = same && have[o.name] == o.sql
	}
	if same {
		return nil
	}
	if err := s.dropSearch(t.Name); err != nil {
		return err
	}
	if len(wanted) == 0 {
		return nil
	}
	for _, o := range wanted {
		if _, err := s.tx.Exec(o.sql); err != nil {
			return err
		}
	}
	words := quote(searchTable(t.Name))
	// What was removed must not be found in the file either.
	if _, err := s.tx.Exec("INSERT INTO " + words + " (" + words + ", rank) VALUES ('secure-delete', 1)"); err != nil {
		return err
	}
	_, err := s.tx.Exec("INSERT INTO " + words + " (rowid, " + wordColumns(len(t.Search)) + ") SELECT " +
		t.columns[0] + ", " + searched(t, "") + " FROM " + t.name)
	return err
}

// object is something in the database's schema, and the statement that makes it.
type object struct{ name, sql string }

// searchObjects returns the table of words and the triggers that keep it, none for a table without search.
//
// The columns have names of our own, since FTS5 takes some for itself. The table has no content: the
// triggers tell it what to forget in the very words in which it was told.
func searchObjects(t *table) []object {
	if len(t.Search) == 0 {
		return nil
	}
	name := searchTable(t.Name)
	words := quote(name)
	columns := wordColumns(len(t.Search))
	forget := "INSERT INTO " + words + " (" + words + ", rowid, " + columns + ") VALUES ('delete', old." + t.columns[0] + ", " + searched(t, "old.") + ");"
	add := "INSERT INTO " + words + " (rowid, " + columns + ") VALUES (new." + t.columns[0] + ", " + searched(t, "new.") + ");"
	trigger := func(what, when, do string) object {
		trigger := searchPrefix + t.Name + "." + what
		return object{trigger, "CREATE TRIGGER " + quote(trigger) + " AFTER " + when + " ON " + t.name + " BEGIN " + do + " END"}
	}
	return []object{
		{name, "CREATE VIRTUAL TABLE " + words + " USING fts5(" + columns + ", content='', tokenize='unicode61 remove_diacritics 2')"},
		trigger("insert", "INSERT", add),
		trigger("update", "UPDATE OF "+t.columns[0]+", "+searched(t, ""), forget+" "+add), // the site's owner may change an _id
		trigger("remove", "DELETE", forget),
	}
}

// searched lists the search columns, each with a prefix.
func searched(t *table, prefix string) string {
	list := make([]string, len(t.Search))
	for i, c := range t.Search {
		list[i] = prefix + t.column(c)
	}
	return strings.Join(list, ", ")
}

// wordColumns lists the names of n columns of a table of words.
func wordColumns(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "c" + strconv.Itoa(i)
	}
	return strings.Join(list, ", ")
}

// dropSearch drops a table's words and triggers, as far as they are there.
func (s *schema) dropSearch(table string) error {
	for _, what := range []string{"insert", "update", "remove"} {
		if _, err := s.tx.Exec("DROP TRIGGER IF EXISTS " + quote(searchPrefix+table+"."+what)); err != nil {
			return err
		}
	}
	if _, err := s.tx.Exec("DROP TABLE IF EXISTS " + quote(searchTable(table))); err != nil {
		return fmt.Errorf("drop its words: %w", err)
	}
	return nil
}
