package member

import (
	"bytes"

	"goop/shared/wire"
)

// keptText is the largest text that a batch keeps room for.
const keptText = 256 << 10

// batch gathers what one delivery is to hold: events, or the text that a page gets of them.
type batch struct {
	asText bool
	events []Event
	text   []byte // '[' or ',' in front of each line; the ']' is missing
}

// begin empties the batch. Events, once delivered, are their receiver's, the slice of them too; a text is not.
func (b *batch) begin() {
	b.events = nil
	if b.text = b.text[:0]; cap(b.text) > keptText {
		b.text = nil
	}
}

// add is not inlined: an Event is large, and what appends one is written down once and not at each call.
//
//go:noinline
func (b *batch) add(e Event) {
	if b.asText {
		b.addLine(e.Line)
	} else {
		b.events = append(b.events, e)
	}
}

func (b *batch) addLine(line []byte) {
	between := byte(',')
	if len(b.text) == 0 {
		between = '['
	}
	b.text = append(append(b.text, between), line...)
}

// hand gives what was gathered to the session's handler, if there is any of both. The caller has the turn.
func (s *Session) hand(b *batch) {
	switch {
	case len(b.text) > 0:
		b.text = append(b.text, ']')
		s.text(b.text)
	case len(b.events) > 0 && s.handler != nil:
		s.handler.Deliver(b.events)
	}
}

// msgEvent returns the event of a message. The texts that come again and again are kept once. A page never calls it.
//
//go:noinline
func (s *Session) msgEvent(m *wire.Msg, line []byte) Event {
	kept := bytes.Clone(line)
	f := wire.Frame{
		Type: wire.TypeMsg, Group: s.id, Seq: m.Seq, Time: m.Time, To: wire.PeerID(m.To), Key: string(m.Key),
		Volatile: m.Volatile, Payload: kept[len(kept)-len("}")-len(m.Payload) : len(kept)-len("}")],
	}
	if string(m.Group) != string(s.id) {
		f.Group = wire.GroupID(m.Group)
	}
	if string(m.From) != string(s.from) {
		s.from = wire.PeerID(m.From)
	}
	f.From = s.from
	return Event{Frame: f, Line: kept}
}
