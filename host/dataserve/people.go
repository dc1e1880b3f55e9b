package dataserve

import (
	"strconv"
	"strings"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// peopleOp does one of the ops about a group's people, or about its log.
func (c *conn) peopleOp(r *data.Request) ([]byte, error) {
	switch r.Op {
	case data.OpHistory:
		entries, err := c.s.Groups.History(c.ctx, c.caller(), r.Group, r.Before, r.Limit, r.States)
		if err != nil {
			return nil, err
		}
		return data.AppendHistory(nil, r.ID, entries), nil
	case data.OpStats:
		stats, err := c.s.Groups.GroupStats(c.caller(), r.Group)
		return answered(r, "stats", stats.Append(nil), err)
	case data.OpInvite:
		invite, err := c.invite(r)
		return answered(r, "invite", invite, err)
	case data.OpRevoke:
		err := c.revoke(r, r.Group, r.Revokes())
		return answered(r, "revoked", quoted(r.Revokes()), err)
	case data.OpKick:
		err := c.act(r, func(caller group.Caller) error {
			return c.s.Groups.Kick(c.ctx, caller, r.Group, r.Peer, r.Message)
		})
		return answered(r, "kicked", quoted(r.Peer), err)
	case data.OpBan:
		err := c.act(r, func(caller group.Caller) error {
			return c.s.Groups.Ban(c.ctx, caller, r.Group, r.Peer, r.Message)
		})
		return answered(r, "banned", quoted(r.Peer), err)
	case data.OpUnban:
		err := c.act(r, func(caller group.Caller) error {
			return c.s.Groups.Unban(c.ctx, caller, r.Group, r.Peer)
		})
		return answered(r, "unbanned", quoted(r.Peer), err)
	}
	err := c.act(r, func(caller group.Caller) error {
		return c.s.Groups.SetRole(c.ctx, caller, r.Group, r.Peer, r.Role)
	})
	return answered(r, "role", quoted(r.Role), err)
}

// act has something done once.
func (c *conn) act(r *data.Request, do func(group.Caller) error) error {
	_, err := c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
		return []byte("1"), do(c.caller())
	})
	return err
}

// invite makes an invite, or lets in a peer that is named, and returns what is told of it as JSON. An
// answer with a token in it is not for the disk.
func (c *conn) invite(r *data.Request) ([]byte, error) {
	role := r.Role
	if role == "" {
		role = wire.RoleMember
	}
	if r.Peer != "" {
		return c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
			if err := c.s.Groups.Admit(c.ctx, c.caller(), r.Group, r.Peer, role); err != nil {
				return nil, err
			}
			return data.AdmitAnswer(r.Peer, role, c.s.InviteURL(r.Group, "")), nil
		})
	}
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), false, func() ([]byte, error) {
		token, inv, err := c.s.Groups.Invite(c.ctx, c.caller(), r.Group, group.InviteRequest{Role: role, Uses: r.Uses, Expires: r.Expires})
		if err != nil {
			return nil, err
		}
		return data.InviteAnswer(&inv, token, c.s.InviteURL(r.Group, token)), nil
	})
}

func (c *conn) revoke(r *data.Request, id wire.GroupID, invite group.InviteID) error {
	return c.act(r, func(caller group.Caller) error {
		return c.s.Groups.Revoke(c.ctx, caller, id, invite)
	})
}

// listInvites returns the invites that the caller may manage, as rows of _invites.
func (c *conn) listInvites(*data.Query) ([][]data.Value, error) {
	list := c.s.Groups.Invites(c.caller())
	rows := make([][]data.Value, len(list))
	for i := range list {
		rows[i] = data.InviteRow(&list[i])
	}
	return rows, nil
}

func (c *conn) insertInvite(*data.Request) ([]byte, error) {
	return nil, wire.E(wire.NotSupported, `an invite is made by "group.invite", whose answer alone has its token`)
}

func (c *conn) updateInvite(*data.Request, string) ([]byte, error) {
	return nil, wire.E(wire.NotSupported, "an invite stays as it is; remove it, and make another one")
}

func (c *conn) removeInvite(r *data.Request, id string) error {
	return c.act(r, func(caller group.Caller) error {
		for _, inv := range c.s.Groups.Invites(caller) {
			if string(inv.ID) == id {
				return c.s.Groups.Revoke(c.ctx, caller, inv.Group, inv.ID)
			}
		}
		return wire.E(wire.NotFound, `there is no invite "`, id, `" that you may see`)
	})
}

// listPeers returns the peers of groups that the caller may see, as rows of _peers. A query that says
// which groups it is about is done for these alone, whether they are listed or not.
func (c *conn) listPeers(q *data.Query) ([][]data.Value, error) {
	caller := c.caller()
	ids, named := groupsNamed(q)
	if !named {
		for _, info := range c.s.Groups.List(caller) {
			ids = append(ids, info.ID)
		}
	}
	var rows [][]data.Value
	for _, id := range ids {
		people := c.s.Groups.People(caller, id)
		if !named && len(rows)+len(people) > maxPeople {
			return nil, wire.E(wire.LimitExceeded, "the groups that you may see have more than ", strconv.Itoa(maxPeople),
				` peers; say in "where" which group you mean`)
		}
		for i := range people {
			rows = append(rows, data.PersonRow(&people[i]))
		}
	}
	return rows, nil
}

// groupsNamed returns the only groups that rows of _peers can be of where a query's condition is true, if
// it says so.
func groupsNamed(q *data.Query) (ids []wire.GroupID, ok bool) {
	seen := map[wire.GroupID]bool{}
	add := func(id string) {
		if id := wire.GroupID(id); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if names, ok := q.Where.Pinned(data.Peers.Lookup("group")); ok {
		for _, id := range names {
			add(id)
		}
		return ids, true
	}
	names, ok := q.Where.Pinned(0)
	for _, name := range names {
		id, _, _ := strings.Cut(name, "/")
		add(id)
	}
	return ids, ok
}

func (c *conn) insertPeer(*data.Request) ([]byte, error) {
	return nil, wire.E(wire.NotSupported, `a peer gets into a group by joining it; "group.invite" with a "peer" lets one in that is not there`)
}

func (c *conn) updatePeer(r *data.Request, rowID string) ([]byte, error) {
	role, err := data.RoleChange(r.Values)
	if err != nil {
		return nil, err
	}
	id, peer, err := personOf(rowID)
	if err != nil {
		return nil, err
	}
	return c.s.once.do(c.ctx, c.peer, r.WriteKey(), true, func() ([]byte, error) {
		caller := c.caller()
		if err := c.s.Groups.SetRole(c.ctx, caller, id, peer, role); err != nil {
			return nil, err
		}
		now := group.PersonInfo{Group: id, Peer: peer, Role: role} // what a caller knows who may see no more
		for _, p := range c.s.Groups.People(caller, id) {
			if p.Peer == peer {
				now = p
			}
		}
		return data.Peers.Row(nil, data.PersonRow(&now)).JSON, nil
	})
}

func (c *conn) removePeer(r *data.Request, rowID string) error {
	id, peer, err := personOf(rowID)
	if err != nil {
		return err
	}
	return c.act(r, func(caller group.Caller) error {
		return c.s.Groups.Kick(c.ctx, caller, id, peer, "")
	})
}

// personOf reads the _id of a row of _peers.
func personOf(rowID string) (wire.GroupID, wire.PeerID, error) {
	id, peer, ok := strings.Cut(rowID, "/")
	if !ok || !wire.ValidID(id) || peer == "" || len(peer) > wire.MaxPeer {
		return "", "", wire.E(wire.NotFound, `there is no such peer that you may see; a row of _peers is named by "<group>/<peer>"`)
	}
	return wire.GroupID(id), wire.PeerID(peer), nil
}

// quoted returns the JSON of an id.
func quoted[T ~string](id T) []byte { return jsontext.AppendString(nil, string(id)) }
