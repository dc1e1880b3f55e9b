package relay

import (
	"bytes"
	"errors"
	"os"
	"time"

	"goop/shared/wire"
)

// outcome is what became of a write.
type outcome int

const (
	sent  outcome = iota
	lost          // the stream is of no more use, or nobody wants it any more
	stuck         // the far side has not taken a byte for WriteWait
)

// looks is how often a write that does not come to its end is looked at within WriteWait.
const looks = 20

// send writes one batch, for as long as it moves, however slowly.
func (s *session) send(batch []byte) outcome {
	if len(batch) == 0 {
		return sent
	}
	moved := time.Now()
	s.writing.Store(int64(len(batch)))
	defer s.writing.Store(0)
	// A deadline that is still far is left as it is, for setting one is not cheap. Whoever ends or kills the session
	// meanwhile sets it anew.
	may := s.deadline.Sub(moved) > s.h.r.limits.WriteWait/looks/2
	for {
		if !may && !s.mayWrite() {
			return lost
		}
		may = false
		n, err := s.stream.Write(batch)
		s.h.r.count.bytesOut.Add(int64(n))
		batch = batch[n:]
		s.writing.Store(int64(len(batch)))
		now := time.Now()
		if n > 0 {
			moved = now
		}
		switch {
		case err == nil:
			return sent
		case !timedOut(err):
			return lost
		case now.Sub(moved) >= s.h.r.limits.WriteWait:
			s.stuckAt = len(batch)
			return stuck
		}
	}
}

// mayWrite bounds the next write in time. It reports false when the session is over.
func (s *session) mayWrite() bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	now := time.Now()
	if s.killed || s.ended && !now.Before(s.endBy) {
		return false
	}
	s.deadline = now.Add(s.h.r.limits.WriteWait / looks)
	if s.ended {
		s.deadline = s.endBy
	}
	_ = s.stream.SetWriteDeadline(s.deadline)
	return true
}

// lastWords tells a session whose batch is stuck that it is too slow, behind a whole line: that which was
// cut is finished. For both it has EndWait.
func (s *session) lastWords(batch []byte) outcome {
	h := s.h
	rest := batch[len(batch)-s.stuckAt:]
	cut := s.stuckAt < len(batch) && batch[len(batch)-s.stuckAt-1] != '\n'
	rest = rest[:bytes.IndexByte(rest, '\n')+1] // a batch ends with a line
	if !cut {
		rest = nil
	}
	h.mu.Lock()
	if s.ended { // somebody else has its last words, which cannot be written either
		h.mu.Unlock()
		return lost
	}
	s.end(nil)
	_ = s.stream.SetReadDeadline(time.Now()) // it leaves the group now, not when all is written
	s.replies, s.volatile, s.volatileBytes, s.pending = nil, nil, 0, nil
	h.mu.Unlock()
	h.r.count.tooSlow.Add(1)
	h.r.log.Debug("a member does not read and is let go", "group", h.id, "peer", s.peer)
	e := wire.E(wire.TooSlow, "you have read nothing for too long; join again to go on where you were")
	e.Fatal = true
	last := append(append(bytes.Clone(rest), errorLine(h.id, e)...), closeLine(h.id, wire.ReasonTooSlow)...)
	return s.send(last)
}

// timedOut reports whether a call on a stream ended because of its deadline.
func timedOut(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, os.ErrDeadlineExceeded) || ok && timeout.Timeout()
}
