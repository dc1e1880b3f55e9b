package yamux

import (
	"time"

	"goop/shared/link"
	"goop/wasm/internal/deadline"
)

// Stream is one stream of a session. The session's lock guards all of it.
type Stream struct {
	s  *Session
	id uint32

	readable *deadline.Cond
	in       buffer
	allowed  int   // bytes that may be on their way here and unread together
	ahead    int   // bytes that the far end may still send
	ended    error // behind what is in the buffer: io.EOF, or why the session ended
	rerr     error // at once: closed or reset
	deaf     bool  // something arrived after that

	writable   *deadline.Cond
	out        []byte // accepted, not yet sent
	sendWindow int64  // bytes that the far end is ready for
	werr       error
	finish     bool // a FIN is to be sent behind out
	finished   bool // and is sent
	abort      bool // an RST is to be sent

	opened    bool // something was sent, so the far end knows of the stream
	scheduled bool
}

var _ link.Stream = (*Stream)(nil)

func newStream(s *Session, id uint32) *Stream {
	return &Stream{
		s: s, id: id, allowed: window, ahead: window, sendWindow: window,
		readable: deadline.New(&s.mu), writable: deadline.New(&s.mu),
	}
}

// Read implements link.Stream.
func (st *Stream) Read(p []byte) (int, error) {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	for {
		switch {
		case st.readable.Expired():
			return 0, link.ErrDeadline
		case st.rerr != nil:
			return 0, st.rerr
		case st.in.len() > 0 || len(p) == 0:
			n := st.in.read(p)
			if st.ended == nil && st.creditLocked() >= st.allowed/2 {
				st.s.scheduleLocked(st)
			}
			return n, nil
		case st.ended != nil:
			return 0, st.ended
		}
		if err := st.readable.Wait(); err != nil {
			return 0, err
		}
	}
}

// creditLocked returns how many bytes more the far end could be allowed to send.
func (st *Stream) creditLocked() int { return st.allowed - st.ahead - st.in.len() }

// Write implements link.Stream. It returns when all of p waits to be sent, or is.
func (st *Stream) Write(p []byte) (n int, err error) {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	for {
		room := maxOut - len(st.out)
		switch {
		case st.writable.Expired():
			return n, link.ErrDeadline
		case st.werr != nil:
			return n, st.werr
		case n == len(p):
			return n, nil
		case room > 0:
			part := p[n:min(len(p), n+room)]
			st.out = append(st.out, part...)
			n += len(part)
			st.s.scheduleLocked(st)
			continue
		}
		if err := st.writable.Wait(); err != nil {
			return n, err
		}
	}
}

// collectLocked appends what the stream has to say now, and reports whether it has more that could
// follow at once.
func (st *Stream) collectLocked(b []byte) (_ []byte, more bool) {
	add := func(f frame) {
		f.stream = st.id
		if !st.opened {
			st.opened = true
			f.flags |= flagSYN
		}
		b = f.append(b)
	}
	if st.abort {
		st.abort = false
		add(frame{typ: typeWindow, flags: flagRST})
		return b, false
	}
	if credit := st.creditLocked(); credit >= st.allowed/2 && st.ended == nil && st.rerr == nil {
		if st.allowed < maxWindow && st.s.grown+st.allowed <= maxGrown {
			// Much was read here: the far end need not wait for an answer so often.
			credit += st.allowed
			st.s.grown += st.allowed
			st.allowed *= 2
		}
		st.ahead += credit
		add(frame{typ: typeWindow, length: uint32(credit)})
	}
	if part := int(min(int64(len(st.out)), st.sendWindow, maxPart)); part > 0 {
		add(frame{typ: typeData, length: uint32(part)})
		b = append(b, st.out[:part]...)
		st.out = st.out[:copy(st.out, st.out[part:])]
		st.sendWindow -= int64(part)
		st.writable.Wake()
	}
	if st.finish && !st.finished && len(st.out) == 0 {
		st.finished = true
		add(frame{typ: typeWindow, flags: flagFIN})
		if st.deaf { // what was sent stays readable there, but nobody reads here
			add(frame{typ: typeWindow, flags: flagRST})
		}
		st.settleLocked()
	}
	return b, len(st.out) > 0 && st.sendWindow > 0
}

// acceptLocked takes in bytes of the far end, and reports whether it may send them.
func (st *Stream) acceptLocked(p []byte) bool {
	if len(p) > st.ahead || st.ended != nil {
		return false
	}
	st.ahead -= len(p)
	st.in.write(p)
	st.readable.Wake()
	return true
}

// endedLocked ends the reading half behind what has arrived.
func (st *Stream) endedLocked(err error) {
	if st.ended == nil {
		st.ended = err
		st.readable.Wake()
		st.settleLocked()
	}
}

// resetLocked ends both halves at once, but for a reading half that has ended by itself: what has
// arrived there can still be read.
func (st *Stream) resetLocked(rerr, werr error) {
	if st.rerr == nil && (st.ended == nil || rerr == link.ErrClosed) {
		st.rerr = rerr
		st.in = buffer{}
	}
	if st.werr == nil {
		st.werr = werr
	}
	st.out, st.finished = nil, true
	st.readable.Wake()
	st.writable.Wake()
	st.settleLocked()
}

// lostLocked ends the stream because the session has ended.
func (st *Stream) lostLocked(err error) {
	if st.ended == nil {
		st.ended = err
	}
	if st.werr == nil {
		st.werr = err
	}
	st.out = nil
	st.readable.Wake()
	st.writable.Wake()
}

// settleLocked lets the session forget a stream of which both halves have ended.
func (st *Stream) settleLocked() {
	if st.finished && (st.ended != nil || st.rerr != nil) {
		st.s.forgetLocked(st)
	}
}

// CloseWrite implements link.Stream.
func (st *Stream) CloseWrite() error {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	return st.closeWriteLocked()
}

func (st *Stream) closeWriteLocked() error {
	if st.finish {
		return nil
	}
	if st.werr != nil {
		return st.werr
	}
	st.finish, st.werr = true, link.ErrClosed
	st.writable.Wake()
	st.s.scheduleLocked(st)
	return nil
}

// Close implements link.Stream.
func (st *Stream) Close() error {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if st.rerr == nil {
		st.rerr = link.ErrClosed
		st.in = buffer{}
		st.readable.Wake()
	}
	if st.werr == nil {
		st.closeWriteLocked()
	}
	st.settleLocked()
	return nil
}

// Reset implements link.Stream.
func (st *Stream) Reset() error {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	if st.s.streams[st.id] == st && st.opened {
		st.abort = true
		st.s.scheduleLocked(st)
	}
	st.resetLocked(link.ErrClosed, link.ErrClosed)
	return nil
}

// SetReadDeadline implements link.Stream.
func (st *Stream) SetReadDeadline(t time.Time) error {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	st.readable.Set(t)
	return nil
}

// SetWriteDeadline implements link.Stream.
func (st *Stream) SetWriteDeadline(t time.Time) error {
	st.s.mu.Lock()
	defer st.s.mu.Unlock()
	st.writable.Set(t)
	return nil
}

// buffer is a queue of bytes.
type buffer struct {
	b   []byte
	off int
}

func (q *buffer) len() int { return len(q.b) - q.off }

func (q *buffer) write(p []byte) {
	if len(q.b)+len(p) > cap(q.b) && q.off >= len(q.b)/2 {
		q.b = q.b[:copy(q.b, q.b[q.off:])]
		q.off = 0
	}
	q.b = append(q.b, p...)
}

// read takes bytes off the front. An empty queue keeps no large buffer.
func (q *buffer) read(p []byte) int {
	n := copy(p, q.b[q.off:])
	if q.off += n; q.off == len(q.b) {
		q.off, q.b = 0, q.b[:0]
		if cap(q.b) > maxPart {
			q.b = nil
		}
	}
	return n
}
