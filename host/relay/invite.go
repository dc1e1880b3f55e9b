package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Invite makes an invite to a group and returns its token, of which only the hash is kept. Invites that
// let nobody in any more are forgotten with it.
func (r *Relay) Invite(ctx context.Context, caller group.Caller, id wire.GroupID, req group.InviteRequest) (token string, inv group.Invite, err error) {
	token = rand.Text()
	err = r.amendAs(ctx, caller, id, group.InviteTo, func(h *hub) (*group.PeopleChange, error) {
		now := time.Now()
		made, err := newInvite(token, req, now)
		if err == nil {
			err = mayGive(h.callerRole(caller), made.Role)
		}
		if err != nil {
			return nil, err
		}
		stale := h.stale(now)
		if len(h.people.invites)-len(stale) >= group.MaxInvites {
			return nil, wire.E(wire.LimitExceeded, "this group has ", strconv.Itoa(group.MaxInvites), " invites that are good for something; revoke some")
		}
		made.By = caller.Peer
		inv = made
		return &group.PeopleChange{Invites: []group.Invite{inv}, Revoked: stale}, nil
	}, nil)
	if err != nil {
		return "", group.Invite{}, err
	}
	return token, inv, nil
}

// newInvite returns what a request asks for, with the defaults for what it does not say.
func newInvite(token string, req group.InviteRequest, now time.Time) (group.Invite, error) {
	hash := group.HashToken(token)
	inv := group.Invite{
		ID: group.IDOf(hash), Hash: hash, Created: now.UnixMilli(),
		Role: cmp.Or(req.Role, wire.RoleMember), Uses: cmp.Or(req.Uses, group.DefaultInviteUse),
		Expires: cmp.Or(req.Expires, now.UnixMilli()+group.DefaultInviteAge),
	}
	switch {
	case inv.Uses < 1 || inv.Uses > group.MaxInviteUses:
		return group.Invite{}, wire.E(wire.InvalidValue, `"uses" is how many peers the invite lets in, from 1 to `, strconv.Itoa(group.MaxInviteUses))
	case inv.Expires <= inv.Created || inv.Expires-inv.Created > group.MaxInviteAge:
		return group.Invite{}, wire.E(wire.InvalidValue, `"expires" is a moment in milliseconds since 1970, after now and within 366 days`)
	}
	return inv, nil
}

// mayGive returns nil when one of a role may give another role.
func mayGive(own, role wire.Role) error {
	switch {
	case !group.Grantable(role):
		return wire.E(wire.InvalidValue, `"role" is "moderator", "member" or "viewer"; who owns the site is not for a group to say`)
	case group.Outranks(role, own):
		return wire.E(wire.Forbidden, "as ", string(own), " you cannot make somebody ", string(role))
	}
	return nil
}

// Admit invites a peer that is known by its id: it gets a role there and needs no token. A role that it has
// already is only raised, and that for a caller who may set roles; and only such a caller gives it less than it
// has because the group is open.
func (r *Relay) Admit(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error {
	return r.amendAs(ctx, caller, id, group.InviteTo, func(h *hub) (*group.PeopleChange, error) {
		if err := checkPeer(peer); err != nil {
			return nil, err
		}
		role := cmp.Or(role, wire.RoleMember)
		if err := mayGive(h.callerRole(caller), role); err != nil {
			return nil, err
		}
		own := h.ownRole(peer)
		switch {
		case h.banned(peer):
			return nil, wire.E(wire.Conflict, "this peer is banned from the group; unban it first")
		case own != "" && !group.Outranks(role, own):
			return nil, nil
		case own != "":
			if err := h.allows(caller, group.SetRole); err != nil {
				return nil, err
			}
		case group.Outranks(h.roleOf(peer), role): // it has more there because the group is open
			if err := cmp.Or(h.allows(caller, group.SetRole), h.mayActOn(caller, peer)); err != nil {
				return nil, err
			}
		}
		return h.people.give(peer, role, caller.Peer)
	}, nil)
}

// Revoke takes an invite back. Who came in by it stays.
func (r *Relay) Revoke(ctx context.Context, caller group.Caller, id wire.GroupID, inviteID group.InviteID) error {
	return r.amendAs(ctx, caller, id, group.InviteTo, func(h *hub) (*group.PeopleChange, error) {
		for _, i := range h.people.invites {
			if i.ID == inviteID {
				return &group.PeopleChange{Revoked: []group.InviteID{i.ID}}, nil
			}
		}
		return nil, wire.E(wire.NotFound, "this group has no such invite; it may have been used up, expired or revoked")
	}, nil)
}

// Invites returns the invites that are good for something to the groups in which the caller may invite: by
// group, and in it those made first in front.
func (r *Relay) Invites(caller group.Caller) []group.InviteInfo {
	now := time.Now()
	var all []group.InviteInfo
	for _, h := range r.allHubs() {
		h.mu.Lock()
		if h.allows(caller, group.InviteTo) == nil {
			for _, i := range h.people.invites {
				if h.good(&i, now) {
					all = append(all, group.InviteInfo{Group: h.id, Invite: i})
				}
			}
		}
		h.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b group.InviteInfo) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// enters returns nil when a peer may join, with the token that it brings or without one. It is called with
// mu held.
func (h *hub) enters(peer wire.PeerID, token string) *wire.Error {
	switch {
	case h.banned(peer):
		return youAreBanned()
	case h.ownRole(peer) != "": // whatever it brings
		return nil
	case token != "":
		if inv := h.people.invites[group.HashToken(token)]; h.good(&inv, time.Now()) {
			return nil
		}
		return inviteInvalid()
	case h.roleOf(peer) == "":
		return noSuchGroup()
	}
	return nil
}

// redeem gives a peer the role of the invite whose token it brings, and counts that, unless it has a role
// of its own.
func (h *hub) redeem(ctx context.Context, peer wire.PeerID, token string) error {
	return h.amend(ctx, func() (*group.PeopleChange, error) {
		if refused := h.enters(peer, token); refused != nil {
			return nil, refused
		}
		if h.ownRole(peer) != "" {
			return nil, nil
		}
		if refused := h.roomFor(peer); refused != nil { // it is better used another time
			return nil, refused
		}
		inv := h.people.invites[group.HashToken(token)]
		change, err := h.people.give(peer, inv.Role, inv.By)
		if err != nil {
			return nil, err
		}
		inv.Used++
		change.Invites = []group.Invite{inv}
		return change, nil
	}, nil)
}

// notThere is what is told of a group that is not there, or not for who asks: with a token the same words
// as for a bad one, so that nobody finds out about groups by trying.
func notThere(token string) *wire.Error {
	if token != "" {
		return inviteInvalid()
	}
	return noSuchGroup()
}

func noSuchGroup() *wire.Error {
	return wire.E(wire.NoSuchGroup, "there is no such group, or it is not for you")
}

func inviteInvalid() *wire.Error {
	return wire.E(wire.InviteInvalid, "this invite is unknown, used up, expired or revoked; ask for a new one")
}

func youAreBanned() *wire.Error {
	return wire.E(wire.Banned, "you are banned from this group")
}

func compareIDs[T ~string](a, b T) int { return cmp.Compare(a, b) }
