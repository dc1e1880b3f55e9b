package dataserve

import (
	"context"
	"errors"
	"strconv"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// groups does a request about _groups.
func (c *conn) groups(r *data.Request) ([]byte, error) {
	switch r.Op {
	case data.OpSchema:
		return data.AppendSchema(nil, r.ID, data.Groups), nil
	case data.OpInsert:
		config, err := data.GroupConfig(r.Values)
		if err != nil {
			return nil, err
		}
		row, err := c.createGroup(r, config)
		return answered(r, "row", row, err)
	case data.OpQuery, data.OpCount:
		q, err := data.Groups.Query(r)
		if err != nil {
			return nil, err
		}
		if r.Op == data.OpCount {
			return data.AppendAnswer(nil, r.ID, "count", strconv.AppendInt(nil, int64(q.Count(c.listGroups())), 10)), nil
		}
		return data.AppendRows(nil, r.ID, q.Select(c.listGroups())), nil
	}
	id, err := groupID(r)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case data.OpGet:
		q, err := data.Groups.Query(r)
		if err != nil {
			return nil, err
		}
		q.Where = &data.Where{Test: data.Equal, Column: 0, Value: data.TextValue(string(id))}
		rows := q.Select(c.listGroups())
		if len(rows) == 0 {
			return nil, wire.E(wire.NotFound, `there is no group "`, string(id), `" that you may see`)
		}
		return data.AppendAnswer(nil, r.ID, "row", rows[0].JSON), nil
	case data.OpUpdate:
		patch, err := data.GroupConfig(r.Values)
		if err != nil {
			return nil, err
		}
		row, err := c.updateGroup(r, id, patch)
		return answered(r, "row", row, asRow(err))
	case data.OpRemove:
		err := c.closeGroup(r, id)
		return answered(r, "removed", []byte("1"), asRow(err))
	}
	return nil, wire.E(wire.NotSupported, `"`, string(r.Op), `" is not for _groups`)
}

// asRow tells of a group that is not there as of a row that is not there.
func asRow(err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == wire.NoSuchGroup {
		return wire.E(wire.NotFound, e.Message)
	}
	return err
}

// groupOp does one of the ops about groups.
func (c *conn) groupOp(r *data.Request) ([]byte, error) {
	switch r.Op {
	case data.OpGroupCreate:
		row, err := c.createGroup(r, r.Config)
		return answered(r, "group", row, err)
	case data.OpGroupUpdate:
		row, err := c.updateGroup(r, r.Group, r.Set)
		return answered(r, "group", row, err)
	}
	err := c.closeGroup(r, r.Group)
	return answered(r, "closed", []byte(strconv.Quote(string(r.Group))), err)
}

// listGroups returns the groups that the caller may see, as rows.
func (c *conn) listGroups() [][]data.Value {
	list := c.s.Groups.List(c.caller())
	rows := make([][]data.Value, len(list))
	for i := range list {
		rows[i] = data.GroupRow(&list[i])
	}
	return rows
}

// createGroup makes a group and returns its row as JSON, as updateGroup does.
func (c *conn) createGroup(r *data.Request, config []byte) ([]byte, error) {
	cfg, err := group.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), cfg.Kept(), func() ([]byte, error) {
		caller := c.caller()
		if err := c.s.mayRecord(caller, &cfg); err != nil {
			return nil, err
		}
		return groupJSON(c.s.Groups.Create(c.ctx, caller, cfg))
	})
}

func (c *conn) updateGroup(r *data.Request, id wire.GroupID, patch []byte) ([]byte, error) {
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
		return groupJSON(c.s.Groups.Update(c.ctx, c.caller(), id, patch))
	})
}

func (c *conn) closeGroup(r *data.Request, id wire.GroupID) error {
	_, err := c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
		return []byte("1"), c.s.Groups.Close(c.ctx, c.caller(), id)
	})
	return err
}

func groupJSON(info group.Info, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return data.Groups.Row(nil, data.GroupRow(&info)).JSON, nil
}

// mayRecord checks the table into which a new group is to record its messages. Whoever may send to the
// group will write rows there without being asked by the table's insert rule, so that only those may
// make such a group who could insert, or whom the rule would let insert as a member of it.
func (s *Server) mayRecord(caller group.Caller, cfg *group.Config) error {
	if err := s.Site.CheckRecord(cfg); err != nil {
		return err
	}
	t, ok := s.Site.Table(cfg.Record)
	if !ok || caller.Owner || t.Access.Insert.For(caller).Kind != data.NoRows {
		return nil
	}
	return wire.E(wire.Forbidden, `"record": the insert rule of table "`, t.Name, `" is "`, t.Access.Insert.String(),
		`", so that only the site's owner may make a group that records there`)
}

// watchGroups calls emit with the rows of a query on _groups, and again whenever they may have changed.
func (c *conn) watchGroups(ctx context.Context, q *data.Query, emit func([]data.Row) error) error {
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
	for {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := emit(q.Select(c.listGroups())); err != nil {
			return err
		}
		rest.Reset(groupsPause)
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
