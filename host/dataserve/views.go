package dataserve

import (
	"context"
	"errors"
	"strconv"
	"time"

	"goop/shared/data"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// view is a table that the host makes up of what there is in its groups. What may be done to a row is
// the group's to say.
type view struct {
	table *data.Table
	row   string // what a row is, for people
	names string // what its _id is, for people

	// rows returns what the caller may see. It may leave out rows for which q's condition is false.
	rows func(c *conn, q *data.Query) ([][]data.Value, error)
	// insert and update return a row as JSON. Their errors, and those of remove, say what the caller may
	// not do, which can be that there is no such thing at all.
	insert func(c *conn, r *data.Request) ([]byte, error)
	update func(c *conn, r *data.Request, id string) ([]byte, error)
	remove func(c *conn, r *data.Request, id string) error
}

// views are all of them.
var views = map[*data.Table]*view{
	data.Groups: {
		table: data.Groups, row: "group", names: "its group's id",
		rows: (*conn).listGroups, insert: (*conn).insertGroup, update: (*conn).updateGroupRow, remove: (*conn).removeGroup,
	},
	data.Invites: {
		table: data.Invites, row: "invite", names: "its id",
		rows: (*conn).listInvites, insert: (*conn).insertInvite, update: (*conn).updateInvite, remove: (*conn).removeInvite,
	},
	data.Peers: {
		table: data.Peers, row: "peer", names: `"<group>/<peer>"`,
		rows: (*conn).listPeers, insert: (*conn).insertPeer, update: (*conn).updatePeer, remove: (*conn).removePeer,
	},
}

// view does a request about a view.
func (c *conn) view(r *data.Request, v *view) ([]byte, error) {
	switch r.Op {
	case data.OpSchema:
		return data.AppendSchema(nil, r.ID, v.table), nil
	case data.OpInsert:
		row, err := v.insert(c, r)
		return answered(r, "row", row, err)
	case data.OpAggregate:
		a, err := v.table.Aggregate(r)
		if err != nil {
			return nil, err
		}
		rows, err := v.rows(c, &data.Query{Table: v.table, Where: a.Where})
		if err != nil {
			return nil, err
		}
		return data.AppendRows(nil, r.ID, a.Select(rows)), nil
	case data.OpQuery, data.OpCount:
		q, err := v.table.Query(r)
		if err != nil {
			return nil, err
		}
		rows, err := v.rows(c, q)
		if err != nil {
			return nil, err
		}
		if r.Op == data.OpCount {
			return data.AppendAnswer(nil, r.ID, "count", strconv.AppendInt(nil, int64(q.Count(rows)), 10)), nil
		}
		return data.AppendPage(nil, r.ID, q.Page(rows)), nil
	}
	if r.Row == nil || r.Op == data.OpIncrement {
		return nil, wire.E(wire.NotSupported, `"`, string(r.Op), `" is not for `, v.table.Name, "; there are insert, update and remove")
	}
	id, err := jsontext.Str(r.Row)
	if err != nil || id == "" || len(id) > maxRowID {
		return nil, wire.E(wire.NotFound, "there is no such ", v.row, " that you may see; a row of ", v.table.Name, " is named by ", v.names)
	}
	switch r.Op {
	case data.OpGet:
		return c.getRow(r, v, id)
	case data.OpUpdate:
		row, err := v.update(c, r, id)
		return answered(r, "row", row, asRow(err))
	case data.OpRemove:
		err := v.remove(c, r, id)
		return answered(r, "removed", []byte("1"), asRow(err))
	}
	return nil, wire.E(wire.NotSupported, `"`, string(r.Op), `" is not for `, v.table.Name)
}

func (c *conn) getRow(r *data.Request, v *view, id string) ([]byte, error) {
	q, err := v.table.Query(r)
	if err != nil {
		return nil, err
	}
	q.Where = &data.Where{Test: data.Equal, Column: 0, Value: data.TextValue(id)}
	all, err := v.rows(c, q)
	if err != nil {
		return nil, err
	}
	rows := q.Select(all)
	if len(rows) == 0 {
		return nil, wire.E(wire.NotFound, "there is no ", v.row, ` "`, id, `" that you may see`)
	}
	return data.AppendAnswer(nil, r.ID, "row", rows[0].JSON), nil
}

// asRow tells of a group that is not there as of a row that is not there.
func asRow(err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == wire.NoSuchGroup {
		return wire.E(wire.NotFound, e.Message)
	}
	return err
}

// watchView calls emit with the rows of a query on a view, and again whenever they may have changed.
func (c *conn) watchView(ctx context.Context, v *view, q *data.Query, emit func(*data.Result) error) error {
	news := make(chan struct{}, 1)
	cancel := c.s.Groups.Subscribe(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	defer cancel()
	rest := time.NewTimer(0)
	defer rest.Stop()
	var result *data.Result
	for {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		begin := time.Now()
		rows, err := v.rows(c, q)
		if err != nil {
			return err
		}
		before := result
		result = data.NewResult(q.Select(rows), before)
		took := time.Since(begin)
		if result != before {
			if err := emit(result); err != nil {
				return err
			}
		}
		rest.Reset(max(groupsPause, 9*took)) // however much there is to look at, it takes a tenth of the time
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
