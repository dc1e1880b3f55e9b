package main

import (
	"context"
	"slices"

	"goop/host/control"
	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// operator is who asks on the control socket. The host is theirs, so they may do what an owner may.
var operator = group.Caller{Owner: true}

// Groups lists all groups.
func (h *running) Groups(context.Context) ([]control.Group, error) {
	stats := map[wire.GroupID]relay.Stats{}
	for _, s := range h.relay.Stats() {
		stats[s.Group] = s
	}
	list := []control.Group{}
	for _, info := range h.relay.List(operator) {
		list = append(list, groupRow(&info.Config, stats[info.ID]))
	}
	return list, nil
}

func groupRow(cfg *group.Config, s relay.Stats) control.Group {
	return control.Group{
		ID: cfg.ID, Name: cfg.Name, Type: string(cfg.Type), Access: string(cfg.Access), Durable: cfg.Durable,
		Members: s.Members, MaxMembers: cfg.MaxMembers, Sessions: s.Sessions, Seq: s.Seq, Bytes: s.Bytes,
		Creator: cfg.Creator, Created: cfg.CreatedAt,
	}
}

// Group tells all about one group.
func (h *running) Group(_ context.Context, id wire.GroupID) (control.GroupDetail, error) {
	in, err := h.relay.Inspect(operator, id)
	if err != nil {
		return control.GroupDetail{}, unknown(id, err)
	}
	g := control.GroupDetail{
		Group: groupRow(&in.Config, in.Stats), Epoch: in.Epoch, StateSize: in.StateSize, Waiting: in.Stats.Waiting,
		Config: in.Config.Append(nil), Roster: []control.Member{},
	}
	for _, m := range in.Roster {
		g.Roster = append(g.Roster, control.Member{
			Peer: m.Peer, Label: m.Label, Meta: slices.Clone(m.Meta), Role: m.Role, Sessions: m.Sessions, Joined: m.Joined,
		})
	}
	g.Standings, g.Invites = []control.Standing{}, []control.Invite{}
	for _, p := range h.relay.People(operator, id) {
		if p.Given {
			g.Standings = append(g.Standings, control.Standing{Peer: p.Peer, Role: p.Role, Banned: p.Banned, By: p.By, Since: p.Since})
		}
	}
	for _, i := range h.relay.Invites(operator) {
		if i.Group == id {
			g.Invites = append(g.Invites, inviteRow(&i.Invite))
		}
	}
	return g, nil
}

// CloseGroup ends a group for everybody.
func (h *running) CloseGroup(ctx context.Context, id wire.GroupID) error {
	return unknown(id, h.relay.Close(ctx, operator, id))
}

// TailGroup returns entries of a group's log.
func (h *running) TailGroup(ctx context.Context, id wire.GroupID, after int64, n int) ([]control.Entry, int64, error) {
	entries, next, err := h.relay.Tail(ctx, operator, id, after, n)
	if err != nil {
		return nil, after, unknown(id, err)
	}
	list := make([]control.Entry, len(entries))
	for i, e := range entries {
		list[i] = control.Entry{
			Seq: e.Seq, Time: e.Time, Type: e.Kind, From: e.From, To: e.To,
			Payload: e.Payload, Patch: e.Patch, Redact: e.Redact, Redacted: e.Redacted,
		}
	}
	if len(list) > 0 && after >= 0 {
		list[0].Missing = list[0].Seq - after - 1
	}
	return list, next, nil
}

// unknown tells of a group that is not there under its id. To the operator it is not hidden.
func unknown(id wire.GroupID, err error) error {
	if e, ok := err.(*wire.Error); ok && e.Code == wire.NoSuchGroup {
		return wire.E(wire.NoSuchGroup, `there is no group "`, string(id), `" (goop group list has all)`)
	}
	return err
}
