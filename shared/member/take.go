package member

import (
	"bytes"
	"strconv"
	"time"

	"goop/shared/wire"
)

// take works one line of the host into the session, and adds to the batch what the handler is to know
// of it. The line is the reader's. An *ended error ends the session, any other the stream.
func (s *Session) take(to *batch, line []byte, first bool) error {
	if m, ok := wire.DecodeMsg(line); ok && !first {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.takeMsg(to, &m, line)
	}
	line = bytes.Clone(line)
	f, err := wire.Decode(line)
	if err != nil {
		return fault(err.Error())
	}
	event := Event{Frame: f, Line: line}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.takeFrame(to, event, first)
	s.tellUnsent(to)
	return err
}

// takeMsg takes in a message of somebody else, or of another session of this peer.
func (s *Session) takeMsg(to *batch, m *wire.Msg, line []byte) error {
	if m.Seq != 0 {
		if err := s.inOrder(m.Seq); err != nil || m.Seq <= s.position.Seq {
			return err
		}
		s.moveTo(m.Seq)
	}
	if to.asText {
		to.addLine(line)
	} else {
		to.add(s.msgEvent(m, line))
	}
	s.tellUnsent(to)
	return nil
}

// inOrder refuses an entry behind which one is missing.
func (s *Session) inOrder(seq int64) error {
	if seq <= s.position.Seq+1 {
		return nil
	}
	return hole(s.position.Seq, seq)
}

func hole(behind, seq int64) error {
	return fault("after entry " + strconv.FormatInt(behind, 10) + " it sent " + strconv.FormatInt(seq, 10))
}

// tellUnsent adds the events of what earlier page loads have sent and was refused. A close stays the
// last event.
func (s *Session) tellUnsent(to *batch) {
	for _, p := range s.out.unsent {
		to.add(unsentEvent(s.id, p))
	}
	s.out.unsent = nil
}

func (s *Session) takeFrame(to *batch, event Event, first bool) error {
	f := event.Frame
	if first != (f.Type == wire.TypeWelcome) && f.Type != wire.TypeError && f.Type != wire.TypeClose {
		return fault(`a welcome is the first line, and no other is`)
	}
	switch f.Type {
	case wire.TypeWelcome:
		return s.takeWelcome(to, event)
	case wire.TypeMembers:
		to.add(event)
		return s.takeRights(&f)
	case wire.TypeMsg:
		switch {
		case f.Ack:
			return s.takeAck(to, &f)
		case f.Seq == 0: // volatile
			to.add(event)
			return nil
		}
		return s.takeEntry(to, event)
	case wire.TypeState:
		switch {
		case f.Ack:
			return s.takeAck(to, &f)
		case len(f.Patch) > 0:
			return s.takeEntry(to, event)
		case len(f.Payload) > 0:
			return s.takeSnapshot(to, event)
		}
		if f.Seq > s.position.Seq {
			s.moveTo(f.Seq)
			to.add(event)
		}
		return nil
	case wire.TypeClose:
		return s.takeClose(to, event)
	case wire.TypeError:
		return s.takeError(to, event)
	}
	return nil // a type of a later version
}

func (s *Session) takeWelcome(to *batch, event Event) error {
	w, err := wire.ParseWelcome(event.Frame.Payload)
	if err != nil {
		return fault(err.Error())
	}
	known := s.welcome != nil
	next := wire.Position{Epoch: w.Epoch, Seq: w.Seq}
	if w.Resumed && (!known || next != s.position) {
		s.position = wire.Position{} // ask for everything next time
		return fault("it resumed at another position than it was asked to")
	}
	if known && !w.Resumed && next != s.position {
		to.add(gapEvent(s.id, s.position.Seq, w.Seq))
	}
	if s.position.Epoch != w.Epoch {
		clear(s.out.early)
	}
	s.welcome, s.welcomed, s.live, s.next = &w, time.Now(), true, nil
	s.position = next
	s.out.moved(w.Seq)
	s.out.admit(next, w.Time, w.Durable, w.Limits)
	if k := s.out.keeper; k != nil {
		k.begin(box{s.host, w.You.Peer, s.id}, w.Durable, s.out.all())
	}
	s.m.desk.allow(w.Limits.Data)
	if !known {
		close(s.joined)
	}
	event.Welcome = &w
	to.add(event)
	return nil
}

// takeRights takes in that this session's own rights have changed, as a roster may say.
func (s *Session) takeRights(f *wire.Frame) error {
	if !bytes.Contains(f.Payload, []byte(`"you":`)) {
		return nil
	}
	r, err := wire.ParseRoster(f.Payload)
	if err != nil {
		return fault(err.Error())
	}
	if r.You != nil {
		next := *s.welcome // others may be reading the old one
		next.You = *r.You
		s.welcome = &next
	}
	return nil
}

// moveTo moves the position forward, to seq.
func (s *Session) moveTo(seq int64) {
	s.position.Seq = seq
	s.out.moved(seq)
}

// takeEntry takes in an entry of the log: the next one, one that was there before, or, when it came
// back whole because the host does not know any more who sent it, one of this session's own.
func (s *Session) takeEntry(to *batch, event Event) error {
	f := &event.Frame
	if err := s.inOrder(f.Seq); err != nil {
		return err
	}
	own := f.ID != "" && f.From == s.welcome.You.Peer
	var mine *Pending
	if own {
		mine = s.out.arrived(f.ID, Receipt{f.Seq, f.Time})
	}
	if f.Seq <= s.position.Seq {
		return nil
	}
	s.moveTo(f.Seq)
	if mine != nil && !mine.restored {
		event = ownEvent(*f)
	}
	to.add(event)
	return nil
}

// takeAck takes in the receipt of an own entry: in its place in the order, or as that of a repeat.
func (s *Session) takeAck(to *batch, ack *wire.Frame) error {
	receipt := Receipt{ack.Seq, ack.Time}
	if ack.Seq > s.position.Seq+1 {
		s.out.ahead(ack.ID, receipt)
		return nil
	}
	mine := s.out.arrived(ack.ID, receipt)
	if ack.Seq <= s.position.Seq {
		return nil
	}
	s.moveTo(ack.Seq)
	if mine == nil {
		return nil
	}
	f, err := wire.Decode(mine.line)
	if err != nil {
		return err
	}
	f.Group, f.From, f.Seq, f.Time, f.IfSeq = s.id, s.welcome.You.Peer, ack.Seq, ack.Time, nil
	if mine.restored { // the page that sent it is gone, and this one sees it as others do
		line := f.Append(nil)
		to.add(Event{Frame: f, Line: line[:len(line)-1]})
		return nil
	}
	to.add(ownEvent(f))
	return nil
}

// takeSnapshot takes in the whole state, which comes in the place of entries that are no longer kept.
// Receipts may have been among them, so everything that has none is sent again.
func (s *Session) takeSnapshot(to *batch, event Event) error {
	snap, err := wire.ParseSnapshot(event.Frame.Payload)
	if err != nil {
		return fault(err.Error())
	}
	next := wire.Position{Epoch: snap.Epoch, Seq: event.Frame.Seq}
	if snap.Epoch == s.position.Epoch && next.Seq < s.position.Seq {
		return fault("it sent a whole state of an earlier position")
	}
	if next != s.position {
		to.add(gapEvent(s.id, s.position.Seq, next.Seq))
	}
	if snap.Epoch != s.position.Epoch {
		clear(s.out.early)
	}
	s.position = next
	s.out.moved(next.Seq)
	s.out.admit(next, s.attempt().time, s.welcome.Durable, s.welcome.Limits)
	signal(s.work)
	to.add(event)
	return nil
}

func (s *Session) takeClose(to *batch, event Event) error {
	bye, err := wire.ParseGoodbye(event.Frame.Payload)
	if err != nil {
		return fault(err.Error())
	}
	code := wire.Closed
	switch bye.Reason {
	case wire.ReasonShutdown: // the group goes on when the host is back
		return wire.E(wire.Offline, "the host is shutting down")
	case wire.ReasonTooSlow: // the position is known, and now this side reads again
		return wire.E(wire.TooSlow, "the host gave this session up because it did not read")
	case wire.ReasonKicked:
		code = wire.Forbidden
	case wire.ReasonBanned:
		code = wire.Banned
	}
	message := "the group ended for this member: " + string(bye.Reason)
	if bye.Message != "" {
		message += ": " + bye.Message
	}
	event.Err = wire.E(code, message)
	if s.welcome != nil {
		s.giveUp(to, event.Err)
		to.add(event)
	}
	return &ended{event.Err}
}

// giveUp refuses what earlier page loads have sent, before the event that ends the session.
func (s *Session) giveUp(to *batch, why *wire.Error) {
	s.out.settleAll(why, func(p *Pending) bool { return !p.restored })
	s.tellUnsent(to)
}

func (s *Session) takeError(to *batch, event Event) error {
	e, err := wire.ParseError(event.Frame.Payload)
	if err != nil {
		return fault(err.Error())
	}
	event.Err = e
	known := s.welcome != nil
	switch {
	case e.Fatal && passing(e, known):
		return e
	case e.Fatal:
		if known {
			s.giveUp(to, e)
			to.add(event)
		}
		return &ended{e}
	case !s.live:
		return fault("an error before the welcome that is not fatal")
	}
	if p, ok := s.out.byID[e.ID]; ok {
		s.out.settle(p, Receipt{}, e)
		return nil
	}
	to.add(event)
	return nil
}

// passing reports whether a fatal error may be gone when the session joins again. To a first join the
// host's own faults are told.
func passing(e *wire.Error, known bool) bool {
	switch e.Code {
	case wire.TooSlow:
		return true
	case wire.RateLimited:
		return known || e.RetryAfter > 0
	case wire.Internal, wire.Timeout:
		return known
	}
	return false
}
