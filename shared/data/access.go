package data

import (
	"slices"
	"strings"

	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// Action is what a caller wants to do with a row.
type Action string

const (
	Read   Action = "read"
	Insert Action = "insert"
	Update Action = "update"
	Remove Action = "remove"
)

// Who names the callers that a Rule lets through.
type Who string

const (
	// Everybody lets every member through.
	Everybody Who = "open"
	// Members lets those through who have a role in the group that the row names in its memberOf column,
	// or are in that group's roster. A closed group keeps its last roster.
	Members Who = "member"
	// HasRole ("role:moderator") lets those through who have the role in that group, or a higher one:
	// owner, moderator, member, viewer.
	HasRole Who = "role"
	// Author lets those through whose peer id is the row's _owner. A new row is its inserter's, so that
	// an insert rule of "author" lets everybody through.
	Author Who = "author"
	// SiteOwner lets the owners of the site through, whom every other rule but "none" lets through too.
	SiteOwner Who = "owner"
	// Nobody refuses all, the site's owners included: only the host itself touches such rows, when it
	// records a group's messages.
	Nobody Who = "none"
)

// Rule tells who may do one thing. In goop.json it is a string such as "member" or "role:moderator", or
// an object with that string as "who". The zero Rule is "owner".
type Rule struct {
	Who  Who
	Role wire.Role // of HasRole
	// If has to be true for the row as well, nil for no condition: of an insert for the new row, of an
	// update for the row before. The site's owner is not asked.
	If *Where
	// Then has to be true, of an update, for the row after. ParseSite sets it to If where the author says
	// nothing else.
	Then *Where
}

// Access has a rule for each Action.
type Access struct{ Read, Insert, Update, Remove Rule }

// Rule returns the rule for an action.
func (a *Access) Rule(action Action) Rule {
	switch action {
	case Read:
		return a.Read
	case Insert:
		return a.Insert
	case Update:
		return a.Update
	case Remove:
		return a.Remove
	}
	return Rule{Who: Nobody}
}

// Grant is what a Rule comes to for one caller.
type Grant struct {
	Kind GrantKind
	Peer wire.PeerID // the caller
	// Least is, for GroupRows, the lowest role that is enough; "" for any, and for none at all when the
	// peer is in the roster.
	Least wire.Role
	// If and Then have to be true for the row too; nil for no condition. See Rule.
	If, Then *Where
}

// GrantKind tells for which rows a grant is good.
type GrantKind byte

const (
	NoRows    GrantKind = iota
	AllRows             //
	OwnRows             // those whose _owner is the peer
	GroupRows           // those whose group the peer belongs to
)

// For returns what the rule comes to for a caller.
func (r Rule) For(c group.Caller) Grant {
	switch {
	case r.Who == Nobody:
		return Grant{}
	case c.Owner:
		return Grant{Kind: AllRows, Peer: c.Peer}
	}
	g := Grant{Peer: c.Peer, If: r.If, Then: r.Then}
	switch r.Who {
	case Everybody:
		g.Kind = AllRows
	case Author:
		g.Kind = OwnRows
	case Members:
		g.Kind = GroupRows
	case HasRole:
		g.Kind, g.Least = GroupRows, r.Role
	default:
		return Grant{}
	}
	return g
}

// Enough reports whether somebody with a role, and in or out of the roster, gets what a grant for
// GroupRows gives.
func (g Grant) Enough(role wire.Role, in bool) bool {
	if g.Least == "" {
		return in || rank(role) > 0
	}
	return rank(role) >= rank(g.Least)
}

// roles are ordered: each is worth all that come after it.
var roles = []wire.Role{wire.RoleOwner, wire.RoleModerator, wire.RoleMember, wire.RoleViewer}

var roleNames = []string{string(wire.RoleOwner), string(wire.RoleModerator), string(wire.RoleMember), string(wire.RoleViewer)}

// rank is higher for a higher role, and 0 for none.
func rank(r wire.Role) int {
	if i := slices.Index(roles, r); i >= 0 {
		return len(roles) - i
	}
	return 0
}

// String returns whom the rule lets through, as goop.json has it.
func (r Rule) String() string {
	switch r.Who {
	case "":
		return string(SiteOwner)
	case HasRole:
		return string(HasRole) + ":" + string(r.Role)
	}
	return string(r.Who)
}

// ruleNames lists what parseRule accepts.
var ruleNames = []string{"open", "member", "role:owner", "role:moderator", "role:member", "role:viewer", "author", "owner", "none"}

func parseRule(s string) (Rule, bool) {
	if !slices.Contains(ruleNames, s) {
		return Rule{}, false
	}
	who, role, _ := strings.Cut(s, ":")
	return Rule{Who: Who(who), Role: wire.Role(role)}, true
}

// needsGroup reports whether the rule asks for the row's group.
func (r Rule) needsGroup() bool { return r.Who == Members || r.Who == HasRole }

// append writes the four rules, of a condition only that there is one.
func (a *Access) append(w *jsontext.Writer) {
	w.Begin('{')
	for _, action := range []Action{Read, Insert, Update, Remove} {
		w.Key(string(action))
		r := a.Rule(action)
		if r.If == nil && r.Then == nil {
			w.Str(r.String())
			continue
		}
		w.Begin('{')
		w.Key("who")
		w.Str(r.String())
		w.Key("if")
		w.Bool(true)
		w.End('}')
	}
	w.End('}')
}
