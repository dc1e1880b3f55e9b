package relay

import "time"

// linger is how long a writing goroutine outlives what it has written. While messages come, none is begun for each;
// who is in a group where nothing is said costs the host no goroutine, and no stack, for writing.
const linger = time.Second

// rouse has write look what there is to write, beginning it if it rests. It is called with the hub's mutex held.
func (s *session) rouse() {
	if s.resting {
		s.begin()
		return
	}
	signal(s.wake)
}

// begin begins the session's writing. It is called with the hub's mutex held, by Serve or while Serve waits for the
// end of all writing.
func (s *session) begin() {
	h := s.h
	s.resting = false
	s.restDue.Store(false)
	h.r.serving.Go(s.write)
	if h.restAt.IsZero() {
		h.restAt = time.Now().Add(linger)
		h.poke()
	}
}

// mayRest reports whether write may return and leave it to rouse to begin it again. What came before that is still to
// be written.
func (s *session) mayRest() bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.resting = len(s.wake) == 0
	return s.resting
}

// sendToRest has the writing goroutines return that have nothing to do; those that are at work do when they have done
// it. It is called with mu held.
func (h *hub) sendToRest() {
	h.restAt = time.Time{}
	for _, s := range h.sessions {
		if !s.resting {
			s.restDue.Store(true)
			signal(s.wake)
		}
	}
}
