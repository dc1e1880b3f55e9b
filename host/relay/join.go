package relay

import (
	"context"
	"errors"
	"maps"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// join takes a session in and prepares its first line. A session that is there already under the same
// peer and id is a ghost, and makes place. The error is for the far side.
func (h *hub) join(ctx context.Context, s *session, f *wire.Frame) *wire.Error {
	h.mu.Lock()
	there := h.phase == running || h.paused != nil
	refused, redeems := h.enters(s.peer, f.Invite), f.Invite != "" && h.ownRole(s.peer) == ""
	h.mu.Unlock()
	switch { // asked first: nothing else may tell that there is such a group
	case !there:
		return notThere(f.Invite)
	case refused != nil:
		return refused
	}
	meta, err := group.ParseMeta(f.Meta)
	if err != nil {
		return h.r.coded(err, "join", h.id)
	}
	kept := f.Since != nil && h.resumes(ctx, *f.Since)
	if redeems {
		if err := h.redeem(ctx, s.peer, f.Invite); errors.Is(err, wire.NoSuchGroup) {
			return inviteInvalid()
		} else if err != nil {
			return h.r.coded(err, "join", h.id)
		}
	}
	for h.awaitOpen(ctx) {
		h.mu.Lock()
		again := h.paused != nil // a pause has begun meanwhile
		var refused *wire.Error
		if !again {
			refused = h.joinLocked(s, f, meta, kept)
		}
		h.mu.Unlock()
		if !again {
			return refused
		}
	}
	return notThere(f.Invite)
}

// awaitOpen waits while the group is being changed, and reports whether it is there.
func (h *hub) awaitOpen(ctx context.Context) bool {
	for {
		h.mu.Lock()
		paused := h.paused
		open := h.phase == running || paused != nil
		h.mu.Unlock()
		if !open || paused == nil {
			return open
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return false
		case <-h.r.ctx.Done():
			return false
		}
	}
}

// joinLocked is called with mu held.
func (h *hub) joinLocked(s *session, f *wire.Frame, meta group.Meta, kept bool) *wire.Error {
	if h.phase != running {
		return notThere(f.Invite)
	}
	if refused := h.enters(s.peer, f.Invite); refused != nil {
		return refused
	}
	if h.roleOf(s.peer) == "" { // it was sent away between redeeming and joining
		return notThere(f.Invite)
	}
	if refused := h.takeIn(s, meta); refused != nil {
		return refused
	}
	now := time.Now()
	s.role = h.roleOf(s.peer)
	seated := h.cfg.Seated(h.head.State, s.peer)
	s.sees = h.cfg.Allows(group.SeeAll, s.role, seated)
	s.cursor, s.rosterSeen = h.head.Seq, h.roster.Version()
	w := wire.Welcome{
		Epoch: h.head.Epoch, StateSeq: h.head.StateSeq,
		You:   wire.You{Peer: s.peer, Session: s.id, Role: s.role, Rights: h.cfg.RightsOf(s.role, seated)},
		Count: h.roster.Len(), RosterVersion: s.rosterSeen,
		Name: h.cfg.Name, Durable: h.cfg.Durable, Access: string(h.cfg.Access), MaxMembers: h.cfg.MaxMembers,
		Limits: h.r.wire, Time: now.UnixMilli(),
	}
	if kept && f.Since.Epoch == h.head.Epoch && f.Since.Seq <= h.head.Seq {
		s.cursor, w.Resumed = f.Since.Seq, true
	} else {
		w.State = h.stateText()
	}
	w.Seq = s.cursor
	w.Members = s.members()
	h.senders++
	s.packets.sender, w.Datagrams = h.senders, int64(s.packets.number)
	s.welcome, s.you = &w, w.You
	h.poke() // the roster has changed
	h.r.changed()
	return nil
}

// takeIn puts a session in its place. It is called with mu held.
func (h *hub) takeIn(s *session, meta group.Meta) *wire.Error {
	key := sessionKey{s.peer, s.id}
	if ghost, ok := h.sessions[key]; ok {
		h.sessions[key] = s
		ghost.kill()
		if meta.Raw != nil {
			h.roster.Update(s.peer, meta)
		}
		return nil
	}
	if m, _ := h.roster.Get(s.peer); m.Sessions >= h.r.wire.Sessions {
		return wire.E(wire.LimitExceeded, "you are in this group too many times; close some of its pages")
	}
	if full := h.roomFor(s.peer); full != nil {
		return full
	}
	h.sessions[key] = s
	h.roster.Join(s.peer, h.roleOf(s.peer), meta, time.Now().UnixMilli())
	delete(h.grace, s.peer)
	h.emptySince = time.Time{}
	return nil
}

// roomFor returns an error when a peer does not fit into the group any more. It is called with mu held.
func (h *hub) roomFor(peer wire.PeerID) *wire.Error {
	if _, here := h.roster.Get(peer); !here && h.roster.Len() >= h.mostMembers() {
		return wire.E(wire.Full, "the group is full")
	}
	return nil
}

func (h *hub) mostMembers() int {
	if h.cfg.MaxMembers == 0 {
		return h.r.wire.Members
	}
	return min(h.cfg.MaxMembers, h.r.wire.Members)
}

// reachesBack reports whether the entries after a position can still be had.
func (h *hub) reachesBack(ctx context.Context, p wire.Position) bool {
	h.mu.Lock()
	near := p.Epoch != h.head.Epoch || p.Seq < 0 || p.Seq >= h.head.Seq || p.Seq+1 >= h.window.first
	h.mu.Unlock()
	if near {
		return p.Seq >= 0
	}
	_, err := h.log.Read(ctx, h.id, p.Seq, 1)
	if err != nil && !errors.Is(err, group.ErrForgotten) {
		h.r.log.Error("a log could not be read", "group", h.id, "err", err)
	}
	return err == nil
}

// update takes in what a member says about itself from now on.
func (h *hub) update(s *session, f *wire.Frame) *wire.Error {
	meta, err := group.ParseMeta(f.Meta)
	if err != nil {
		return h.r.coded(err, "join", h.id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if meta.Raw != nil && h.sessions[sessionKey{s.peer, s.id}] == s {
		h.roster.Update(s.peer, meta)
		h.poke()
	}
	return nil
}

// part takes a session out, unless another one has taken its place.
func (h *hub) part(s *session, reason wire.Reason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := sessionKey{s.peer, s.id}
	delete(h.waiting, s)
	if h.sessions[key] != s {
		return
	}
	delete(h.sessions, key)
	if h.roster.Drop(s.peer) == 0 {
		if reason == wire.ReasonLeft {
			h.removePeer(s.peer, reason)
		} else {
			h.grace[s.peer] = time.Now().Add(h.r.limits.Grace)
		}
	}
	h.poke()
}

// removePeer takes a peer without sessions out of the roster. It is called with mu held.
func (h *hub) removePeer(peer wire.PeerID, reason wire.Reason) {
	if m, here := h.roster.Get(peer); here && h.cfg.Kept() {
		h.past.note(&m)
	}
	h.roster.Remove(peer, reason)
	if h.roster.Len() == 0 {
		h.emptySince = time.Now()
	}
	h.r.changed()
}

// seatsMayHaveChanged is called with mu held.
func (h *hub) seatsMayHaveChanged() {
	holders := h.cfg.SeatHolders(h.head.State)
	if !maps.Equal(holders, h.holders) {
		h.holders = holders
		h.rightsMayHaveChanged("")
		h.r.changed()
	}
}
