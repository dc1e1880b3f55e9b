package relay

import (
	"bytes"
	"strconv"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// offer takes a msg or a state from the session: into the group's queue, where it waits its turn to be
// appended, or straight to who is there when it is volatile. It waits for room in the queue, and that
// is what slows a sender down when the group cannot keep up.
func (s *session) offer(f *wire.Frame) error {
	h := s.h
	d := group.Draft{
		From: s.peer, Session: s.id, ID: f.ID, Kind: f.Type, To: f.To, IfSeq: f.IfSeq,
		Payload: bytes.Clone(f.Payload), Patch: bytes.Clone(f.Patch), // the reader's buffer is used again
	}
	right := group.Send
	switch {
	case f.Type == wire.TypeState:
		right, d.Payload, d.To = group.SetState, nil, ""
	case f.Redact != 0:
		right, d.Redact = group.Redact, f.Redact
		d.Payload, d.Patch, d.To, d.IfSeq = nil, nil, "", nil
	default:
		d.Patch, d.IfSeq = nil, nil
	}
	size := draftSize + len(d.Payload) + len(d.Patch)
	var refused error
	s.await(func() bool {
		if refused = s.may(right); refused != nil {
			return true
		}
		if !h.bringIn(s.peer) {
			return false
		}
		if f.Volatile && f.Type == wire.TypeMsg {
			s.broadcast(f) // the reader has counted it
			return true
		}
		// Each draft may be answered by a reply: as long as nobody reads those, there are no more of them.
		// One that does not take what it is sent, whoever it is that cannot keep up, sends no more into the group.
		full := s.inFlight >= h.r.limits.InFlight || s.lags() || len(s.replies) >= maxReplies || h.queueBytes > 0 && h.queueBytes+size > h.r.limits.QueueBytes
		if full || h.phase != running { // closing: the session is about to hear of it
			return false
		}
		d.Role = s.role
		h.enqueue(queued{draft: d, from: s, size: size})
		s.inFlight++
		return true
	})
	return refused
}

// lags reports whether the session has to take up some of what it is sent before more is taken of it: too much of its
// own, or, when the group is faster than it, some of its own and more than half of what is in memory. It is called
// with the hub's mutex held.
func (s *session) lags() bool {
	w := &s.h.window
	return s.untold >= s.h.r.limits.Untold || s.untold >= fewUntold && w.bytes > w.most/2 && s.cursor < w.first+int64(w.lines.len()/2)
}

// may returns nil when the session has a right, by the role that its peer has now. It is called with the
// hub's mutex held.
func (s *session) may(right group.Right) error {
	cfg := &s.h.cfg
	s.role = s.h.roleOf(s.peer)
	seated := cfg.AsksForSeat(right) && cfg.Seated(s.h.head.State, s.peer)
	if cfg.Allows(right, s.role, seated) {
		return nil
	}
	return wire.E(wire.Forbidden, "as ", string(s.role), " you do not have the right ", strconv.Quote(string(right)), " in this group")
}

// broadcast gives a volatile message to all who are there. It is called with the hub's mutex held.
func (s *session) broadcast(f *wire.Frame) {
	h := s.h
	m := wire.Frame{
		Type: wire.TypeMsg, Group: h.id, From: s.peer, Time: time.Now().UnixMilli(), To: f.To, Key: f.Key,
		Volatile: true, Payload: f.Payload,
	}
	msg := volatileMsg{from: sessionKey{s.peer, s.id}, key: f.Key, text: m.Append(nil)}
	for _, other := range h.sessions {
		if other != s && (f.To == "" || other.peer == f.To || other.peer == s.peer) {
			other.whisper(msg)
		}
	}
	h.wakeSoon()
}
