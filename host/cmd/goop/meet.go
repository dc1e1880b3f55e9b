package main

import (
	"goop/host/dataserve"
	"goop/host/relay"
	"goop/host/store"
)

// Where relay, store and dataserve meet.
var (
	_ dataserve.Groups = (*relay.Relay)(nil)
	_ dataserve.People = (*relay.Relay)(nil)
	_ dataserve.Tables = (*store.Tables)(nil)
	_ dataserve.Owners = (*store.DB)(nil)
	_ store.Membership = (*relay.Relay)(nil)
	_ relay.Log        = (*store.Log)(nil)
	_ relay.Registry   = (*store.Registry)(nil)
)
