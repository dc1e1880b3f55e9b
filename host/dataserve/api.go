package dataserve

import (
	"context"

	"goop/shared/group"
	"goop/shared/wire"
)

// Groups is what the data protocol asks of the relay. Errors that a member may see are *wire.Error.
type Groups interface {
	// Create makes a group for the caller. A cfg without an id gets one from the host.
	Create(ctx context.Context, caller group.Caller, cfg group.Config) (group.Info, error)
	// Update changes a group; patch is a JSON object as for Config.Update.
	Update(ctx context.Context, caller group.Caller, id wire.GroupID, patch []byte) (group.Info, error)
	// Close ends a group.
	Close(ctx context.Context, caller group.Caller, id wire.GroupID) error
	// List returns the groups that the caller may see in _groups.
	List(caller group.Caller) []group.Info
	// Subscribe has fn called after each change of what List or Role would say. fn returns at once, and
	// calls of it may be coalesced. After cancel has returned, fn is not called any more.
	Subscribe(fn func()) (cancel func())
	// Role returns what the peer is in a group, and whether it has a role there or is in its roster (for
	// a closed group: was, at its end). A group that never was has no members.
	Role(peer wire.PeerID, id wire.GroupID) (role wire.Role, in bool)
}
