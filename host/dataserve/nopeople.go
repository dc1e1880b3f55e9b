package dataserve

import (
	"context"

	"goop/shared/group"
	"goop/shared/wire"
)

// noPeople stands for the people of groups that keep none.
type noPeople struct{}

func errNoPeople() error {
	return wire.E(wire.NotSupported, "this host has neither invites nor roles that are given")
}

func (noPeople) Invite(context.Context, group.Caller, wire.GroupID, group.InviteRequest) (string, group.Invite, error) {
	return "", group.Invite{}, errNoPeople()
}
func (noPeople) Admit(context.Context, group.Caller, wire.GroupID, wire.PeerID, wire.Role) error {
	return errNoPeople()
}
func (noPeople) Revoke(context.Context, group.Caller, wire.GroupID, group.InviteID) error {
	return errNoPeople()
}
func (noPeople) Kick(context.Context, group.Caller, wire.GroupID, wire.PeerID, string) error {
	return errNoPeople()
}
func (noPeople) Ban(context.Context, group.Caller, wire.GroupID, wire.PeerID, string) error {
	return errNoPeople()
}
func (noPeople) Unban(context.Context, group.Caller, wire.GroupID, wire.PeerID) error {
	return errNoPeople()
}
func (noPeople) SetRole(context.Context, group.Caller, wire.GroupID, wire.PeerID, wire.Role) error {
	return errNoPeople()
}
func (noPeople) History(context.Context, group.Caller, wire.GroupID, int64, int, bool) ([]group.Entry, error) {
	return nil, errNoPeople()
}
func (noPeople) GroupStats(group.Caller, wire.GroupID) (group.GroupStats, error) {
	return group.GroupStats{}, errNoPeople()
}
func (noPeople) Invites(group.Caller) []group.InviteInfo              { return nil }
func (noPeople) People(group.Caller, wire.GroupID) []group.PersonInfo { return nil }
