package dataserve

import (
	"context"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// Groups is what the data protocol asks of the relay. Errors that a member may see are *wire.Error.
type Groups interface {
	People

	// Create makes a group for the caller. A cfg without an id gets one from the host.
	Create(ctx context.Context, caller group.Caller, cfg group.Config) (group.Info, error)
	// Update changes a group; patch is a JSON object as for Config.Update.
	Update(ctx context.Context, caller group.Caller, id wire.GroupID, patch []byte) (group.Info, error)
	// Close ends a group.
	Close(ctx context.Context, caller group.Caller, id wire.GroupID) error
	// List returns the groups that the caller may see in _groups.
	List(caller group.Caller) []group.Info
	// Subscribe has fn called after each change of what List, Role, Invites or People would say. fn
	// returns at once, and calls of it may be coalesced. After cancel has returned, fn is not called any
	// more.
	Subscribe(fn func()) (cancel func())
	// Send appends a message to a durable group, together with what the draft has With it, and returns
	// when that is on the disk. The caller needs the right to send there.
	Send(ctx context.Context, caller group.Caller, id wire.GroupID, d group.Draft) (group.Result, error)
	// Role returns what the peer is in a group, and whether it has a role there or is in its roster (for
	// a closed group: was, at its end). A group that never was has no members.
	Role(peer wire.PeerID, id wire.GroupID) (role wire.Role, in bool)
}

// People is what the data protocol asks of the relay about those who are in groups, or may be. Errors
// that a member may see are *wire.Error; a group that the caller may not know of is no_such_group.
type People interface {
	// Invite makes an invite. The token is kept nowhere.
	Invite(ctx context.Context, caller group.Caller, id wire.GroupID, req group.InviteRequest) (token string, inv group.Invite, err error)
	// Admit lets a peer in that needs no token then.
	Admit(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error
	Revoke(ctx context.Context, caller group.Caller, id wire.GroupID, invite group.InviteID) error
	// Kick and Ban end the sessions of a peer, which is told message. Nothing sequenced reaches it
	// after they have returned.
	Kick(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, message string) error
	Ban(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, message string) error
	Unban(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID) error
	SetRole(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error
	// History returns up to limit entries before one, or the newest ones (before 0), of those that the
	// caller may see, the oldest first. states asks for changes of the state too.
	History(ctx context.Context, caller group.Caller, id wire.GroupID, before int64, limit int, states bool) ([]group.Entry, error)
	// GroupStats returns how a group stands, and how the caller's sessions in it do.
	GroupStats(caller group.Caller, id wire.GroupID) (group.GroupStats, error)
	// Invites returns the invites that have not expired of the groups where the caller may make some, in
	// any order.
	Invites(caller group.Caller) []group.InviteInfo
	// People returns what the caller may see of a group's people, in any order.
	People(caller group.Caller, id wire.GroupID) []group.PersonInfo
}

// Tables is what the data protocol asks of the store. Each call is done within the caller's rights.
// Errors that a member may see are *wire.Error.
type Tables interface {
	Query(ctx context.Context, c group.Caller, q *data.Query) (data.Page, error)
	Count(ctx context.Context, c group.Caller, q *data.Query) (int64, error)
	// Get returns one row, with the columns of q; the rest of q does not count.
	Get(ctx context.Context, c group.Caller, q *data.Query, id data.Value) (data.Row, error)
	// Aggregate returns numbers about rows, as rows of their own.
	Aggregate(ctx context.Context, c group.Caller, a *data.Aggregate) ([]data.Row, error)
	// SQL runs one statement of the site's owner, and returns the fields of the answer as a JSON object. One
	// that changes something is done once for a key.
	SQL(ctx context.Context, c group.Caller, key data.WriteKey, text string, params []data.Value) (answer []byte, err error)

	// Do makes changes, all of them or none, unless they have been made under the same key before. For
	// each it returns the fields of its answer as a JSON object. None of them is a send.
	Do(ctx context.Context, c group.Caller, key data.WriteKey, writes []data.Write) (answers [][]byte, err error)
	// Join prepares changes, one of which is a send, to be made in the transaction that appends its message.
	Join(ctx context.Context, c group.Caller, key data.WriteKey, writes []data.Write) (data.Joined, error)

	// Watch calls emit with what a query comes to now, and again whenever that changes, until ctx ends or
	// emit fails. plan is asked each time who the caller is and what it wants to know; it returns the same
	// query as long as that is the same, and its error ends the watch.
	Watch(ctx context.Context, plan func() (group.Caller, *data.Query, error), emit func(*data.Result) error) error

	// Answered returns the answer that was kept under a key, nil when there is none. Keep keeps one for
	// 24 hours. They are for what is not done in the store.
	Answered(ctx context.Context, peer wire.PeerID, key data.WriteKey) ([]byte, error)
	Keep(ctx context.Context, peer wire.PeerID, key data.WriteKey, answer []byte) error
}

// Owners knows who owns the site.
type Owners interface {
	IsOwner(peer wire.PeerID) bool
	// Claim makes the peer an owner by the secret of an owner link.
	Claim(ctx context.Context, peer wire.PeerID, secret string) error
}
