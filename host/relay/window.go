package relay

import (
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

// line is one entry of a log as it is sent, encoded once for all sessions. It is never changed.
type line struct {
	seq, time int64
	kind      wire.Type
	from, to  wire.PeerID
	session   wire.SessionID // of the sender
	id        string
	target    int64  // the seq of the message that this one takes away, or 0
	redacted  bool   // it was taken away itself: nobody gets its content
	text      []byte // the frame without the id; nil when it was taken away
}

func newLine(id wire.GroupID, e *group.Entry) *line {
	var room []byte
	if !e.Redacted {
		room = make([]byte, 0, 160+len(e.Payload)+len(e.Patch))
	}
	l := lineOf(id, e, room)
	return &l
}

// lineOf is newLine in room for the text, which is appended to it, for a line that is used at once.
func lineOf(id wire.GroupID, e *group.Entry, room []byte) line {
	l := line{
		seq: e.Seq, time: e.Time, kind: e.Kind, from: e.From, to: e.To, session: e.Session, id: e.ID,
		target: e.Redact, redacted: e.Redacted,
	}
	if e.Redacted {
		return l
	}
	f := wire.Frame{
		Type: e.Kind, Group: id, Seq: e.Seq, From: e.From, Time: e.Time, To: e.To,
		Payload: e.Payload, Patch: e.Patch, Redact: e.Redact,
	}
	l.text = f.Append(room)
	return l
}

// size is about how much memory a line takes up.
func (l *line) size() int { return 200 + cap(l.text) }

// appendAck appends the acknowledgement that stands in the place of an entry.
func appendAck(dst []byte, kind wire.Type, id wire.GroupID, msg string, seq, time int64) []byte {
	f := wire.Frame{Type: kind, Group: id, ID: msg, Seq: seq, Time: time, Ack: true}
	return f.Append(dst)
}

// appendSkip appends the line that moves a position over entries for others.
func appendSkip(dst []byte, id wire.GroupID, seq int64) []byte {
	f := wire.Frame{Type: wire.TypeState, Group: id, Seq: seq}
	return f.Append(dst)
}

// view is how a session sees an entry.
type view int

const (
	whole   view = iota // as everybody does
	own                 // with its id: it is from another session of the same peer
	ack                 // it is the session's own
	skipped             // it is not for this session
)

// sentBy reports whether the entry is the session's own.
func (l *line) sentBy(s *session) bool { return l.session == s.id && l.from == s.peer }

// seenBy tells how a session sees the entry. Its own entry without an id is passed over: nobody waits
// for an acknowledgement of it. One that was taken away is still acknowledged, and passed over otherwise.
func (l *line) seenBy(s *session) view {
	mine := l.from == s.peer
	switch {
	case mine && l.session == s.id && l.id != "":
		return ack
	case mine && l.session == s.id, l.redacted, l.to != "" && l.to != s.peer && !mine:
		return skipped
	case mine && l.id != "":
		return own
	}
	return whole
}

// appendAs appends the entry as a session of the group sees it.
func (l *line) appendAs(dst []byte, v view, id wire.GroupID) []byte {
	switch v {
	case ack:
		return appendAck(dst, l.kind, id, l.id, l.seq, l.time)
	case own:
		dst = append(dst, l.text[:len(l.text)-len("}\n")]...)
		dst = append(dst, `,"id":`...)
		dst = jsontext.AppendString(dst, l.id)
		return append(dst, "}\n"...)
	}
	return append(dst, l.text...)
}

// window holds the newest entries of a log, encoded: those from first on, without a gap.
type window struct {
	lines fifo[*line]
	first int64 // seq of the first line, or of the next one when there is none
	bytes int
	most  int
}

// add takes in the entry after the last one, and lets go of the oldest when there is too much.
func (w *window) add(l *line) {
	if l.seq != w.first+int64(w.lines.len()) { // an engine that leaves numbers out has its entries read
		w.lines, w.first, w.bytes = fifo[*line]{}, l.seq, 0
	}
	w.lines.add(l)
	w.bytes += l.size()
	n := 0
	for w.bytes > w.most && n < w.lines.len()-1 {
		w.bytes -= (*w.lines.at(n)).size()
		n++
	}
	w.drop(n)
}

// drop lets go of the first n lines, which count no longer.
func (w *window) drop(n int) {
	w.lines.drop(n)
	w.first += int64(n)
}

// prepend takes in the entries right before the first one.
func (w *window) prepend(lines []*line) {
	var all fifo[*line]
	for _, l := range lines {
		all.add(l)
		w.bytes += l.size()
	}
	for i := range w.lines.len() {
		all.add(*w.lines.at(i))
	}
	w.lines = all
	w.first -= int64(len(lines))
}

// redact puts a line without the content in the place of one. A session that has taken that one up already
// has it in front of the entry that takes it away.
func (w *window) redact(seq int64) {
	i := seq - w.first
	if i < 0 || i >= int64(w.lines.len()) {
		return
	}
	l := **w.lines.at(int(i))
	w.bytes -= l.size()
	l.redacted, l.text = true, nil
	w.bytes += l.size()
	*w.lines.at(int(i)) = &l
}

// dropBefore lets go of the lines that are older than a time, in milliseconds.
func (w *window) dropBefore(time int64) {
	n := 0
	for n < w.lines.len() && (*w.lines.at(n)).time < time {
		w.bytes -= (*w.lines.at(n)).size()
		n++
	}
	w.drop(n)
}

// after appends to dst up to about size bytes of lines after a position, at least one if there is any.
// It reports false when the window does not reach back to the position.
func (w *window) after(dst []*line, seq int64, size int) ([]*line, bool) {
	if seq+1 < w.first {
		return dst, false
	}
	for i := int(seq + 1 - w.first); i < w.lines.len() && size > 0; i++ {
		l := *w.lines.at(i)
		dst = append(dst, l)
		size -= len(l.text)
	}
	return dst, true
}
