package store

import (
	"cmp"
	"context"
	"errors"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// readRights returns what is needed to read a table under w, which narrows down the groups that have to
// be asked about.
func (ts *Tables) readRights(ctx context.Context, t *table, c group.Caller, w *data.Where) (*rights, error) {
	if t.Access.Read.For(c).Kind == data.NoRows {
		return nil, refused(t, data.Read)
	}
	a := ask{table: t, action: data.Read}
	if t.MemberOf != "" {
		if groups, ok := w.Pinned(t.Lookup(t.MemberOf)); ok {
			a.groups = append([]string{}, groups...)
		}
	}
	return ts.rights(ctx, c, a)
}

// Query returns the rows of a query that the caller may read.
func (ts *Tables) Query(ctx context.Context, c group.Caller, q *data.Query) (page data.Page, err error) {
	t, err := ts.table(q.Table)
	if err != nil {
		return page, err
	}
	r, err := ts.readRights(ctx, t, c, q.Where)
	if err != nil {
		return page, err
	}
	sql := selectRows(t, q, r)
	err = ts.db.Read(ctx, func(tx *ReadTx) (err error) {
		page.Rows, err = fetch(tx, t, q, sql)
		return err
	})
	return page, err
}

// fetch runs a query's SELECT.
func fetch(tx *ReadTx, t *table, q *data.Query, sql *query) ([]data.Row, error) {
	rows := []data.Row{}
	size := 0
	var values []data.Value
	for row, err := range tx.run(sql) {
		if err != nil {
			return nil, err
		}
		values = t.read(values[:0], row, q.Columns)
		r := q.Table.Row(q.Columns, values)
		if size += len(r.JSON); size > data.MaxResult {
			return nil, wire.E(wire.TooLarge, "the rows are more than 1 MiB; ask for fewer with limit, or for some of the columns")
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// Count returns how many rows there are that the caller may read.
func (ts *Tables) Count(ctx context.Context, c group.Caller, q *data.Query) (n int64, err error) {
	t, err := ts.table(q.Table)
	if err != nil {
		return 0, err
	}
	r, err := ts.readRights(ctx, t, c, q.Where)
	if err != nil {
		return 0, err
	}
	sql := selectCount(t, q.Where, r)
	err = ts.db.Read(ctx, func(tx *ReadTx) error {
		for row, err := range tx.run(sql) {
			if err != nil {
				return err
			}
			n = row.Int(0)
		}
		return nil
	})
	return n, err
}

// Get returns one row, with the columns of q; the rest of q does not count.
func (ts *Tables) Get(ctx context.Context, c group.Caller, q *data.Query, key data.Value) (data.Row, error) {
	id := key.N
	t, err := ts.table(q.Table)
	if err != nil {
		return data.Row{}, err
	}
	for range moveAttempts {
		var r *rights
		if r, err = ts.rightsTo(ctx, t, c, data.Read, id); err != nil {
			return data.Row{}, err
		}
		var row data.Row
		sql := selectRow(t, q.Columns, id, r)
		err = ts.db.Read(ctx, func(tx *ReadTx) error {
			for found, err := range tx.run(sql) {
				if err == nil {
					row = q.Table.Row(q.Columns, t.read(nil, found, q.Columns))
				}
				return err
			}
			if group, err := t.groupOf(tx, id); err != nil || !r.asked(t, group) {
				return cmp.Or(err, errMoved)
			}
			return missing(t, id)
		})
		if !errors.Is(err, errMoved) {
			return row, err
		}
	}
	return data.Row{}, err
}

// rightsTo returns what is needed to do something with one row.
func (ts *Tables) rightsTo(ctx context.Context, t *table, c group.Caller, action data.Action, id int64) (*rights, error) {
	if t.Access.Rule(action).For(c).Kind == data.NoRows {
		return nil, refused(t, action)
	}
	a := ask{table: t, action: action}
	if t.MemberOf != "" && !c.Owner {
		err := ts.db.Read(ctx, func(tx *ReadTx) error {
			group, err := t.groupOf(tx, id)
			a.groups = []string{group}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return ts.rights(ctx, c, a)
}

// groupOf returns the group that a row names in its memberOf column, "" for none, or for no row.
func (t *table) groupOf(tx *ReadTx, id int64) (group string, err error) {
	if t.MemberOf == "" {
		return "", nil
	}
	for row, err := range tx.Query("SELECT "+t.column(t.MemberOf)+" FROM "+t.name+" WHERE "+t.columns[0]+" = ?", id) {
		if err != nil {
			return "", err
		}
		group = row.Text(0)
	}
	return group, nil
}

// Aggregate returns numbers about the rows that the caller may read.
func (ts *Tables) Aggregate(context.Context, group.Caller, *data.Aggregate) ([]data.Row, error) {
	return nil, wire.E(wire.NotSupported, `this host does not have "aggregate"`)
}

// SQL runs one statement of the site's owner.
func (ts *Tables) SQL(context.Context, group.Caller, data.WriteKey, string, []data.Value) ([]byte, error) {
	return nil, wire.E(wire.NotSupported, `this host does not have "sql"`)
}
