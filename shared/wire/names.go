package wire

// Protocol ids, as both sides hand them to multistream.
const (
	GroupProtocol = "/goop/group/1.0.0"
	DataProtocol  = "/goop/data/1.0.0"
	SiteProtocol  = "/goop/site/1.0.0"
)

// HostPath is where a host's descriptor lies on its HTTP front.
const HostPath = "/goop/host.json"

// PeerID is a libp2p peer id in its base58 text form, such as
// "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf". It always comes from a handshake.
type PeerID string

// GroupID names a group of one host: 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', such as "chess-42".
type GroupID string

// SessionID names one page load of a peer: 1 to 64 of the characters of a GroupID, chosen at random
// by the member.
type SessionID string

// Epoch names one life of a group's log; it is compared for equality alone.
type Epoch string

// Role is what a peer is in one group.
type Role string

// The roles of a group, and those of the whole site.
const (
	RoleOwner     Role = "owner" // also of the site: the host's operator
	RoleModerator Role = "moderator"
	RoleMember    Role = "member"
	RoleViewer    Role = "viewer"

	RoleVisitor Role = "visitor" // of the site: everybody but its owners
)

// Type is the type of a frame of the group protocol. There are exactly these eight; new needs become
// fields.
type Type string

const (
	TypeJoin    Type = "join"
	TypeWelcome Type = "welcome"
	TypeMembers Type = "members"
	TypeMsg     Type = "msg"
	TypeState   Type = "state"
	TypeLeave   Type = "leave"
	TypeClose   Type = "close"
	TypeError   Type = "error"
)

// Reason tells why a group ended for a member (in a close frame), or why a peer left the roster.
type Reason string

const (
	ReasonClosed    Reason = "closed"    // close: somebody with the right to do so closed the group
	ReasonDissolved Reason = "dissolved" // close: the group's own rule ended it
	ReasonKicked    Reason = "kicked"    // close and roster
	ReasonBanned    Reason = "banned"    // close and roster
	ReasonShutdown  Reason = "shutdown"  // close: the host is going down; the group goes on when it is back
	ReasonTooSlow   Reason = "too_slow"  // close: the member did not read for too long

	ReasonLeft    Reason = "left"    // roster: by its own will
	ReasonDropped Reason = "dropped" // roster: the connection was lost, and the grace is over
)

// What a join's caps may hold.
const (
	CapDelta     = "delta"     // asks for roster changes instead of whole rosters
	CapDatagrams = "datagrams" // reads datagrams, where its connection has them
)

// Position is a place in a group's log: after entry Seq of the log's life Epoch.
type Position struct {
	Epoch Epoch
	Seq   int64
}

// ValidID reports whether s may be a GroupID or a SessionID.
func ValidID(s string) bool {
	if len(s) == 0 || len(s) > MaxID {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
