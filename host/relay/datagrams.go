package relay

import (
	"encoding/binary"
	"errors"
	"time"

	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// maxFresh is how many keys of one session's datagrams are remembered with their last number. Of more of
// them, stale datagrams may be passed on.
const maxFresh = 64

// packets is the unreliable side of a session. The zero value is one that has none.
type packets struct {
	link   link.Datagrams
	number uint64 // of the session, among those of its connection
	sender uint64 // of the session, in its group

	// take alone uses the following; a connection has one goroutine that reads its datagrams.
	fresh  map[string]freshness
	uses   uint64
	to     []*session // scratch
	packet []byte     // scratch
}

// freshness is what is known of a key.
type freshness struct {
	seq  uint64 // the last number
	used uint64 // when, in uses
}

// attach has the session take part in the datagrams of its connection, if that has any.
func (s *session) attach() {
	d, ok := s.stream.(link.Datagrammer)
	if !ok {
		return
	}
	if s.packets.link = d.Datagrams(); s.packets.link != nil {
		s.packets.number = s.packets.link.Demux().Attach(s.takeDatagram)
	}
}

func (s *session) detach() {
	if s.packets.link != nil {
		s.packets.link.Demux().Detach(s.packets.number)
	}
}

// takeDatagram takes what a member sends as a datagram, without its number. Like everything unreliable it
// is dropped where a line would have to wait.
func (s *session) takeDatagram(rest []byte) {
	h := s.h
	h.r.count.datagramsIn.Add(1)
	if e := s.account.datagram(len(rest), time.Now()); e != nil {
		s.dropVolatile(e, "")
		return
	}
	d, err := wire.ParseUp(rest)
	if err == nil && len(d.Payload) > h.r.wire.Datagram {
		err = wire.E(wire.TooLarge, `the payload of the datagram is larger than the limit "datagram" of the welcome`)
	}
	if err != nil {
		s.refuseDatagram(h.r.coded(err, "read", h.id))
		return
	}
	if !s.packets.isFresh(&d) {
		h.r.count.volatileDropped.Add(1)
		return
	}
	s.sendOn(&d)
}

// refuseDatagram is refuseLine for a datagram, of which there may be many.
func (s *session) refuseDatagram(e *wire.Error) {
	s.dropVolatile(e, "")
	if _, dropped := s.abused(e); dropped != nil {
		dropped.Fatal = true
		s.h.mu.Lock()
		s.end(errorLine(s.h.id, dropped))
		s.h.mu.Unlock()
		_ = s.stream.SetReadDeadline(time.Now())
	}
}

// isFresh reports whether no later one of the same key has come before, and notes that this one has.
func (p *packets) isFresh(d *wire.Datagram) bool {
	last, known := p.fresh[d.Key]
	if known && d.Seq <= last.seq {
		return false
	}
	if !known && len(p.fresh) >= maxFresh {
		oldest, at := "", p.uses+1
		for key, f := range p.fresh {
			if f.used < at {
				oldest, at = key, f.used
			}
		}
		delete(p.fresh, oldest)
	}
	if p.fresh == nil {
		p.fresh = map[string]freshness{}
	}
	p.uses++
	p.fresh[d.Key] = freshness{d.Seq, p.uses}
	return true
}

// sendOn gives a datagram to all who are there: as one to those who have them, as a volatile line to the
// others.
func (s *session) sendOn(d *wire.Datagram) {
	h, p := s.h, &s.packets
	d.Sender, d.From, d.Time = p.sender, s.peer, time.Now().UnixMilli()
	to, refused := s.receivers(d)
	if refused != nil {
		s.refuseDatagram(h.r.coded(refused, "read", h.id))
		return
	}
	s.account.accept()
	var scratch [binary.MaxVarintLen64]byte
	const room = binary.MaxVarintLen64 // for the number, which differs from one to the next
	p.packet = d.AppendRest(append(p.packet[:0], scratch[:room]...))
	var large []*session
	for _, other := range to {
		n := binary.PutUvarint(scratch[:], other.packets.number)
		copy(p.packet[room-n:], scratch[:n])
		switch err := other.packets.link.Send(p.packet[room-n:]); {
		case err == nil:
			h.r.count.datagramsOut.Add(1)
		case errors.Is(err, link.ErrPacketTooLarge):
			large = append(large, other)
		}
	}
	if len(large) > 0 {
		msg := s.volatileOf(d)
		h.mu.Lock()
		for _, other := range large {
			other.whisper(msg)
		}
		h.wakeSoon()
		h.mu.Unlock()
	}
	clear(to)
	p.to = to[:0]
}

// receivers returns the sessions that are to get a datagram as one, and has the others get it as a line.
func (s *session) receivers(d *wire.Datagram) ([]*session, error) {
	h, to := s.h, s.packets.to
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.ended || h.sessions[sessionKey{s.peer, s.id}] != s || !h.bringIn(s.peer) {
		h.r.count.volatileDropped.Add(1)
		return nil, nil
	}
	if err := s.may(group.Send); err != nil {
		return nil, err
	}
	var msg volatileMsg
	for _, other := range h.sessions {
		switch {
		case other == s:
		case other.packets.link != nil:
			to = append(to, other)
		default:
			if msg.text == nil {
				msg = s.volatileOf(d)
			}
			other.whisper(msg)
		}
	}
	if msg.text != nil {
		h.wakeSoon()
	}
	return to, nil
}

// volatileOf returns a datagram as it is for who has none.
func (s *session) volatileOf(d *wire.Datagram) volatileMsg {
	f := wire.Frame{
		Type: wire.TypeMsg, Group: s.h.id, From: s.peer, Time: d.Time, Key: d.Key, Volatile: true, Payload: d.Payload,
	}
	return volatileMsg{from: sessionKey{s.peer, s.id}, key: d.Key, text: f.Append(nil)}
}
