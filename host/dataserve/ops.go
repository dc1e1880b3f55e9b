package dataserve

import (
	"strconv"

	"goop/shared/data"
	"goop/shared/wire"
)

// do does one request and returns the line of its answer.
func (c *conn) do(r *data.Request) ([]byte, error) {
	switch r.Op {
	case data.OpRole:
		return c.role(r)
	case data.OpClaim:
		if err := c.s.Owners.Claim(c.ctx, c.peer, r.Secret); err != nil {
			return nil, err
		}
		return c.role(r)
	case data.OpReach:
		return c.reach(r)
	case data.OpTables:
		return data.AppendTables(nil, r.ID, c.s.Site.Visible(c.caller())), nil
	case data.OpBatch:
		return c.batch(r)
	case data.OpSQL:
		return c.sql(r)
	case data.OpUnwatch:
		return data.AppendAnswer(nil, r.ID, "unwatched", strconv.AppendBool(nil, c.unwatch(r.Watch))), nil
	case data.OpGroupCreate, data.OpGroupUpdate, data.OpGroupClose:
		return c.groupOp(r)
	case data.OpInvite, data.OpRevoke, data.OpKick, data.OpBan, data.OpUnban, data.OpSetRole, data.OpHistory, data.OpStats:
		return c.peopleOp(r)
	}
	t, err := c.s.Site.Lookup(r.Table)
	if err != nil {
		return nil, err
	}
	if err := c.s.checkRows(r); err != nil {
		return nil, err
	}
	if v, ok := views[t]; ok {
		return c.view(r, v)
	}
	if r.Op.Writes() {
		return c.change(r)
	}
	return c.table(r, t)
}

// checkRows checks that a request asks for no more rows than this host gives.
func (s *Server) checkRows(r *data.Request) error {
	if r.HasLimit && r.Limit > s.Limits.Rows {
		return wire.E(wire.BadQuery, `"limit" is 1 to `, strconv.Itoa(s.Limits.Rows), ", got ", strconv.Itoa(r.Limit))
	}
	return nil
}

func (c *conn) role(r *data.Request) ([]byte, error) {
	role, caller := wire.RoleVisitor, c.caller()
	if caller.Owner {
		role = wire.RoleOwner
	}
	if r.Table == "" {
		return data.AppendRole(nil, r.ID, role, c.s.Site.Templates), nil
	}
	t, err := c.s.Site.Lookup(r.Table)
	if err != nil {
		return nil, err
	}
	return data.AppendRoleFor(nil, r.ID, role, t, caller), nil
}

// reach tells the owner how others reach the host. It may have addresses that are nobody else's business.
func (c *conn) reach(r *data.Request) ([]byte, error) {
	switch {
	case !c.caller().Owner:
		return nil, wire.E(wire.Forbidden, "how this host is reached is for its owner to know")
	case c.s.Reach == nil:
		return nil, wire.E(wire.NotSupported, "this host does not tell how it is reached")
	}
	return data.AppendReach(nil, r.ID, c.s.Reach()), nil
}

// table reads of a table of the store.
func (c *conn) table(r *data.Request, t *data.Table) ([]byte, error) {
	caller := c.caller()
	t = t.For(caller)
	switch r.Op {
	case data.OpSchema:
		return data.AppendSchema(nil, r.ID, t), nil
	case data.OpAggregate:
		a, err := t.Aggregate(r)
		if err != nil {
			return nil, err
		}
		rows, err := c.s.Tables.Aggregate(c.ctx, caller, a)
		if err != nil {
			return nil, err
		}
		return data.AppendRows(nil, r.ID, rows), nil
	}
	q, err := t.Query(r)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case data.OpQuery:
		page, err := c.s.Tables.Query(c.ctx, caller, q)
		if err != nil {
			return nil, err
		}
		return data.AppendPage(nil, r.ID, page), nil
	case data.OpCount:
		n, err := c.s.Tables.Count(c.ctx, caller, q)
		return answered(r, "count", strconv.AppendInt(nil, n, 10), err)
	}
	id, err := t.RowID(r.Row)
	if err != nil {
		return nil, err
	}
	row, err := c.s.Tables.Get(c.ctx, caller, q, id)
	return answered(r, "row", row.JSON, err)
}

// answered returns the line of an answer with one field.
func answered(r *data.Request, key string, raw []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return data.AppendAnswer(nil, r.ID, key, raw), nil
}
