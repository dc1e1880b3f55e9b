package relay

import (
	"errors"
	"sync"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// buffers holds what is used for one write, so that an idle session holds none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keepBuffer is the largest buffer that is kept for the next write, in bytes.
const keepBuffer = 256 << 10

// giveBack lets go of a buffer, as it has become.
func giveBack(buf *[]byte, as []byte) {
	if cap(as) <= keepBuffer {
		*buf = as[:0]
		buffers.Put(buf)
	}
}

// next's verdict on what comes after the batch.
type verdict int

const (
	more verdict = iota // ask again
	idle                // nothing until the session is woken
	last                // these were the last bytes
	dead                // it was killed
)

// write is the session's writing goroutine. It takes all that is pending, writes it in one call, and
// sleeps when there is nothing, until it is told to rest or the session has ended.
func (s *session) write() {
	for {
		buf := buffers.Get().(*[]byte)
		batch, then := s.next((*buf)[:0])
		how := s.send(batch)
		if how == stuck {
			how, then = s.lastWords(batch), last
		}
		giveBack(buf, batch)
		switch {
		case how != sent, then == dead:
			s.h.mu.Lock()
			s.kill()
			s.h.mu.Unlock()
			_ = s.stream.Reset()
			close(s.written)
			return
		case then == last:
			_ = s.stream.CloseWrite()
			_ = s.stream.SetReadDeadline(time.Now()) // Serve goes on to wait for the far end
			close(s.written)
			return
		case then == more:
			continue
		}
		switch {
		case s.skip != 0:
			s.sleepUntil(s.skipBy)
		case s.restDue.Load() && s.mayRest():
			return
		default:
			<-s.wake
		}
	}
}

// sleepUntil returns when there may be something to write, or at a time.
func (s *session) sleepUntil(t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	}
}

// next appends what is pending, up to about WriteBytes, in this order: the welcome, the roster, entries,
// replies, volatile messages, last words.
func (s *session) next(buf []byte) ([]byte, verdict) {
	if s.welcome != nil {
		return s.greet(buf), more
	}
	if len(s.pending) > 0 {
		return s.rosterPart(buf), more
	}
	h := s.h
	h.mu.Lock()
	if s.killed {
		h.mu.Unlock()
		return buf, dead
	}
	if !s.expelled {
		s.takeRoster()
	}
	near := s.takeLines()
	lines := s.lines
	if len(s.pending) > 0 || !near {
		head := s.goal()
		h.mu.Unlock()
		if buf = s.takeFrames(buf); len(s.pending) > 0 {
			return buf, more
		}
		return s.catchUp(buf, head), more
	}
	if len(lines) > 0 {
		s.cursor = lines[len(lines)-1].seq
		if s.untold > 0 {
			mine := 0
			for _, l := range lines {
				if l.sentBy(s) {
					mine++
				}
			}
			s.told(mine)
		}
	}
	replies, volatile := s.takeReplies()
	ended, final := s.ended && s.cursor >= s.until, s.final
	all := s.cursor >= s.goal()
	h.mu.Unlock()

	buf = s.takeFrames(buf)
	h.r.count.deliveries.Add(int64(len(lines)))
	for _, l := range lines {
		buf = s.take(buf, l)
	}
	clear(lines)
	if s.skip != 0 && (len(buf) > 0 || ended || len(replies) > 0 || !time.Now().Before(s.skipBy)) {
		buf = s.tellSkip(buf)
	}
	for i := range replies {
		buf = append(buf, replies[i].text...)
	}
	for i := range volatile {
		buf = append(buf, volatile[i].text...)
	}
	switch {
	case ended:
		return append(buf, final...), last
	case !all && (len(buf) > 0 || len(lines) > 0):
		return buf, more
	}
	return buf, idle // what comes meanwhile wakes it again
}

// takeRoster takes up what the far side does not know of the roster, into frames or, when that is no
// longer kept, pending. It is called with the hub's mutex held.
func (s *session) takeRoster() {
	h, taken := s.h, s.h.roster.Taken()
	you := s.takeYou()
	switch {
	case s.rosterSeen >= taken && you == nil:
	case !s.named() && you != nil:
		r := h.plainRoster(s.sees)
		r.You, s.rosterSeen = you, r.Version
		s.frames = append(s.frames, h.membersFrame(&r))
	case !s.named():
		s.takeWholeRoster()
	default:
		frames, near := h.news.since(s.frames, s.rosterSeen, taken)
		if s.frames = frames; near {
			s.rosterSeen = max(s.rosterSeen, taken)
		} else {
			s.takeWholeRoster()
		}
		if you != nil {
			r := wire.Roster{Version: s.rosterSeen, Count: h.roster.Len(), Delta: true, You: you}
			s.frames = append(s.frames, h.membersFrame(&r))
		}
	}
}

// takeYou returns what the far side is to be told of its rights, if anything. It is called with the hub's
// mutex held.
func (s *session) takeYou() *wire.You {
	if !s.youDue {
		return nil
	}
	s.youDue, s.youChanged = false, false
	you := s.you
	return &you
}

// takeWholeRoster is called with the hub's mutex held.
func (s *session) takeWholeRoster() {
	h := s.h
	s.rosterSeen = h.roster.Version()
	if s.named() {
		s.pending, s.pendingOf = h.roster.Members(), s.rosterSeen
		return
	}
	s.frames = append(s.frames, h.plainRosterFrame(s.sees))
}

func (s *session) takeFrames(buf []byte) []byte {
	for i, f := range s.frames {
		buf = append(buf, f...)
		s.frames[i] = nil
	}
	s.frames = s.frames[:0]
	return buf
}

// takeReplies takes the replies whose time has come and all volatile messages. It is called with the
// hub's mutex held.
func (s *session) takeReplies() ([]reply, []volatileMsg) {
	volatile := s.volatile
	s.volatile, s.volatileBytes = nil, 0
	if len(s.replies) == 0 {
		return nil, volatile
	}
	var now, later []reply
	for _, r := range s.replies {
		if r.after <= s.cursor {
			now = append(now, r)
		} else {
			later = append(later, r)
		}
	}
	s.replies = later
	signal(s.room)
	return now, volatile
}

// take appends one entry as the session sees it.
func (s *session) take(buf []byte, l *line) []byte {
	v := l.seenBy(s)
	if v == skipped {
		if s.skip == 0 {
			s.skipBy = time.Now().Add(s.h.r.limits.SkipGap)
		}
		s.skip = l.seq
		return buf
	}
	if s.skip != 0 {
		buf = s.tellSkip(buf)
	}
	return l.appendAs(buf, v, s.h.id)
}

func (s *session) tellSkip(buf []byte) []byte {
	buf = appendSkip(buf, s.h.id, s.skip)
	s.skip = 0
	return buf
}

// greet appends the welcome, with as much of the roster as fits.
func (s *session) greet(buf []byte) []byte {
	w := s.welcome
	s.welcome = nil
	n := chunk(w.Members)
	s.pending, s.pendingOf = rest(w.Members, n), w.RosterVersion
	w.Members, w.More = w.Members[:n], n < len(w.Members)
	scratch := buffers.Get().(*[]byte)
	f := wire.Frame{Type: wire.TypeWelcome, Group: s.h.id, Payload: w.Append((*scratch)[:0])}
	buf = f.Append(buf)
	giveBack(scratch, f.Payload)
	return buf
}

// rest returns the members after the first n. When there are none, it is nil: an empty rest of a large roster would
// hold all of it for as long as the session lasts.
func rest(ms []wire.Member, n int) []wire.Member {
	if n == len(ms) {
		return nil
	}
	return ms[n:]
}

// rosterPart appends the next part of a whole roster.
func (s *session) rosterPart(buf []byte) []byte {
	n := chunk(s.pending)
	r := wire.Roster{Version: s.pendingOf, Members: s.pending[:n], More: n < len(s.pending)}
	s.pending = rest(s.pending, n)
	s.h.mu.Lock()
	r.Count = s.h.roster.Len()
	s.h.mu.Unlock()
	return append(buf, s.h.membersFrame(&r)...)
}

// catchUp appends entries that are older than the window, from the engine. When that has forgotten
// them, the session goes on from the head with a whole state.
func (s *session) catchUp(buf []byte, head int64) []byte {
	h, most := s.h, s.h.r.limits.WriteBytes
	h.r.catchUps <- struct{}{}
	defer func() { <-h.r.catchUps }()
	entries, err := h.log.Read(h.r.ctx, h.id, s.cursor, s.readEntries)
	h.mu.Lock()
	ending := h.phase == closing // perhaps the log is gone with its group, and the state has to do
	h.mu.Unlock()
	if err != nil && !errors.Is(err, group.ErrForgotten) && !ending {
		e := h.r.coded(err, "read", h.id)
		e.Fatal = true
		h.mu.Lock()
		s.cursor = head
		s.end(errorLine(h.id, e))
		h.mu.Unlock()
		return buf
	}
	if err != nil || len(entries) == 0 {
		return s.resync(buf)
	}
	cursor, start, mine := s.cursor, len(buf), 0
	scratch := buffers.Get().(*[]byte)
	room := *scratch
	for i := range entries {
		if entries[i].Seq > head || len(buf)-start >= most {
			s.readEntries = max(1, s.readEntries/2)
			break
		}
		l := lineOf(h.id, &entries[i], room[:0])
		buf = s.take(buf, &l)
		if l.text != nil { // nothing is left of one that was taken away
			room = l.text
		}
		if l.sentBy(s) {
			mine++
		}
		cursor = entries[i].Seq
	}
	giveBack(scratch, room)
	h.r.count.deliveries.Add(cursor - s.cursor)
	h.mu.Lock()
	s.cursor = cursor
	s.told(mine)
	h.mu.Unlock()
	return buf
}

// told notes that the cursor has passed n entries of the session's own. It is called with the hub's mutex held.
func (s *session) told(n int) {
	s.untold = max(0, s.untold-n) // those of its last stream were not counted
	signal(s.room)
}

// resync appends a whole state at the head; the roster follows.
func (s *session) resync(buf []byte) []byte {
	h := s.h
	h.mu.Lock()
	if s.expelled {
		s.cursor = s.until
		h.mu.Unlock()
		return buf
	}
	s.cursor = h.head.Seq
	s.told(s.untold)
	s.resyncs++
	h.r.count.resyncs.Add(1)
	snap := wire.Snapshot{Epoch: h.head.Epoch, State: h.stateText(), StateSeq: h.head.StateSeq}
	s.takeWholeRoster()
	h.mu.Unlock()
	s.skip = 0
	f := wire.Frame{Type: wire.TypeState, Group: h.id, Seq: s.cursor, Payload: snap.Append(nil)}
	return s.takeFrames(f.Append(buf))
}
