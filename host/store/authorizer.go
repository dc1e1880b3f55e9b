package store

import (
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// mode tells on whose behalf a statement is prepared, and so what it may do: a second wall behind the
// builder of queries, in which a mistake would otherwise show what is nobody's business.
type mode byte

const (
	internal mode = iota // the store's own
	member               // made by the builder for a caller
	author               // with SQL by the site's author, for a caller: that of a view
	boss                 // by the site's owner
)

// memberFunctions are those that the builder uses.
var memberFunctions = map[string]bool{
	"goop_like": true, "goop_contains": true, "match": true,
	"count": true, "sum": true, "min": true, "max": true, "avg": true,
}

// strangeFunctions are those of SQLite and its extensions that reach out of the database or into its
// machinery. Some of them are not there, and would not be missed.
var strangeFunctions = []string{"load_extension", "edit", "readfile", "writefile", "fts", "sqlite_"}

// moduleTables are tables that SQLite makes of a function's arguments.
var moduleTables = map[string]bool{"json_each": true, "json_tree": true}

// authorize is asked by SQLite about each thing that a statement would do, when it is prepared.
func (c *conn) authorize(action sqlite3.AuthorizerActionCode, name, second, _, trigger string) sqlite3.AuthorizerReturnCode {
	if c.mode == internal || c.allows(action, name, second, trigger) {
		if action == sqlite3.AUTH_DELETE && c.mode == boss {
			return sqlite3.AUTH_IGNORE // it is done, but row by row, so that the update hook is told
		}
		return sqlite3.AUTH_OK
	}
	return sqlite3.AUTH_DENY
}

func (c *conn) allows(action sqlite3.AuthorizerActionCode, name, second, trigger string) bool {
	switch action {
	case sqlite3.AUTH_SELECT:
		return true
	case sqlite3.AUTH_RECURSIVE:
		return c.mode != member
	case sqlite3.AUTH_FUNCTION:
		if c.mode == member {
			return memberFunctions[second]
		}
		return !slices.ContainsFunc(strangeFunctions, func(s string) bool { return strings.HasPrefix(strings.ToLower(second), s) })
	case sqlite3.AUTH_READ:
		if moduleTables[name] || c.isSearch(name) {
			return true
		}
		if !c.has(name) {
			return false
		}
		if c.noted != nil {
			c.noted(action, name, second)
		}
		return true
	case sqlite3.AUTH_PRAGMA: // FTS5 asks whether its table has changed
		return name == "data_version" && second == ""
	case sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE:
		if c.mode != boss {
			return false
		}
		if c.isSearch(name) {
			// Its triggers write to the table of words, and FTS5 to the tables behind that one, which
			// SQLite lets nobody else write to.
			return trigger != "" || !strings.HasSuffix(name, searchSuffix)
		}
		if !c.has(name) {
			return false
		}
		if c.noted != nil {
			c.noted(action, name, second)
		}
		return true
	}
	return false
}

// has reports whether a table is one of the site's, which are the only ones to which statements that are
// not the store's own have access.
func (c *conn) has(table string) bool {
	if c.trial != nil {
		return c.trial[table] != nil && c.trial[table].View == nil
	}
	if c.users == nil {
		return false
	}
	t := c.users.get(table)
	return t != nil && t.View == nil
}

// isSearch reports whether a table holds words of one of the site's tables, or is one of those in which FTS5
// keeps them.
func (c *conn) isSearch(name string) bool {
	rest, ok := strings.CutPrefix(name, searchPrefix)
	if !ok {
		return false
	}
	table, _, _ := strings.Cut(rest, ".")
	return c.has(table)
}
