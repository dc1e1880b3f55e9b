package model_test

import (
	"testing/synctest"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// wants holds the answer to what an owner asked for against what it should be.
func (w *world) wants(code wire.Code, err error, st *step) {
	got := wire.Code("")
	if e, ok := err.(*wire.Error); ok {
		got = e.Code
	}
	if got != code || err != nil && got == "" {
		w.fault("%s: got %v, want code %q", st, err, code)
	}
}

// sendOff kicks or bans a peer amid of what it has sent.
func (w *world) sendOff(s *slot, how verb) {
	synctest.Wait() // so that all who have come are in
	r, log := s.room(), w.log(roomOf(s.n))
	was := r.people[s.peer]
	p := r.roster[s.peer]
	off := &sentOff{before: log.count(), least: -1, most: -1}
	st := &step{verb: how, slot: s.n}
	var peers []*slot
	unsure := p != nil && (len(p.sessions) == 0 || time.Now().Before(p.unsure)) // it may be gone by now
	for _, other := range w.slots {
		if roomOf(other.n) == roomOf(s.n) && other.peer == s.peer {
			peers = append(peers, other)
			for _, former := range other.former { // what it was about to hear is cut short
				former.lenient, unsure = true, true
			}
		}
	}
	if how == ban {
		w.wants("", w.relay.Ban(w.ctx, owner, r.id, s.peer, ""), st)
		r.people[s.peer] = barredRole
	} else {
		err := w.relay.Kick(w.ctx, owner, r.id, s.peer, "")
		switch {
		case was == barredRole:
			w.wants("", err, st)
			return
		case was == "" && unsure:
		case was == "" && p == nil:
			w.wants(wire.NotFound, err, st)
			return
		default:
			w.wants("", err, st)
		}
		delete(r.people, s.peer)
	}
	off.after = log.count()
	r.sentOff[s.peer] = off
	delete(r.roster, s.peer)
	for _, other := range peers {
		if other.stream != nil {
			other.stream.end(map[verb]ending{kick: kicked, ban: banned}[how])
			other.ended()
		}
	}
}

// promote gives a peer another role, unless it does not read: then it is not known what it still has to say.
func (w *world) promote(st *step) {
	s := w.slots[st.slot]
	r := s.room()
	for _, other := range w.slots {
		if other.stream != nil && roomOf(other.n) == roomOf(s.n) && other.peer == s.peer && !other.stream.reading() {
			return
		}
	}
	err := w.relay.SetRole(w.ctx, owner, r.id, s.peer, wire.Role(st.text))
	switch r.roleOf(s.peer) {
	case barredRole:
		w.wants(wire.Conflict, err, st)
		return
	case "":
		w.wants(wire.NotFound, err, st)
		return
	}
	w.wants("", err, st)
	r.people[s.peer] = wire.Role(st.text)
}

// letIn admits a peer, or makes or revokes an invite.
func (w *world) letIn(st *step) {
	s := w.slots[st.slot]
	r := s.room()
	switch st.verb {
	case admit:
		err := w.relay.Admit(w.ctx, owner, r.id, s.peer, "")
		switch r.people[s.peer] {
		case barredRole:
			w.wants(wire.Conflict, err, st)
			return
		case "", wire.RoleViewer:
			r.people[s.peer] = wire.RoleMember
		}
		w.wants("", err, st)
	case invite:
		token, made, err := w.relay.Invite(w.ctx, owner, r.id, group.InviteRequest{Uses: 1000})
		w.wants("", err, st)
		r.token, r.invite = token, made.ID
	case revoke:
		err := w.relay.Revoke(w.ctx, owner, r.id, r.invite)
		if r.token == "" || r.revoked[r.token] {
			w.wants(wire.NotFound, err, st)
			return
		}
		w.wants("", err, st)
		r.revoked[r.token] = true
	}
}
