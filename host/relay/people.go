package relay

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// people is what a group remembers of peers whether they are there or not, and the invites that it has
// out. The hub's mutex guards it; it changes only while the hub's changes are held, and only to what the
// registry has kept before.
type people struct {
	standings map[wire.PeerID]group.Standing
	invites   map[[sha256.Size]byte]group.Invite
}

func peopleOf(saved *group.Saved) people {
	p := people{map[wire.PeerID]group.Standing{}, map[[sha256.Size]byte]group.Invite{}}
	p.apply(&group.PeopleChange{Standings: saved.Standings, Invites: saved.Invites})
	return p
}

func (p *people) apply(c *group.PeopleChange) {
	for _, s := range c.Standings {
		if s.Empty() {
			delete(p.standings, s.Peer)
		} else {
			p.standings[s.Peer] = s
		}
	}
	for _, i := range c.Invites {
		p.invites[i.Hash] = i
	}
	if len(c.Revoked) > 0 {
		maps.DeleteFunc(p.invites, func(_ [sha256.Size]byte, i group.Invite) bool { return slices.Contains(c.Revoked, i.ID) })
	}
}

// room returns an error when so many more peers would be too many to remember.
func (p *people) room(more int) error {
	if len(p.standings)+more > group.MaxStandings {
		return wire.E(wire.LimitExceeded, "this group remembers as many peers as it can; close it, or take bans back")
	}
	return nil
}

// give returns a change that gives a peer a role, nil when it has that already.
func (p *people) give(peer wire.PeerID, role wire.Role, by wire.PeerID) (*group.PeopleChange, error) {
	old, known := p.standings[peer]
	if old.Role == role && !old.Banned {
		return nil, nil
	}
	if !known {
		if err := p.room(1); err != nil {
			return nil, err
		}
	}
	return &group.PeopleChange{Standings: []group.Standing{{Peer: peer, Role: role, By: by, Since: time.Now().UnixMilli()}}}, nil
}

// made lists the invites that a peer has made and that are too good for one of this role.
func (h *hub) made(by wire.PeerID, role wire.Role) []group.InviteID {
	may := h.cfg.Allows(group.InviteTo, role, false)
	var made []group.InviteID
	for _, i := range h.people.invites {
		if i.By == by && by != "" && (!may || group.Outranks(i.Role, role)) {
			made = append(made, i.ID)
		}
	}
	return made
}

// good reports whether an invite lets one more peer in. One that gives more than its maker is now does not:
// of an owner from whom the site was taken, the group has only heard, and maybe while it was not there. It
// is called with mu held.
func (h *hub) good(i *group.Invite, now time.Time) bool {
	return i.Good(now.UnixMilli()) && (i.By == "" || !group.Outranks(i.Role, h.roleOf(i.By)))
}

// stale lists the invites that let nobody in any more. It is called with mu held.
func (h *hub) stale(now time.Time) []group.InviteID {
	var stale []group.InviteID
	for _, i := range h.people.invites {
		if !h.good(&i, now) {
			stale = append(stale, i.ID)
		}
	}
	return stale
}

// forgetStale forgets the invites of a group that let nobody in any more.
func (r *Relay) forgetStale(ctx context.Context, id wire.GroupID) error {
	h := r.hub(id)
	return h.amend(ctx, func() (*group.PeopleChange, error) {
		if stale := h.stale(time.Now()); len(stale) > 0 {
			return &group.PeopleChange{Revoked: stale}, nil
		}
		return nil, nil
	}, nil)
}

// ownRole returns the role that a peer has in the group by more than by its being open to everybody, ""
// for none. It is called with mu held.
func (h *hub) ownRole(peer wire.PeerID) wire.Role {
	standing := h.people.standings[peer]
	switch {
	case h.r.isOwner(peer):
		return wire.RoleOwner
	case standing.Banned:
		return ""
	case standing.Role != "":
		return standing.Role
	case peer != "" && peer == h.cfg.Creator:
		return wire.RoleModerator
	}
	return ""
}

// roleOf is the one place that says what a peer is in a group: "" when the group is not for it. It is
// called with mu held.
func (h *hub) roleOf(peer wire.PeerID) wire.Role {
	role := h.ownRole(peer)
	if role == "" && h.cfg.Access != group.Invited && !h.banned(peer) {
		return wire.RoleMember
	}
	return role
}

// banned reports whether a peer was sent away for good. It is called with mu held.
func (h *hub) banned(peer wire.PeerID) bool {
	return h.people.standings[peer].Banned && !h.r.isOwner(peer)
}

// callerRole is roleOf for a caller. It is called with mu held.
func (h *hub) callerRole(caller group.Caller) wire.Role {
	if caller.Owner {
		return wire.RoleOwner
	}
	return h.roleOf(caller.Peer)
}

// admits returns nil when the group is there for a caller, and else what it is told. It is called with mu
// held.
func (h *hub) admits(caller group.Caller) error {
	switch {
	case h.callerRole(caller) != "":
		return nil
	case h.banned(caller.Peer):
		return youAreBanned()
	}
	return noSuchGroup()
}

// visible returns the hub of a group that is there for a caller.
func (r *Relay) visible(caller group.Caller, id wire.GroupID) (*hub, error) {
	h := r.hub(id)
	if h == nil {
		return nil, noSuchGroup()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h, h.admits(caller)
}

// allowed returns the hub of a group in which the caller has a right.
func (r *Relay) allowed(caller group.Caller, id wire.GroupID, right group.Right) (*hub, error) {
	h := r.hub(id)
	if h == nil {
		return nil, noSuchGroup()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h, h.allows(caller, right)
}

// allows returns nil when a caller has a right. It is called with mu held.
func (h *hub) allows(caller group.Caller, right group.Right) error {
	if err := h.admits(caller); err != nil {
		return err
	}
	if h.cfg.Allows(right, h.callerRole(caller), h.cfg.Seated(h.head.State, caller.Peer)) {
		return nil
	}
	return wire.E(wire.Forbidden, `you do not have the right "`, string(right), `" in this group`)
}

// hold lets one at a time change the group's people, its configuration, or end it: what is kept of them and
// what is in force are the same whenever nobody holds it. It fails when ctx is over, or when the group or
// the relay has ended.
func (h *hub) hold(ctx context.Context) error {
	select {
	case h.changes <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	h.mu.Lock()
	over := h.phase != running // nobody holds it up: that would be a pause
	h.mu.Unlock()
	switch {
	case !over:
		return nil
	case h.r.isClosing():
		h.release()
		return wire.E(wire.Closed, "the host is going down")
	}
	h.release()
	return noSuchGroup()
}

func (h *hub) release() { <-h.changes }

// amend changes the group's people: plan, called with mu held, says how, or nil for not at all; then that
// is kept; then it is in force, and after, which may be nil, is called with mu still held.
func (h *hub) amend(ctx context.Context, plan func() (*group.PeopleChange, error), after func()) error {
	if err := h.hold(ctx); err != nil {
		return err
	}
	defer h.release()
	h.mu.Lock()
	change, err := plan()
	cfg := h.cfg
	h.mu.Unlock()
	if err != nil {
		return err
	}
	if change == nil {
		change = &group.PeopleChange{}
	} else if cfg.Kept() && h.r.registry != nil {
		if err := h.r.registry.Note(context.WithoutCancel(ctx), h.id, *change); err != nil { // kept or not, and no doubt about it
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.people.apply(change)
	if after != nil {
		after()
	}
	for _, s := range change.Standings {
		h.roleMayHaveChanged(s.Peer)
	}
	h.r.changed()
	return nil
}

// amendAs is amend for a caller with a right.
func (r *Relay) amendAs(ctx context.Context, caller group.Caller, id wire.GroupID, right group.Right, plan func(h *hub) (*group.PeopleChange, error), after func(h *hub)) error {
	h := r.hub(id)
	if h == nil {
		return noSuchGroup()
	}
	return h.amend(ctx, func() (*group.PeopleChange, error) {
		if err := h.allows(caller, right); err != nil {
			return nil, err
		}
		return plan(h)
	}, func() {
		if after != nil {
			after(h)
		}
	})
}

// roleMayHaveChanged has everybody told of the role that a peer has now. It is called with mu held.
func (h *hub) roleMayHaveChanged(peer wire.PeerID) {
	h.roster.SetRole(peer, h.roleOf(peer))
	h.rightsMayHaveChanged(peer)
	h.poke()
}

// ownersMayHaveChanged looks at everybody's role again. Who was in a group as an owner, and is not one any
// more, has no business in one that is for those who are invited.
func (h *hub) ownersMayHaveChanged() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.roster.Members() {
		if h.roleOf(m.Peer) == "" {
			h.expel(m.Peer, wire.ReasonKicked, "")
		} else {
			h.roleMayHaveChanged(m.Peer)
		}
	}
}

// People returns what the caller may know of the peers of a group, or of all groups when id is "": those
// that are there to who may see them, and to who may invite, kick or set roles also the others that the group
// remembers. Of a group that is not for the caller there is nothing.
func (r *Relay) People(caller group.Caller, id wire.GroupID) []group.PersonInfo {
	var hubs []*hub
	if id == "" {
		hubs = r.allHubs()
		slices.SortFunc(hubs, func(a, b *hub) int { return compareIDs(a.id, b.id) })
	} else if h := r.hub(id); h != nil {
		hubs = []*hub{h}
	}
	var all []group.PersonInfo
	for _, h := range hubs {
		all = h.appendPeople(all, caller)
	}
	return all
}

func (h *hub) appendPeople(all []group.PersonInfo, caller group.Caller) []group.PersonInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	manages := false
	for _, right := range []group.Right{group.InviteTo, group.Kick, group.SetRole} {
		manages = manages || h.allows(caller, right) == nil
	}
	if !manages && h.allows(caller, group.SeeAll) != nil {
		return all
	}
	first := len(all)
	for _, m := range h.roster.Members() {
		all = append(all, group.PersonInfo{
			Group: h.id, Peer: m.Peer, Label: m.Label, Role: h.roleOf(m.Peer), Sessions: m.Sessions, Joined: m.Joined,
		})
	}
	if !manages {
		return all
	}
	for i := first; i < len(all); i++ {
		if s, ok := h.people.standings[all[i].Peer]; ok {
			all[i].Banned, all[i].Given, all[i].By, all[i].Since = h.banned(s.Peer), true, s.By, s.Since
		}
	}
	absent := len(all)
	for peer, s := range h.people.standings {
		if _, here := h.roster.Get(peer); !here {
			all = append(all, group.PersonInfo{
				Group: h.id, Peer: peer, Role: h.roleOf(peer), Banned: h.banned(peer), Given: true, By: s.By, Since: s.Since,
			})
		}
	}
	slices.SortFunc(all[absent:], func(a, b group.PersonInfo) int { return compareIDs(a.Peer, b.Peer) })
	return all
}
