package group

import (
	"slices"

	"goop/shared/wire"
)

// defaultRights is what each role may do where a group says nothing else:
//
//	owner      everything, always
//	moderator  send, state, close, manage, invite, kick, setRole, redact, seeMembers
//	member     send, state, seeMembers
//	viewer     seeMembers
//
// Holding a seat gives nothing by itself.
var defaultRights = Rights{
	Send:     {wire.RoleModerator, wire.RoleMember},
	SetState: {wire.RoleModerator, wire.RoleMember},
	Close:    {wire.RoleModerator},
	Manage:   {wire.RoleModerator},
	InviteTo: {wire.RoleModerator},
	Kick:     {wire.RoleModerator},
	SetRole:  {wire.RoleModerator},
	Redact:   {wire.RoleModerator},
	SeeAll:   {wire.RoleModerator, wire.RoleMember, wire.RoleViewer},
}

// rightNames are all rights, in the order in which they are written.
var rightNames = []Right{Send, SetState, Close, Manage, InviteTo, Kick, SetRole, Redact, SeeAll}

// roleNames are the roles that a Rights table may name.
var roleNames = []wire.Role{wire.RoleOwner, wire.RoleModerator, wire.RoleMember, wire.RoleViewer, Seat}

// Allows reports whether somebody of this role, who holds a seat or does not, has a right. The list
// that a group gives for a right is exact: whoever is not in it, the owner apart, does not have it.
// Who has no role ("") has no rights.
func (c *Config) Allows(right Right, role wire.Role, seated bool) bool {
	if role == wire.RoleOwner {
		return true
	}
	if role == "" {
		return false
	}
	roles, ok := c.Rights[right]
	if !ok {
		roles = defaultRights[right]
	}
	return slices.Contains(roles, role) || seated && slices.Contains(roles, Seat)
}

// RightsOf lists what Allows would allow.
func (c *Config) RightsOf(role wire.Role, seated bool) []string {
	var list []string
	for _, right := range rightNames {
		if c.Allows(right, role, seated) {
			list = append(list, string(right))
		}
	}
	return list
}

// AsksForSeat reports whether it matters for a right whether somebody holds a seat.
func (c *Config) AsksForSeat(right Right) bool { return slices.Contains(c.Rights[right], Seat) }
