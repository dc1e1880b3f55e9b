package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"goop/shared/data"
	"goop/shared/wire"
)

// TableRows counts the rows of the site's tables, by name.
func (db *DB) TableRows(ctx context.Context) (map[string]int64, error) {
	out := make(map[string]int64)
	err := db.snapshot(ctx, func(c *conn) (err error) {
		for name, t := range db.users.stored() {
			if out[name], err = c.number("SELECT count(*) FROM " + t.name); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// stored returns the tables that hold rows.
func (u *userTables) stored() map[string]*table {
	out := make(map[string]*table)
	if m := u.now.Load(); m != nil {
		for name, t := range *m {
			if t.View == nil {
				out[name] = t
			}
		}
	}
	return out
}

// Export calls fn with each row of some tables, of all when none are named, one table after the other in
// the order of their names and its rows in that of their ids, as they are at one moment. The row is JSON
// with all columns, and is nil once before the rows of a table. The error may be fn's.
func (db *DB) Export(ctx context.Context, names []string, fn func(table string, row []byte) error) error {
	tables := db.users.stored()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(tables))
	}
	for _, name := range names {
		if tables[name] == nil {
			return noTable(name, tables)
		}
	}
	return db.snapshot(ctx, func(c *conn) error {
		for _, name := range names {
			if err := fn(name, nil); err != nil {
				return err
			}
			t := tables[name]
			var values []data.Value
			for row, err := range c.query("SELECT "+t.names(nil)+" FROM "+t.name+" ORDER BY "+t.columns[0], nil) {
				if err != nil {
					return err
				}
				values = t.read(values[:0], row, nil)
				if err := fn(name, t.Row(nil, values).JSON); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// noTable tells which tables there are.
func noTable(name string, tables map[string]*table) error {
	if len(tables) == 0 {
		return wire.E(wire.NoSuchTable, `there is no table "`, name, `": the site has no tables`)
	}
	return wire.E(wire.NoSuchTable, `there is no table "`, name, `"; there are `, strings.Join(slices.Sorted(maps.Keys(tables)), ", "))
}
