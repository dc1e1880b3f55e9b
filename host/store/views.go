package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/data"
)

// meParam is the caller's peer id in the SQL of a view.
const meParam = "$me"

// view is what is known of the SQL of a table that holds no rows.
type view struct {
	me, now bool                // it asks for these
	reads   map[string][]string // the columns that it reads, by table
}

// openViews prepares the views of a site on a connection that has its tables. The error names the view and
// has SQLite's words.
func openViews(c *conn, site *data.Site, tables map[string]*table) error {
	c.trial = tables
	defer func() { c.trial, c.noted = nil, nil }()
	for _, t := range site.Views {
		u, err := openView(c, t)
		if err != nil {
			return fmt.Errorf("%s: views.%s.sql: %w", data.SiteFile, t.Name, err)
		}
		tables[t.Name] = u
	}
	return nil
}

// openView checks that the SQL of a view is one SELECT that has the columns which the site's author
// declared, and notes what it reads.
func openView(c *conn, t *data.Table) (*table, error) {
	u := newTable(t)
	u.view = &view{reads: make(map[string][]string)}
	text := strings.TrimRight(t.View.SQL, "; \t\r\n")
	u.source = "(" + text + "\n)" // behind a comment
	c.noted = func(_ sqlite3.AuthorizerActionCode, table, column string) {
		if !slices.Contains(u.view.reads[table], column) {
			u.view.reads[table] = append(u.view.reads[table], column)
		}
	}
	c.mode = author
	defer func() { c.mode = internal }()
	// Alone first: what is put into parentheses must not get out of them.
	for _, sql := range []string{text, "SELECT " + u.names(nil) + " FROM " + u.source + " AS t0"} {
		s, tail, err := c.db.Prepare(sql)
		if err != nil {
			return nil, errors.New(strings.TrimPrefix(err.Error(), "sqlite3: "))
		}
		if s == nil || strings.TrimSpace(tail) != "" || !s.ReadOnly() {
			return nil, errors.Join(errors.New("it is not one SELECT"), s.Close())
		}
		if err := errors.Join(u.view.parameters(s), s.Close()); err != nil {
			return nil, err
		}
	}
	u.reads = slices.Sorted(maps.Keys(u.view.reads))
	return u, nil
}

// parameters notes what the SQL asks for.
func (v *view) parameters(s *sqlite3.Stmt) error {
	for i := 1; i <= s.BindCount(); i++ {
		switch name := s.BindName(i); name {
		case meParam:
			v.me = true
		case nowParam:
			v.now = true
		default:
			return fmt.Errorf(`there is no parameter %q; there are "$me", the caller's peer id, and "$now", the host's clock`, name)
		}
	}
	return nil
}
