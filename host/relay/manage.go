package relay

import (
	"cmp"
	"context"
	"slices"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Create makes a group: for the site's owner any, for others one of a template, of which cfg gives the name
// and perhaps its own. The creator moderates it. A cfg without an id gets one.
func (r *Relay) Create(ctx context.Context, caller group.Caller, cfg group.Config) (group.Info, error) {
	r.manage.Lock()
	defer r.manage.Unlock()
	if !caller.Owner {
		var err error
		if cfg, err = r.fromTemplate(caller.Peer, &cfg); err != nil {
			return group.Info{}, err
		}
	}
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
	r.log.Info("a group was made", "group", cfg.ID, "type", cfg.Type, "by", cfg.Creator)
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
	return r.change(ctx, h, cfg, "")
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
	h, err := r.openHub(ctx, &group.Saved{Config: cfg})
	if err != nil {
		if cfg.Kept() && r.registry != nil {
			_ = r.registry.Remove(context.WithoutCancel(ctx), cfg.ID, nil) // the first error says more
		}
		return nil, err
	}
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
	if err := mayChange(caller, &old, &cfg); err != nil {
		return group.Info{}, err
	}
	if err := r.change(ctx, h, cfg, caller.Peer); err != nil {
		return group.Info{}, err
	}
	return h.info(), nil
}

// change puts another configuration in force, for a peer or, when by is "", for the host's operator. It is
// called with manage held.
func (r *Relay) change(ctx context.Context, h *hub, cfg group.Config, by wire.PeerID) error {
	if err := h.hold(ctx); err != nil {
		return err
	}
	defer h.release()
	restart, err := h.pause()
	if err != nil {
		return err
	}
	defer restart()
	h.mu.Lock()
	stay, err := h.staying(&cfg, by)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	if cfg.Kept() && r.registry != nil {
		if err := r.registry.Save(context.WithoutCancel(ctx), cfg, stay); err != nil {
			return err
		}
	}
	if _, err := h.log.Open(ctx, cfg); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cfg = cfg
	h.people.apply(&stay)
	h.seatsMayHaveChanged()
	h.rightsMayHaveChanged("")
	r.changed()
	return nil
}

// staying returns what has to be remembered of those who are in the group because it is open to everybody,
// when it will be no longer: they stay. It is called with mu held, during a pause.
func (h *hub) staying(next *group.Config, by wire.PeerID) (change group.PeopleChange, err error) {
	if h.cfg.Access == group.Invited || next.Access != group.Invited {
		return change, nil
	}
	now := time.Now().UnixMilli()
	for _, m := range h.roster.Members() {
		if h.ownRole(m.Peer) == "" {
			change.Standings = append(change.Standings, group.Standing{Peer: m.Peer, Role: wire.RoleMember, By: by, Since: now})
		}
	}
	return change, h.people.room(len(change.Standings))
}

// Close ends a group for everybody, and forgets it.
func (r *Relay) Close(ctx context.Context, caller group.Caller, id wire.GroupID) error {
	r.manage.Lock()
	defer r.manage.Unlock()
	h, err := r.allowed(caller, id, group.Close)
	if err != nil {
		return err
	}
	if err := r.remove(ctx, h, wire.ReasonClosed); err != nil {
		return err
	}
	r.log.Info("a group was closed", "group", id, "by", caller.Peer)
	return nil
}

// remove ends a group: its queue is finished, it is forgotten, and then its sessions are told. When it
// cannot be forgotten, it goes on. It is called with manage held.
func (r *Relay) remove(ctx context.Context, h *hub, reason wire.Reason) error {
	if err := h.hold(ctx); err != nil {
		return err
	}
	defer h.release()
	ctx = context.WithoutCancel(ctx) // half of it must not be done
	restart, err := h.pause()
	if err != nil {
		return err
	}
	h.mu.Lock()
	cfg, roster := h.cfg, h.lastRoster()
	h.mu.Unlock()
	if err := r.forget(ctx, h, &cfg, roster); err != nil {
		restart()
		return err
	}
	r.mu.Lock()
	delete(r.hubs, h.id)
	r.mu.Unlock()
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
		if _, here := h.roster.Get(peer); !here && h.ownRole(peer) == "" {
			return "", false
		}
		role := h.roleOf(peer)
		return role, role != ""
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

// shows reports whether the group is in the caller's list. It is called with mu held.
func (h *hub) shows(caller group.Caller) bool {
	if caller.Owner || h.ownRole(caller.Peer) != "" {
		return true
	}
	return h.cfg.Listed && h.roleOf(caller.Peer) != ""
}

func (h *hub) info() group.Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.infoLocked()
}

func (h *hub) infoLocked() group.Info {
	return group.Info{Config: h.cfg, Members: h.roster.Len(), SeatHolders: h.holders}
}
