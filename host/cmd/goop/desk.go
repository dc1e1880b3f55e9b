package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"goop/host/control"
	"goop/host/store"
	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// desk does what the goop command asks of the site's tables, as the site's owner: in the running host, or
// on a data folder that no host uses.
type desk struct {
	db     *store.DB
	tables *store.Tables
	site   *data.Site
}

var _ control.Data = (*desk)(nil)

// owner is who asks. A rule of "none" lets nobody through, and so it is not asked by Export and Import.
var owner = group.Caller{Owner: true}

// Tables lists the tables and views.
func (d *desk) Tables(ctx context.Context) ([]control.Table, error) {
	rows, err := d.db.TableRows(ctx)
	if err != nil {
		return nil, err
	}
	list := []control.Table{}
	for _, t := range slices.Concat(d.site.Tables, d.site.Views) {
		c := control.Table{Name: t.Name, Rows: rows[t.Name], View: t.View != nil}
		for _, column := range t.Own() {
			c.Columns = append(c.Columns, column.Name)
			if column.Type == data.Time {
				c.Times = append(c.Times, column.Name)
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// Query returns rows.
func (d *desk) Query(ctx context.Context, request json.RawMessage) ([]json.RawMessage, error) {
	r, err := data.DecodeRequest(request)
	if err != nil {
		return nil, err
	}
	if r.Op != data.OpQuery {
		return nil, wire.E(wire.UnsupportedType, "only queries are asked like this")
	}
	t, err := d.site.Lookup(r.Table)
	if err != nil {
		return nil, err
	}
	if t.Name[0] == '_' {
		return nil, wire.E(wire.NoSuchTable, t.Name, " is no table of the site; goop group list shows the groups, goop group show ID the people of one")
	}
	q, err := t.For(owner).Query(&r)
	if err != nil {
		return nil, err
	}
	page, err := d.tables.Query(ctx, owner, q)
	rows := make([]json.RawMessage, len(page.Rows))
	for i, row := range page.Rows {
		rows[i] = row.JSON
	}
	return rows, err
}

// Export gives out all rows of tables.
func (d *desk) Export(ctx context.Context, tables []string, fn func(table string, row []byte) error) error {
	return d.db.Export(ctx, tables, fn)
}

// Import takes rows into a table.
func (d *desk) Import(ctx context.Context, table string, mode control.ImportMode, rows io.Reader) (control.Imported, error) {
	modes := map[control.ImportMode]store.ImportMode{
		control.ImportNew: store.ImportNew, control.ImportReplace: store.ImportReplace, control.ImportSkip: store.ImportSkip,
	}
	m, ok := modes[mode]
	if !ok {
		return control.Imported{}, wire.E(wire.InvalidValue, "there is no way to import called ", string(mode))
	}
	n, err := d.db.Import(ctx, table, m, rows)
	return control.Imported{Inserted: n.Inserted, Replaced: n.Replaced, Skipped: n.Skipped}, err
}

// withData runs fn with the data of the running host, or of the data folder when there is none.
func withData(ctx context.Context, dir string, fn func(control.Data) error) error {
	client := control.NewClient(dir)
	_, err := client.Status(ctx)
	if err == nil {
		return fn(client)
	}
	if _, ok := errors.AsType[*control.NotRunningError](err); !ok {
		return err
	}
	d, err := openDesk(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(fn(d), d.close())
}

// openDesk opens the data folder with the tables of the last start.
func openDesk(ctx context.Context, dir string) (_ *desk, err error) {
	if _, err := os.Stat(filepath.Join(dir, "goop.db")); err != nil {
		return nil, fmt.Errorf("there is no database in the data folder %s (--data names another one): %w", dir, cause(err))
	}
	d := &desk{}
	if d.db, err = store.Open(ctx, store.Options{Dir: dir}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.site, err = d.db.KeptSite(ctx); err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	if err = d.db.OpenTables(ctx, d.site); err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	d.tables = d.db.Tables(nobody{})
	return d, nil
}

func (d *desk) close() error {
	if d.tables != nil {
		d.tables.Close()
	}
	return d.db.Close()
}

// nobody is who is in the groups of a host that does not run.
type nobody struct{}

func (nobody) Role(wire.PeerID, wire.GroupID) (wire.Role, bool) { return "", false }
func (nobody) Subscribe(func()) (cancel func())                 { return func() {} }

// tableNames lists tables for people.
func tableNames(list []control.Table) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}
