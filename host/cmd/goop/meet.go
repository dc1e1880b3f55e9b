package main

import (
	"context"

	"goop/host/dataserve"
	"goop/host/relay"
	"goop/host/store"
	"goop/shared/wire"
)

// Where relay, store and dataserve meet.
var (
	_ dataserve.Groups   = (*relay.Relay)(nil)
	_ dataserve.Tables   = (*store.Tables)(nil)
	_ dataserve.Owners   = (*store.DB)(nil)
	_ store.Membership   = (*relay.Relay)(nil)
	_ relay.Log          = (*store.Log)(nil)
	_ relay.Registry     = registry{}
	_ relay.RosterKeeper = registry{}
)

// registry is the store's list of groups, as the relay asks it.
type registry struct{ *store.Registry }

// LastRole implements relay.RosterKeeper.
func (r registry) LastRole(ctx context.Context, id wire.GroupID, peer wire.PeerID) (wire.Role, bool, error) {
	roster, err := r.Roster(ctx, id)
	for _, p := range roster {
		if p.Peer == peer {
			return p.Role, true, err
		}
	}
	return "", false, err
}
