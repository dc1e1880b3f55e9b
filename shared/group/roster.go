package group

import (
	"slices"
	"strings"

	"goop/shared/wire"
)

// Roster is who is in a group: peers, each with the number of its sessions. A peer stays in it until
// Remove, also without a session, which is how the relay gives it time to come back.
//
// Every change has a version. Take returns what changed since the last Take, so that many changes
// become one frame. The zero value is empty.
type Roster struct {
	version int64
	taken   int64 // the version of the last Take
	peers   map[wire.PeerID]*rosterEntry
	changed map[wire.PeerID]change // since the last Take

	// list is what Members returned last and what has changed since, nil while nobody asks for it. Each who comes into a
	// large group does: to look all up, to sort and to encode them every time would cost more than the joining itself.
	list    []wire.Member
	shared  bool // somebody holds it, so that nothing but what lies behind its end may be written
	unasked int  // changes since Members was called
}

// maxUnasked is for how many changes the list is kept up to date that nobody asks for.
const maxUnasked = 100

type rosterEntry struct {
	wire.Member
	since int64 // the version with which the peer came
}

type change struct {
	present bool // at the last Take
	reason  wire.Reason
}

// RosterPeer is what is kept of a peer when a group is closed.
type RosterPeer struct {
	Peer   wire.PeerID
	Label  string
	Role   wire.Role
	Joined int64 // milliseconds
}

// Version is the number of changes so far.
func (r *Roster) Version() int64 { return r.version }

// Len is the number of peers.
func (r *Roster) Len() int { return len(r.peers) }

// Get returns one peer.
func (r *Roster) Get(peer wire.PeerID) (wire.Member, bool) {
	e, ok := r.peers[peer]
	if !ok {
		return wire.Member{}, false
	}
	return e.Member, true
}

// Since returns the version with which a peer came in, 0 when it is not there.
func (r *Roster) Since(peer wire.PeerID) int64 {
	if e, ok := r.peers[peer]; ok {
		return e.since
	}
	return 0
}

// Join adds a session of a peer, and the peer when it is new. Meta without a Raw leaves what is known.
func (r *Roster) Join(peer wire.PeerID, role wire.Role, meta Meta, now int64) {
	r.note(peer, "")
	e, ok := r.peers[peer]
	if !ok {
		if r.peers == nil {
			r.peers = map[wire.PeerID]*rosterEntry{}
		}
		e = &rosterEntry{Member: wire.Member{Peer: peer, Joined: now}, since: r.version}
		r.peers[peer] = e
	}
	e.Sessions++
	e.Role = role
	if meta.Raw != nil {
		e.Label, e.Meta = meta.Label, meta.Raw
	}
	r.relist(e.Member, true)
}

// Update changes what a peer says about itself. A peer that is not there is left alone.
func (r *Roster) Update(peer wire.PeerID, meta Meta) {
	if e, ok := r.peers[peer]; ok {
		r.note(peer, "")
		e.Label, e.Meta = meta.Label, meta.Raw
		r.relist(e.Member, true)
	}
}

// SetRole changes the role of a peer. A peer that is not there, or has it already, is left alone.
func (r *Roster) SetRole(peer wire.PeerID, role wire.Role) {
	if e, ok := r.peers[peer]; ok && e.Role != role {
		r.note(peer, "")
		e.Role = role
		r.relist(e.Member, true)
	}
}

// Drop takes one session of a peer away and returns how many are left. The peer stays.
func (r *Roster) Drop(peer wire.PeerID) (left int) {
	e, ok := r.peers[peer]
	if !ok || e.Sessions == 0 {
		return 0
	}
	r.note(peer, "")
	e.Sessions--
	r.relist(e.Member, true)
	return e.Sessions
}

// Remove takes a peer out.
func (r *Roster) Remove(peer wire.PeerID, reason wire.Reason) {
	if e, ok := r.peers[peer]; ok {
		r.note(peer, reason)
		delete(r.peers, peer)
		r.relist(e.Member, false)
	}
}

// note counts one change, before it is made.
func (r *Roster) note(peer wire.PeerID, reason wire.Reason) {
	r.version++
	c, ok := r.changed[peer]
	if !ok {
		_, c.present = r.peers[peer]
	}
	c.reason = reason
	if r.changed == nil {
		r.changed = map[wire.PeerID]change{}
	}
	r.changed[peer] = c
}

// Taken is the version of the last Take.
func (r *Roster) Taken() int64 { return r.taken }

// Take returns what changed since the last Take, with Delta set, and from which version on. It is good
// for every roster from that version up to this one: whoever left is named even when it came in
// between, and a peer that came is whole, so that taking it in twice does no harm.
func (r *Roster) Take() (delta wire.Roster, from int64) {
	delta = wire.Roster{Version: r.version, Count: len(r.peers), Delta: true}
	for peer, c := range r.changed {
		e, ok := r.peers[peer]
		switch {
		case !ok:
			delta.Left = append(delta.Left, wire.Departure{Peer: peer, Reason: c.reason})
		case c.present:
			delta.Updated = append(delta.Updated, e.Member)
		default:
			delta.Joined = append(delta.Joined, e.Member)
		}
	}
	slices.SortFunc(delta.Joined, byJoined)
	slices.SortFunc(delta.Updated, byJoined)
	slices.SortFunc(delta.Left, func(a, b wire.Departure) int { return strings.Compare(string(a.Peer), string(b.Peer)) })
	from, r.taken = r.taken, r.version
	clear(r.changed)
	return delta, from
}

// Members returns all peers, those who came first in front. What it returns must not be changed, and does not change.
func (r *Roster) Members() []wire.Member {
	if r.list == nil {
		r.list = make([]wire.Member, 0, len(r.peers)+len(r.peers)/8)
		for _, e := range r.peers {
			m := e.Member
			m.Keep()
			r.list = append(r.list, m)
		}
		slices.SortFunc(r.list, byJoined)
	}
	r.shared, r.unasked = true, 0
	return r.list
}

// relist brings the list up to date about one peer, which is here or has just gone.
func (r *Roster) relist(m wire.Member, here bool) {
	if r.list == nil {
		return
	}
	if r.unasked++; r.unasked > maxUnasked {
		r.list = nil
		return
	}
	i, known := slices.BinarySearchFunc(r.list, m, byJoined)
	if here {
		m.Keep()
	}
	if here && i == len(r.list) { // most who come are the last who have come
		r.list = append(r.list, m)
		return
	}
	if r.shared {
		r.list, r.shared = slices.Clone(r.list), false
	}
	switch {
	case known && here:
		r.list[i] = m
	case known:
		r.list = slices.Delete(r.list, i, i+1)
	case here:
		r.list = slices.Insert(r.list, i, m)
	}
}

// Keep returns what is kept of the peers.
func (r *Roster) Keep() []RosterPeer {
	var kept []RosterPeer
	for _, m := range r.Members() {
		kept = append(kept, RosterPeer{m.Peer, m.Label, m.Role, m.Joined})
	}
	return kept
}

func byJoined(a, b wire.Member) int {
	if a.Joined != b.Joined {
		return int(min(1, max(-1, a.Joined-b.Joined)))
	}
	return strings.Compare(string(a.Peer), string(b.Peer))
}
