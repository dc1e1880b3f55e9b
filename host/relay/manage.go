package relay

import (
	"cmp"
	"context"
	"slices"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Create makes a group. Only the site's owner may. A cfg without an id gets one.
func (r *Relay) Create(ctx context.Context, caller group.Caller, cfg group.Config) (group.Info, error) {
	if !caller.Owner {
		return group.Info{}, wire.E(wire.Forbidden, "only the site's owner may create groups here")
	}
	r.manage.Lock()
	defer r.manage.Unlock()
	if cfg.ID == "" {
		cfg.ID = group.NewID()
	}
	if r.hub(cfg.ID) != nil {
		return group.Info{}, wire.E(wire.Conflict, `a group with the id "`, string(cfg.ID), `" exists`)
	}
	cfg.Creator, cfg.CreatedAt = caller.Peer, time.Now().UnixMilli()
	h, err := r.create(ctx, cfg)
	if err != nil {
		return group.Info{}, err
	}
	return h.info(), nil
}

// Ensure makes a group of goop.json be there as it stands in the file. A group that exists under the id
// is changed where it can be. When the file wants what cannot be changed, the error is a conflict.
func (r *Relay) Ensure(ctx context.Context, cfg group.Config) error {
	r.manage.Lock()
	defer r.manage.Unlock()
	h := r.hub(cfg.ID)
	if h == nil {
		cfg.CreatedAt = time.Now().UnixMilli()
		_, err := r.create(ctx, cfg)
		return err
	}
	h.mu.Lock()
	old := h.cfg
	h.mu.Unlock()
	if old.Durable != cfg.Durable || old.Record != cfg.Record {
		return wire.E(wire.Conflict, `the group "`, string(cfg.ID), `" exists, and whether it is durable and its record table cannot be changed; close it first, or use another id`)
	}
	cfg.Creator, cfg.CreatedAt = old.Creator, old.CreatedAt
	return r.change(ctx, h, cfg)
}

// create is called with manage held.
func (r *Relay) create(ctx context.Context, cfg group.Config) (*hub, error) {
	r.mu.Lock()
	closing, groups := r.closing, len(r.hubs)
	r.mu.Unlock()
	switch {
	case closing:
		return nil, wire.E(wire.Closed, "the host is going down")
	case groups >= r.wire.Groups:
		return nil, wire.E(wire.LimitExceeded, "this host has as many groups as it takes")
	case cfg.Dissolve.Expires > 0 && cfg.Dissolve.Expires <= time.Now().UnixMilli():
		return nil, wire.E(wire.InvalidValue, `"dissolve.expires" is in the past`)
	}
	if cfg.Kept() && r.registry != nil {
		if err := r.registry.Save(ctx, cfg, group.PeopleChange{}); err != nil {
			return nil, err
		}
	}
	h, err := r.openHub(ctx, cfg)
	if err != nil {
		if cfg.Kept() && r.registry != nil {
			_ = r.registry.Remove(context.WithoutCancel(ctx), cfg.ID, nil) // the first error says more
		}
		return nil, err
	}
	r.log.Info("a group was made", "group", cfg.ID, "type", cfg.Type, "by", cfg.Creator)
	r.changed()
	return h, nil
}

// Update changes a group; patch is an object as for group.Config.Update.
func (r *Relay) Update(ctx context.Context, caller group.Caller, id wire.GroupID, patch []byte) (group.Info, error) {
	r.manage.Lock()
	defer r.manage.Unlock()
	h, err := r.allowed(caller, id, group.Manage)
	if err != nil {
		return group.Info{}, err
	}
	h.mu.Lock()
	old := h.cfg
	h.mu.Unlock()
	cfg, err := old.Update(patch)
	if err != nil {
		return group.Info{}, err
	}
	if err := r.change(ctx, h, cfg); err != nil {
		return group.Info{}, err
	}
	return h.info(), nil
}

// change puts another configuration in force. It is called with manage held.
func (r *Relay) change(ctx context.Context, h *hub, cfg group.Config) error {
	if cfg.Kept() && r.registry != nil {
		if err := r.registry.Save(ctx, cfg, group.PeopleChange{}); err != nil {
			return err
		}
	}
	restart, err := h.pause()
	if err != nil {
		return err
	}
	defer restart()
	if _, err := h.log.Open(ctx, cfg); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cfg = cfg
	h.seatsMayHaveChanged()
	h.rightsMayHaveChanged("")
	r.changed()
	return nil
}

// Close ends a group for everybody, and forgets it.
func (r *Relay) Close(ctx context.Context, caller group.Caller, id wire.GroupID) error {
	r.manage.Lock()
	defer r.manage.Unlock()
	h, err := r.allowed(caller, id, group.Close)
	if err != nil {
		return err
	}
	return r.remove(ctx, h, wire.ReasonClosed)
}

// remove ends a group: its queue is finished, it is forgotten, and then its sessions are told. When it
// cannot be forgotten, it goes on. It is called with manage held.
func (r *Relay) remove(ctx context.Context, h *hub, reason wire.Reason) error {
	ctx = context.WithoutCancel(ctx) // half of it must not be done
	restart, err := h.pause()
	if err != nil {
		return err
	}
	h.mu.Lock()
	cfg, roster := h.cfg, h.roster.Keep()
	h.mu.Unlock()
	if err := r.forget(ctx, h, &cfg, roster); err != nil {
		restart()
		return err
	}
	r.mu.Lock()
	delete(r.hubs, h.id)
	r.mu.Unlock()
	r.log.Info("a group has ended", "group", h.id, "reason", reason)
	h.endSessions(reason)
	r.changed()
	return nil
}

func (r *Relay) forget(ctx context.Context, h *hub, cfg *group.Config, roster []group.RosterPeer) error {
	if cfg.Kept() && r.registry != nil {
		if err := r.registry.Remove(ctx, h.id, roster); err != nil {
			return err
		}
		if cfg.Durable {
			return nil // the registry has removed the log too
		}
	}
	return h.log.Drop(ctx, h.id)
}

// allowed returns the hub of a group in which the caller has a right.
func (r *Relay) allowed(caller group.Caller, id wire.GroupID, right group.Right) (*hub, error) {
	h := r.hub(id)
	if h == nil {
		return nil, noSuchGroup()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	role := h.roleOf(caller)
	switch {
	case role != wire.RoleOwner && !h.mayJoin(caller.Peer):
		return nil, noSuchGroup()
	case !h.cfg.Allows(right, role, h.cfg.Seated(h.head.State, caller.Peer)):
		return nil, wire.E(wire.Forbidden, `you do not have the right "`, string(right), `" in this group`)
	}
	return h, nil
}

// List returns the groups that the caller may see in _groups, those created first in front: the listed
// ones that it may join, those that it created, and to the site's owner all.
func (r *Relay) List(caller group.Caller) []group.Info {
	var infos []group.Info
	for _, h := range r.allHubs() {
		h.mu.Lock()
		if h.shows(caller) {
			infos = append(infos, h.infoLocked())
		}
		h.mu.Unlock()
	}
	slices.SortFunc(infos, func(a, b group.Info) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return infos
}

// Role returns what a peer is in a group, and whether it has a role of its own there or is in the
// roster, the grace included. Of a closed group, the last roster counts.
func (r *Relay) Role(peer wire.PeerID, id wire.GroupID) (wire.Role, bool) {
	if h := r.hub(id); h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		role := r.roleOf(&h.cfg, peer)
		_, here := h.roster.Get(peer)
		if !here && role == wire.RoleMember {
			return "", false
		}
		return role, true
	}
	return r.lastRole(peer, id)
}

// lastRole is Role for a closed group.
func (r *Relay) lastRole(peer wire.PeerID, id wire.GroupID) (wire.Role, bool) {
	if r.registry == nil {
		return "", false
	}
	roster, err := r.registry.Roster(r.ctx, id)
	if err != nil {
		r.log.Error("a closed group's roster could not be read", "group", id, "err", err)
	}
	for _, p := range roster {
		switch {
		case p.Peer != peer:
		case p.Role == wire.RoleOwner && !r.isOwner(peer): // of the site, then
			return wire.RoleMember, true
		default:
			return p.Role, true
		}
	}
	return "", false
}

// Stats is what one group takes up.
type Stats struct {
	Group    wire.GroupID
	Members  int
	Sessions int
	Seq      int64
	Bytes    int // of its newest entries in memory, and of its state
	Waiting  int // bytes that wait for members to take them
}

// Stats returns the numbers of each group, in no order.
func (r *Relay) Stats() []Stats {
	var all []Stats
	for _, h := range r.allHubs() {
		h.mu.Lock()
		all = append(all, h.statsLocked())
		h.mu.Unlock()
	}
	return all
}

func (h *hub) statsLocked() Stats {
	stats := Stats{
		Group: h.id, Members: h.roster.Len(), Sessions: len(h.sessions), Seq: h.head.Seq,
		Bytes: h.window.bytes + h.head.State.Size(),
	}
	for _, s := range h.sessions {
		stats.Waiting += s.waiting()
	}
	return stats
}

// roleOf is called with mu held.
func (h *hub) roleOf(caller group.Caller) wire.Role {
	if caller.Owner {
		return wire.RoleOwner
	}
	return h.r.roleOf(&h.cfg, caller.Peer)
}

// shows reports whether the group is in the caller's list. It is called with mu held.
func (h *hub) shows(caller group.Caller) bool {
	role := h.roleOf(caller)
	if role != wire.RoleMember {
		return true
	}
	if h.cfg.Access == group.Invited {
		_, here := h.roster.Get(caller.Peer)
		return here
	}
	return h.cfg.Listed
}

func (h *hub) info() group.Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.infoLocked()
}

func (h *hub) infoLocked() group.Info {
	return group.Info{Config: h.cfg, Members: h.roster.Len(), SeatHolders: h.holders}
}
