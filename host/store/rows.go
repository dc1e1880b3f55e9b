package store

import (
	"context"
	"errors"
	"slices"

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

// Query returns the rows of a query that the caller may read, and a cursor when there are more.
func (ts *Tables) Query(ctx context.Context, c group.Caller, q *data.Query) (page data.Page, err error) {
	t, err := ts.table(q.Table)
	if err != nil {
		return page, err
	}
	r, err := ts.readRights(ctx, t, c, q.Where)
	if err != nil {
		return page, err
	}
	if err := r.checkRank(t, q); err != nil {
		return page, err
	}
	columns := shown(q)
	p := part{columns: withOrder(t.asked(columns), q.Order), limit: q.Limit + 1}
	sql := selectPart(t, q, r, p)
	n := parts(t, q)
	err = ts.db.read(ctx, n > 1, func(tx *ReadTx) error {
		f := fetcher{t: t, q: q, columns: columns, selected: p.columns, rows: make([]data.Row, 0, 16)}
		err := f.run(tx, sql)
		if err == nil && n > 1 && !f.more {
			p.nulls, p.limit = true, q.Limit+1-len(f.rows)
			err = f.run(tx, selectPart(t, q, r, p))
		}
		page = data.Page{Rows: f.rows}
		if f.more {
			page.Cursor = f.cursor()
		}
		return err
	})
	if err != nil {
		return data.Page{}, err
	}
	return page, nil
}

// checkRank tells who may not have rows by their rank.
func (r *rights) checkRank(t *table, q *data.Query) error {
	if q.Ranked() && !r.everyRow(t, data.Read) {
		return wire.E(wire.BadQuery, `the order "_rank" tells something of all rows of the table "`, t.Name, `", and is for those who may read them all`)
	}
	return nil
}

// fetcher reads the rows of a query, and one more to know whether there are more.
type fetcher struct {
	t        *table
	q        *data.Query
	columns  []int // that are shown, nil for all
	selected []int // those, and then others of the order
	rows     []data.Row
	more     bool
	size     int
	values   []data.Value // of the last row
}

func (f *fetcher) run(tx *ReadTx, sql *query) error {
	for row, err := range tx.run(sql) {
		if err != nil {
			return err
		}
		if len(f.rows) == f.q.Limit {
			f.more = true
			return nil
		}
		f.values = f.t.read(f.values[:0], row, f.selected)
		r := f.q.Table.Row(f.columns, f.values[:len(f.t.asked(f.columns))])
		if f.size += len(r.JSON); f.size > data.MaxResult {
			return errLargeResult()
		}
		f.rows = append(f.rows, r)
	}
	return nil
}

// cursor returns what makes the query go on behind the last row.
func (f *fetcher) cursor() string {
	last := make([]data.Value, 0, len(f.q.Order)+1)
	for _, o := range f.q.Order {
		if o.Column == data.Rank {
			return ""
		}
		last = append(last, f.values[slices.Index(f.selected, o.Column)])
	}
	return f.q.Cursor(append(last, f.values[0]))
}

func errLargeResult() error {
	return wire.E(wire.TooLarge, "the rows are more than 1 MiB; ask for fewer with limit, or for some of the columns")
}

// fetch runs the SELECT of selectRows.
func fetch(tx *ReadTx, t *table, q *data.Query, sql *query) ([]data.Row, error) {
	columns := shown(q)
	f := fetcher{t: t, q: q, columns: columns, selected: t.asked(columns), rows: []data.Row{}}
	if err := f.run(tx, sql); err != nil {
		return nil, err
	}
	return f.rows, nil
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
	err = ts.db.readOne(ctx, func(tx *ReadTx) error {
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
func (ts *Tables) Get(ctx context.Context, c group.Caller, q *data.Query, id data.Value) (row data.Row, err error) {
	t, err := ts.table(q.Table)
	if err != nil {
		return row, err
	}
	columns := shown(q)
	for range moveAttempts {
		var r *rights
		if r, err = ts.rightsTo(ctx, t, c, id); err != nil {
			return data.Row{}, err
		}
		sql := selectRow(t, t.asked(columns), id, r)
		err = ts.db.readOne(ctx, func(tx *ReadTx) error {
			for found, err := range tx.run(sql) {
				if err == nil {
					row = q.Table.Row(columns, t.read(make([]data.Value, 0, 16), found, t.asked(columns)))
				}
				return err
			}
			groups, err := r.groupOf(tx, t, id)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(groups, func(id string) bool { return !r.asked(t, id) }) {
				return errMoved
			}
			return wire.E(wire.NotFound, `table "`, t.Name, `" has no row `, string(id.Append(nil)), " that you may see")
		})
		if !errors.Is(err, errMoved) {
			break
		}
	}
	return row, settled(err)
}

// rightsTo returns what is needed to read one row.
func (ts *Tables) rightsTo(ctx context.Context, t *table, c group.Caller, id data.Value) (*rights, error) {
	if t.Access.Read.For(c).Kind == data.NoRows {
		return nil, refused(t, data.Read)
	}
	a := ask{table: t, action: data.Read}
	rule := &t.Access.Read
	if t.MemberOf != "" && !c.Owner && (rule.If != nil || rule.Who == data.Members || rule.Who == data.HasRole) {
		r := &rights{ts: ts, caller: c}
		err := ts.db.readOne(ctx, func(tx *ReadTx) (err error) {
			a.groups, err = r.groupOf(tx, t, id)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return ts.rights(ctx, c, a)
}

// groupOf returns the group that a row names in its memberOf column: none for none, or for no row. A view
// may have more rows than one by the same _id, against the rule, of which each counts.
func (r *rights) groupOf(tx *ReadTx, t *table, id data.Value) (groups []string, err error) {
	groups = []string{}
	if t.MemberOf == "" {
		return groups, nil
	}
	q := &query{}
	q.WriteString("SELECT " + t.column(t.MemberOf))
	s := q.from(t, r)
	q.WriteString(" WHERE ")
	s.compare(0, " = ", id)
	for row, err := range tx.run(q) {
		if err != nil {
			return nil, err
		}
		if !row.Null(0) {
			groups = append(groups, row.Text(0))
		}
	}
	return groups, nil
}
