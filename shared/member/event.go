package member

import (
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// TypeGap is the Type of an event that no host sends: the entries after From up to To are lost for
// this session. The state after them comes next, in a welcome or a state event.
const TypeGap wire.Type = "gap"

// Event is one thing that happened in a group. Its Frame's Type is welcome, members, msg, state, close,
// error or TypeGap. An event and all its bytes are the receiver's to keep, and not to change.
type Event struct {
	Frame wire.Frame
	// Line is the event as one JSON object without a newline: as it came or, for gaps and own entries,
	// as it would have come to others.
	Line []byte
	// Own marks an entry that this very session sent. The host only acknowledges it; here it stands with
	// its payload, at its place in the order. Its Line has "own":true.
	Own bool
	// From and To are set for TypeGap: the last entry that was delivered, and the new position. After a
	// change of epoch they are numbers of different logs.
	From, To int64
	// Welcome is set for a welcome.
	Welcome *wire.Welcome
	// Err is set for an error, and for a close, which becomes one of code closed, banned or forbidden.
	Err *wire.Error
	// Unsent is set for an error about what an earlier page load has sent and no receipt came for: its type
	// and its payload, redact or patch. It is given up.
	Unsent *wire.Frame
}

// Handler gets the events of one session.
type Handler interface {
	// Deliver is called with all events that had arrived together, in order, one call at a time. The
	// group's stream is not read while it runs. Unreliable messages come in calls of their own, between
	// the welcome and the end of each stream; while one runs, of each sender and key the newest waits. The last event of a session that ends by itself is a
	// close or a fatal error; after Leave, and after Member.Close, there is none.
	Deliver(batch []Event)
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(batch []Event)

// Deliver calls f.
func (f HandlerFunc) Deliver(batch []Event) { f(batch) }

// gapEvent returns the event of a gap.
func gapEvent(group wire.GroupID, from, to int64) Event {
	w := jsontext.Writer{}
	w.Begin('{')
	w.Key("type")
	w.Str(string(TypeGap))
	w.Key("group")
	w.Str(string(group))
	w.Key("from")
	w.Int(from)
	w.Key("to")
	w.Int(to)
	w.End('}')
	return Event{Frame: wire.Frame{Type: TypeGap, Group: group, Seq: to}, Line: w.B, From: from, To: to}
}

// ownEvent returns the event of an acknowledged entry.
func ownEvent(f wire.Frame) Event {
	line := f.Append(nil)
	line = append(line[:len(line)-len("}\n")], `,"own":true}`...)
	return Event{Frame: f, Line: line, Own: true}
}

// errorEvent returns the event of an error that did not come as a line.
func errorEvent(group wire.GroupID, err *wire.Error) Event {
	f := wire.Frame{Type: wire.TypeError, Group: group, Payload: err.Append(nil)}
	line := f.Append(nil)
	return Event{Frame: f, Line: line[:len(line)-1], Err: err}
}

// unsentEvent returns the event of an entry that an earlier page load has posted, and that was refused.
func unsentEvent(group wire.GroupID, p *Pending) Event {
	err := *p.err
	err.ID, err.Fatal = p.id, false
	e := errorEvent(group, &err)
	f, bad := wire.Decode(p.line)
	if bad != nil {
		return e // it is a line of our own
	}
	f.ID = ""
	line := append(e.Line[:len(e.Line)-1], `,"unsent":`...)
	line = f.Append(line)
	e.Line, e.Unsent = append(line[:len(line)-1], '}'), &f
	return e
}
