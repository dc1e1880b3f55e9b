package group

import (
	"time"

	"goop/shared/wire"
)

// Access tells who may join a group.
type Access string

const (
	Open    Access = "open"   // everybody
	Invited Access = "invite" // members, invited peers and the owner; to others it does not exist
)

// Config is what a group is, as created from goop.json, by Goop.group.create or by an insert into
// _groups. Its JSON form, with the same names in camelCase, is read by ParseConfig.
type Config struct {
	ID         wire.GroupID
	Name       string // shown to people; at most MaxName bytes
	Type       Preset
	Durable    bool // log and state on disk
	Access     Access
	Listed     bool // shown in _groups to those who may see it
	Dissolve   Dissolve
	Retain     Retain
	MaxMembers int    // peers; 0 for the host's own bound
	Record     string // the table that each message becomes a row of, or ""
	Seats      []string
	Rights     Rights
	Template   string      // the name of the template of goop.json that it was made from, or ""
	Creator    wire.PeerID // "" for groups of goop.json
	CreatedAt  int64       // milliseconds
}

// Preset names a set of defaults; each field can be set by itself.
type Preset string

const (
	Ephemeral  Preset = "ephemeral"
	Persistent Preset = "persistent"
	OpenGroup  Preset = "open"
	InviteOnly Preset = "invite-only"
)

// Dissolve is the group's own rule for ending. The zero value never does.
type Dissolve struct {
	Empty   time.Duration // after the last peer is gone for this long; JSON: dissolve.empty in milliseconds
	Expires int64         // at this moment, in milliseconds; JSON: dissolve.expires
}

// Retain bounds what the group's log keeps for those who come back and for history. A field that is 0
// has the host's own bound, and none is wider than that.
type Retain struct {
	Count int           // entries
	Bytes int           // of payloads and patches
	Age   time.Duration // of an entry; JSON: retain.age in milliseconds
}

// Since returns the time, in milliseconds, of the oldest entries that are kept now; 0 for any.
func (r Retain) Since(now int64) int64 {
	if r.Age <= 0 {
		return 0
	}
	return now - r.Age.Milliseconds()
}

// Right is something that a role may or may not do in a group.
type Right string

const (
	Send     Right = "send"       // msg frames
	SetState Right = "state"      // state frames
	Close    Right = "close"      // group.close
	Manage   Right = "manage"     // group.update
	InviteTo Right = "invite"     // group.invite
	Kick     Right = "kick"       // group.kick, group.ban
	SetRole  Right = "setRole"    // group.setRole
	Redact   Right = "redact"     // msg frames with redact
	SeeAll   Right = "seeMembers" // the roster
)

// Seat is, in a Rights table, whoever holds one of the group's seats, whatever the role.
const Seat wire.Role = "seat"

// Rights lists, per right, the roles that have it (and Seat). A right that is absent has its default.
// The owner has every right always.
type Rights map[Right][]wire.Role
