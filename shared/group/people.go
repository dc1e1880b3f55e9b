package group

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Standing is what a group remembers of one peer, in the roster or not: the role that it was given there,
// or that it is banned. One with neither stands for nothing to remember.
type Standing struct {
	Peer   wire.PeerID
	Role   wire.Role // moderator, member or viewer; "" for none of its own
	Banned bool
	By     wire.PeerID // who gave it; "" for the host's operator
	Since  int64       // milliseconds
}

// Empty reports whether there is nothing to remember.
func (s *Standing) Empty() bool { return s.Role == "" && !s.Banned }

// InviteID names an invite to those who may manage it. It tells nothing about the token.
type InviteID string

// Invite lets whoever has its token into a group, with a role. The token itself is kept nowhere.
type Invite struct {
	ID      InviteID
	Hash    [sha256.Size]byte // of the token
	Role    wire.Role         // moderator, member or viewer
	Uses    int               // peers that it lets in; at least 1
	Used    int               // peers that it has let in
	Expires int64             // milliseconds
	By      wire.PeerID       // who made it; "" for the host's operator
	Created int64             // milliseconds
}

// InviteRequest is what an invite is asked for with. The zero value of a field stands for its default:
// role member, DefaultInviteUse, DefaultInviteAge from now.
type InviteRequest struct {
	Role    wire.Role
	Uses    int
	Expires int64 // milliseconds since 1970
}

// InviteInfo is what those who may manage invites see of one, in the view _invites.
type InviteInfo struct {
	Group wire.GroupID
	Invite
}

// PersonInfo is what is known of one peer in one group, in the view _peers: those who are there, and to
// those who may manage people also those who are not and have a standing.
type PersonInfo struct {
	Group    wire.GroupID
	Peer     wire.PeerID
	Label    string    // "" when it is not there
	Role     wire.Role // as it counts now; "" when it is banned, or needs an invite
	Banned   bool
	Given    bool        // the role is one of its own, or it is banned: By and Since tell more
	By       wire.PeerID // "" for the host's operator
	Since    int64       // milliseconds; 0 when nothing was given
	Sessions int         // 0 when it is not there, or has just lost its connection
	Joined   int64       // milliseconds; 0 when it is not there
}

// GroupStats is how a group stands, and how a caller's own sessions in it do.
type GroupStats struct {
	Epoch    wire.Epoch
	Seq      int64 // of the newest entry
	Members  int   // peers in the roster
	Sessions int
	Own      int   // sessions of the caller; those that follow are about them
	Lag      int64 // entries that the slowest of them has not been sent
	Resyncs  int   // whole states instead of entries, all sessions together
	Waiting  int   // bytes that wait for it to take them, all sessions together
}

// Append appends the numbers as JSON.
func (s *GroupStats) Append(dst []byte) []byte {
	w := jsontext.Writer{B: dst}
	w.Begin('{')
	w.Key("epoch")
	w.Str(string(s.Epoch))
	for _, f := range []struct {
		key string
		n   int64
	}{
		{"seq", s.Seq}, {"members", int64(s.Members)}, {"sessions", int64(s.Sessions)}, {"own", int64(s.Own)},
		{"lag", s.Lag}, {"resyncs", int64(s.Resyncs)}, {"waiting", int64(s.Waiting)},
	} {
		w.Key(f.key)
		w.Int(f.n)
	}
	w.End('}')
	return w.B
}

// Bounds of invites, and what those that are asked for without numbers get.
const (
	MaxInvites       = 1000 // of one group that are good for something
	MaxInviteUses    = 10_000
	DefaultInviteUse = 1
	MaxInviteAge     = 366 * 24 * 60 * 60 * 1000 // milliseconds
	DefaultInviteAge = 7 * 24 * 60 * 60 * 1000
	MaxStandings     = 20_000 // of one group
	MaxParting       = 500    // bytes of what a peer is told that is kicked or banned
)

// HashToken returns what is kept of a token.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// IDOf returns the id of the invite with a hash.
func IDOf(hash [sha256.Size]byte) InviteID {
	again := sha256.Sum256(hash[:])
	return InviteID(hex.EncodeToString(again[:8]))
}

// Good reports whether the invite lets one more peer in.
func (i *Invite) Good(now int64) bool { return i.Used < i.Uses && now < i.Expires }

// PeopleChange is what is to be kept about a group's people, all of it or nothing.
type PeopleChange struct {
	Standings []Standing // those that are Empty are forgotten
	Invites   []Invite   // made, or used once more
	Revoked   []InviteID
}

// Saved is all that is kept of a group beside its log.
type Saved struct {
	Config    Config
	Standings []Standing
	Invites   []Invite
}

// ranks are the roles in a group, the highest first.
var ranks = []wire.Role{wire.RoleOwner, wire.RoleModerator, wire.RoleMember, wire.RoleViewer}

// Outranks reports whether a role is higher than another one. Every role is higher than none.
func Outranks(a, b wire.Role) bool { return rank(a) < rank(b) }

func rank(r wire.Role) int {
	if i := slices.Index(ranks, r); i >= 0 {
		return i
	}
	return len(ranks)
}

// Grantable reports whether a peer can be given a role in a group. The owner's is the site's to give.
func Grantable(r wire.Role) bool {
	return r == wire.RoleModerator || r == wire.RoleMember || r == wire.RoleViewer
}

// Template lets visitors make groups of one kind: all but the name is as the site's author wrote it.
type Template struct {
	Name   string
	Config Config // without an id
	Each   int    // groups of it that one peer has made and that are still there
	Total  int    // groups of it in all
}
