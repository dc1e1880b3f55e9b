package relay

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Kick sends a peer away: what it was given in the group is forgotten, so that it has to be invited anew
// where that is needed; elsewhere it may come back. Invites that it has made are revoked. When Kick
// returns, the peer is out of the roster, and nothing of it is appended any more; nothing that gets a
// number after that is sent to it.
func (r *Relay) Kick(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, message string) error {
	return r.sendAway(ctx, caller, id, peer, message, wire.ReasonKicked)
}

// Ban is Kick for good: the peer cannot come back until Unban. It need not have been there.
func (r *Relay) Ban(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, message string) error {
	return r.sendAway(ctx, caller, id, peer, message, wire.ReasonBanned)
}

func (r *Relay) sendAway(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, message string, reason wire.Reason) error {
	var flight <-chan struct{}
	plan := func(h *hub) (*group.PeopleChange, error) {
		if err := checkPeer(peer); err != nil {
			return nil, err
		}
		if len(message) > group.MaxParting {
			return nil, wire.E(wire.InvalidValue, `"message" is text of at most `, strconv.Itoa(group.MaxParting), " bytes")
		}
		if err := h.mayActOn(caller, peer); err != nil {
			return nil, err
		}
		standing, known := h.people.standings[peer]
		change := &group.PeopleChange{Revoked: h.made(peer, "")}
		if reason == wire.ReasonBanned {
			if !known {
				if err := h.people.room(1); err != nil {
					return nil, err
				}
			}
			if !standing.Banned {
				change.Standings = []group.Standing{{Peer: peer, Banned: true, By: caller.Peer, Since: time.Now().UnixMilli()}}
			}
		} else {
			_, here := h.roster.Get(peer)
			switch {
			case standing.Banned:
				return nil, nil // it is away, and stays so
			case known:
				change.Standings = []group.Standing{{Peer: peer}}
			case !here:
				return nil, wire.E(wire.NotFound, "this peer is not in the group")
			}
		}
		if len(change.Standings)+len(change.Revoked) == 0 {
			return nil, nil
		}
		return change, nil
	}
	err := r.amendAs(ctx, caller, id, group.Kick, plan, func(h *hub) {
		h.expel(peer, reason, message)
		flight = h.flight
	})
	if err == nil {
		r.log.Info("a peer was sent away", "group", id, "peer", peer, "reason", reason, "by", caller.Peer)
	}
	if err != nil || flight == nil {
		return err
	}
	select {
	case <-flight: // a draft of it may be in there
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Unban lets a banned peer come back as anybody else.
func (r *Relay) Unban(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID) error {
	return r.amendAs(ctx, caller, id, group.Kick, func(h *hub) (*group.PeopleChange, error) {
		if !h.people.standings[peer].Banned {
			return nil, wire.E(wire.NotFound, "this peer is not banned from the group")
		}
		return &group.PeopleChange{Standings: []group.Standing{{Peer: peer}}}, nil
	}, nil)
}

// SetRole gives a peer of the group another role, which counts at once. Invites that it has made and could
// not make any more are revoked.
func (r *Relay) SetRole(ctx context.Context, caller group.Caller, id wire.GroupID, peer wire.PeerID, role wire.Role) error {
	return r.amendAs(ctx, caller, id, group.SetRole, func(h *hub) (*group.PeopleChange, error) {
		own := h.callerRole(caller)
		if err := cmp.Or(checkPeer(peer), mayGive(own, role)); err != nil {
			return nil, err
		}
		has := h.roleOf(peer)
		switch {
		case h.banned(peer):
			return nil, wire.E(wire.Conflict, "this peer is banned from the group; unban it first")
		case has == "":
			return nil, wire.E(wire.NotFound, "this peer is not one of the group's; invite it")
		case peer != caller.Peer || has == wire.RoleOwner:
			if err := h.mayActOn(caller, peer); err != nil {
				return nil, err
			}
		}
		change, err := h.people.give(peer, role, caller.Peer)
		if change != nil {
			change.Revoked = h.made(peer, role)
		}
		return change, err
	}, nil)
}

// mayActOn returns nil when a caller may send a peer away or give it another role: one whose role is below
// its own, and the site's owner whomever but another owner. It is called with mu held.
func (h *hub) mayActOn(caller group.Caller, peer wire.PeerID) error {
	role := h.roleOf(peer)
	switch {
	case role == wire.RoleOwner:
		return wire.E(wire.Forbidden, "this peer owns the site, and so every group of it")
	case group.Outranks(h.callerRole(caller), role):
		return nil
	}
	return wire.E(wire.Forbidden, "the role of this peer, ", string(role), ", is not below yours")
}

// expel ends the sessions of a peer, forgets what it has sent and is not yet being appended, and takes it
// out of the roster. It is called with mu held.
func (h *hub) expel(peer wire.PeerID, reason wire.Reason, message string) {
	last := partingLine(h.id, reason, message)
	for key, s := range h.sessions {
		if s.peer == peer {
			delete(h.sessions, key)
			delete(h.waiting, s)
			s.expelled = true
			s.end(last)
		}
	}
	delete(h.grace, peer)
	var kept []queued
	for _, q := range h.queue {
		if q.draft.From == peer {
			h.queueBytes -= q.size
			if q.from != nil {
				q.from.inFlight--
			} else {
				q.tell(&group.Result{Err: wire.E(wire.Forbidden, "you were sent away from this group")})
			}
			continue
		}
		kept = append(kept, q)
	}
	h.queue = kept
	h.madeRoom() // perhaps
	if _, here := h.roster.Get(peer); here {
		h.removePeer(peer, reason)
	}
	h.past.forget(peer)
	h.poke()
}

// takeLines takes up what the window has for the session, into lines; one that has ended gets what there
// was at its end. It reports false when the window does not reach back to its cursor. It is called with
// the hub's mutex held.
func (s *session) takeLines() (near bool) {
	if s.ended && s.cursor >= s.until {
		s.lines = s.lines[:0]
		return true
	}
	s.lines, near = s.h.window.after(s.lines[:0], s.cursor, s.h.r.limits.WriteBytes)
	switch {
	case !s.ended:
	case near:
		s.lines = slices.DeleteFunc(s.lines, func(l *line) bool { return l.seq > s.until })
	case s.expelled: // it need not be told what it has missed
		s.cursor = s.until
		return true
	}
	return near
}

// goal returns the last entry that the session is to be sent, as things stand. It is called with the hub's
// mutex held.
func (s *session) goal() int64 {
	if s.ended {
		return s.until
	}
	return s.h.head.Seq
}

// checkPeer returns nil for what may be the id of a peer.
func checkPeer(peer wire.PeerID) error {
	if peer == "" || len(peer) > wire.MaxPeer {
		return wire.E(wire.InvalidValue, `"peer" is the id of a peer, as the roster and each message tell it`)
	}
	return nil
}

func partingLine(id wire.GroupID, reason wire.Reason, message string) []byte {
	bye := wire.Goodbye{Reason: reason, Message: message}
	f := wire.Frame{Type: wire.TypeClose, Group: id, Payload: bye.Append(nil)}
	return f.Append(nil)
}
