package relay

import (
	"sync/atomic"
	"time"

	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// session is one stream of one member in one group: a cursor in the group's log. The goroutine of
// Serve reads from the stream, and write is the only one that writes to it.
type session struct {
	h       *hub
	peer    wire.PeerID
	id      wire.SessionID
	account *account
	delta   bool // wants roster changes instead of whole rosters
	stream  link.Stream
	wake    chan struct{} // there may be something to write
	room    chan struct{} // there may be room for what the reader waits with
	gone    chan struct{} // closed when the session is ended or killed
	written chan struct{} // closed when write has returned for the last time
	restDue atomic.Bool   // write has had nothing to do for long

	// Set by join, before write begins.
	welcome *wire.Welcome

	// The hub's mutex guards the following.
	role          wire.Role // when it was last asked
	you           wire.You  // as it was told, or is about to be
	youChanged    bool      // it is about to be
	youDue        bool      // with the roster frame that is due
	sees          bool      // the other members
	cursor        int64     // the last entry that was taken up for writing
	rosterSeen    int64     // the roster's version that the far side has or is about to get
	inFlight      int       // drafts that wait to be appended
	untold        int       // entries of its own that are appended, and lie behind the cursor
	toldAt        time.Time // of a volatile message that was dropped
	resyncs       int       // whole states instead of entries
	replies       []reply
	volatile      []volatileMsg
	volatileBytes int
	until         int64 // the last entry that is still to be written, once it is ended
	expelled      bool  // it is told nothing but what it would have been told before
	ended         bool  // nothing new is taken in; what is pending, and then final, is written
	killed        bool  // nothing is written any more
	final         []byte
	endBy         time.Time
	resting       bool // write does not run; rouse begins it

	packets packets
	writing atomic.Int64 // bytes of the write that is under way

	// write alone uses the following.
	pending     []wire.Member // of a whole roster that is on its way
	pendingOf   int64
	skip        int64     // the last entry that was not for the session and is not told yet
	skipBy      time.Time // when it is told by itself
	lines       []*line   // scratch
	frames      [][]byte  // scratch
	readEntries int       // asked of the engine at a time
	stuckAt     int       // bytes of the batch that nobody takes
	deadline    time.Time // of writes, as mayWrite set it last
}

// reply is a line for one session alone. It is written once the cursor has come to after.
type reply struct {
	text  []byte
	after int64
}

// volatileMsg is a message that is not in the log, as it waits for one session.
type volatileMsg struct {
	from sessionKey
	key  string
	text []byte
}

// refuse tells the session that something of it was refused. It is called with the hub's mutex held.
func (s *session) refuse(e *wire.Error, id string) {
	s.h.r.count.refuse(e.Code)
	about := *e
	about.ID, about.Fatal = id, false
	s.reply(errorLine(s.h.id, &about), 0)
}

// acknowledge answers a draft whose id was known. It is called with the hub's mutex held.
func (s *session) acknowledge(d *group.Draft, res *group.Result) {
	s.reply(appendAck(nil, d.Kind, s.h.id, d.ID, res.Seq, res.Time), res.Seq)
}

func (s *session) reply(text []byte, after int64) {
	if s.ended {
		return
	}
	s.replies = append(s.replies, reply{text, after})
	s.rouse()
}

func errorLine(id wire.GroupID, e *wire.Error) []byte {
	f := wire.Frame{Type: wire.TypeError, Group: id, Payload: e.Append(nil)}
	return f.Append(nil)
}

func closeLine(id wire.GroupID, reason wire.Reason) []byte {
	return partingLine(id, reason, "")
}

// whisper puts a volatile message into the session's queue, in the place of an older one of the same
// sender and key; hub.wakeSoon has it written. It is called with the hub's mutex held.
func (s *session) whisper(m volatileMsg) {
	if s.ended {
		return
	}
	for i := range s.volatile {
		if v := &s.volatile[i]; v.from == m.from && v.key == m.key {
			s.h.r.count.volatileDropped.Add(1)
			s.volatileBytes += len(m.text) - len(v.text)
			v.text = m.text
			return
		}
	}
	s.volatile = append(s.volatile, m)
	s.volatileBytes += len(m.text)
	n := 0
	for ; s.volatileBytes > s.h.r.limits.VolatileBytes && n < len(s.volatile)-1; n++ {
		s.volatileBytes -= len(s.volatile[n].text)
	}
	s.h.r.count.volatileDropped.Add(int64(n))
	s.volatile = append(s.volatile[:0], s.volatile[n:]...)
}

// waiting returns how many bytes wait for the far side to take them. It is called with the hub's mutex
// held.
func (s *session) waiting() int {
	n := int(s.writing.Load()) + s.volatileBytes
	for i := range s.replies {
		n += len(s.replies[i].text)
	}
	return n
}

// end has the session write what is pending and then final (which may be empty), and end its half. It
// is called with the hub's mutex held.
func (s *session) end(final []byte) {
	if s.ended {
		return
	}
	s.ended, s.final, s.until = true, final, s.h.head.Seq
	s.endBy = time.Now().Add(s.h.r.limits.EndWait)
	_ = s.stream.SetWriteDeadline(s.endBy)
	close(s.gone)
	s.rouse()
}

// kill ends the session at once, whatever is pending. Its two goroutines wake up, or begin, and the writing one
// resets the stream: that can take its time, and so must not happen here, where everybody waits. It is
// called with the hub's mutex held.
func (s *session) kill() {
	s.killed = true
	if !s.ended {
		s.ended = true
		close(s.gone)
	}
	now := time.Now()
	_ = s.stream.SetWriteDeadline(now)
	_ = s.stream.SetReadDeadline(now)
	s.rouse()
}
