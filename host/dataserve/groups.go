package dataserve

import (
	"strconv"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

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
func (c *conn) listGroups(*data.Query) ([][]data.Value, error) {
	list := c.s.Groups.List(c.caller())
	rows := make([][]data.Value, len(list))
	for i := range list {
		rows[i] = data.GroupRow(&list[i])
	}
	return rows, nil
}

// insertGroup, updateGroupRow and removeGroup do what is asked of rows of _groups.

func (c *conn) insertGroup(r *data.Request) ([]byte, error) {
	config, err := data.GroupConfig(r.Values)
	if err != nil {
		return nil, err
	}
	return c.createGroup(r, config)
}

func (c *conn) updateGroupRow(r *data.Request, id string) ([]byte, error) {
	patch, err := data.GroupConfig(r.Values)
	if err != nil {
		return nil, err
	}
	return c.updateGroup(r, wire.GroupID(id), patch)
}

func (c *conn) removeGroup(r *data.Request, id string) error {
	return c.closeGroup(r, wire.GroupID(id))
}

// createGroup makes a group and returns its row as JSON, as updateGroup does.
func (c *conn) createGroup(r *data.Request, config []byte) ([]byte, error) {
	cfg, err := group.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	from, err := data.FromTemplate(config)
	if err != nil {
		return nil, err
	}
	if from {
		t, err := c.s.Site.Template(cfg.Template)
		if err != nil {
			return nil, err
		}
		name := cfg.Name
		cfg = t.Config
		if name != "" {
			cfg.Name = name
		}
	}
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), cfg.Kept(), func() ([]byte, error) {
		caller := c.caller()
		if !from { // what a template records, the site's author has said
			if err := c.s.mayRecord(caller, &cfg); err != nil {
				return nil, err
			}
		}
		return groupJSON(c.s.Groups.Create(c.ctx, caller, cfg))
	})
}

func (c *conn) updateGroup(r *data.Request, id wire.GroupID, patch []byte) ([]byte, error) {
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
		if err := c.s.mayUpdate(id, patch); err != nil {
			return nil, err
		}
		return groupJSON(c.s.Groups.Update(c.ctx, c.caller(), id, patch))
	})
}

// mayUpdate refuses to let only those who are invited into an open group when others may read what it
// records. That the group is there tells nobody anything: whoever knows its id may join it.
func (s *Server) mayUpdate(id wire.GroupID, patch []byte) error {
	for _, info := range s.Groups.List(group.Caller{Owner: true}) {
		if info.ID != id || info.Access != group.Open || info.Record == "" {
			continue
		}
		// Other mistakes in the patch are for the group itself to refuse, after it has looked at the caller.
		if next, err := info.Update(patch); err == nil && next.Access == group.Invited {
			if wrong := s.Site.CheckRecord(&next); wrong != nil {
				return wrong
			}
		}
	}
	return nil
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
