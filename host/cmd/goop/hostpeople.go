package main

import (
	"context"
	"strconv"
	"strings"

	"goop/host/control"
	"goop/shared/group"
	"goop/shared/wire"
)

func inviteRow(i *group.Invite) control.Invite {
	return control.Invite{ID: string(i.ID), Role: i.Role, Uses: i.Uses, Used: i.Used, Expires: i.Expires, By: i.By, Created: i.Created}
}

// Invite makes an invite with the addresses at which it is redeemed, or lets a peer in.
func (h *running) Invite(ctx context.Context, id wire.GroupID, q control.InviteRequest) (control.Invite, error) {
	if q.Peer != "" {
		if q.Uses != 0 || q.Expires != 0 {
			return control.Invite{}, wire.E(wire.InvalidValue, "a peer that is let in needs no token, which could be used or expire")
		}
		peer, err := h.findPeer(id, q.Peer)
		if err != nil {
			return control.Invite{}, err
		}
		if q.Role == "" {
			q.Role = wire.RoleMember
		}
		return control.Invite{Peer: peer, Role: q.Role, URLs: h.invitePages(id, "")}, unknown(id, h.relay.Admit(ctx, operator, id, peer, q.Role))
	}
	token, made, err := h.relay.Invite(ctx, operator, id, group.InviteRequest{Role: q.Role, Uses: q.Uses, Expires: q.Expires})
	if err != nil {
		return control.Invite{}, unknown(id, err)
	}
	inv := inviteRow(&made)
	inv.Token, inv.URLs = token, h.invitePages(id, token)
	return inv, nil
}

// Revoke takes an invite back.
func (h *running) Revoke(ctx context.Context, id wire.GroupID, invite string) error {
	for _, i := range h.relay.Invites(operator) {
		if i.Group == id && string(i.ID) == invite {
			return unknown(id, h.relay.Revoke(ctx, operator, id, i.ID))
		}
	}
	return unknown(id, h.relay.Revoke(ctx, operator, id, group.IDOf(group.HashToken(invite))))
}

// ActOnPeer does something to a peer in a group.
func (h *running) ActOnPeer(ctx context.Context, id wire.GroupID, action control.PeerAction, q control.PeerRequest) (wire.PeerID, error) {
	peer, err := h.findPeer(id, q.Peer)
	if err != nil {
		return "", err
	}
	switch action {
	case control.Kick:
		err = h.relay.Kick(ctx, operator, id, peer, q.Message)
	case control.Ban:
		err = h.relay.Ban(ctx, operator, id, peer, q.Message)
	case control.Unban:
		err = h.relay.Unban(ctx, operator, id, peer)
	case control.SetRole:
		err = h.relay.SetRole(ctx, operator, id, peer, q.Role)
	default:
		err = wire.E(wire.NotSupported, `"`, string(action), `" is nothing that is done to peers`)
	}
	return peer, unknown(id, err)
}

// wholePeer is the length from on which a text is taken for a whole peer id, of somebody of whom the group
// may know nothing.
const wholePeer = 40

// findPeer returns the peer that is meant by its id, or by the beginning or end of it.
func (h *running) findPeer(id wire.GroupID, text string) (wire.PeerID, error) {
	if _, err := h.relay.Inspect(operator, id); err != nil {
		return "", unknown(id, err)
	}
	text = strings.Trim(text, "…")
	var found []wire.PeerID
	for _, p := range h.relay.People(operator, id) {
		switch peer := string(p.Peer); {
		case peer == text:
			return p.Peer, nil
		case strings.HasPrefix(peer, text), strings.HasSuffix(peer, text):
			found = append(found, p.Peer)
		}
	}
	switch {
	case text == "":
		return "", wire.E(wire.InvalidValue, "a peer is named by its id, or by the beginning or end of it")
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", wire.E(wire.InvalidValue, strconv.Itoa(len(found)), ` peers of the group have "`, text, `" at the beginning or end of their ids; take more of it`)
	case len(text) >= wholePeer:
		return wire.PeerID(text), nil
	}
	return "", wire.E(wire.NotFound, `nobody in the group "`, string(id), `" has a peer id that begins or ends with "`, text, `" (goop group show has all)`)
}
