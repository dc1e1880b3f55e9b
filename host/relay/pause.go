package relay

import "goop/shared/wire"

// close has the hub take nothing in any more; done is closed when it has finished its queue.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase = closing
	h.poke()
}

// pause stops the hub when its queue is finished, so that its log is at rest, and returns what sets it
// going again. Sessions stay and what they send waits. It is called with Relay.manage held.
func (h *hub) pause() (restart func(), err error) {
	h.mu.Lock()
	if h.phase != running {
		h.mu.Unlock()
		return nil, wire.E(wire.Closed, "the host is going down")
	}
	h.phase, h.paused = closing, make(chan struct{})
	done := h.done
	h.poke()
	h.mu.Unlock()
	<-done
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.phase, h.done = running, make(chan struct{})
		h.endPause()
		for s := range h.waiting {
			signal(s.room)
		}
		h.r.running.Go(h.run)
	}, nil
}

// endPause lets those go on who wait for the end of a pause. It is called with mu held.
func (h *hub) endPause() {
	if h.paused != nil {
		close(h.paused)
		h.paused = nil
	}
}

// endSessions tells every session why the group has ended for it.
func (h *hub) endSessions(reason wire.Reason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.endPause()
	last := closeLine(h.id, reason)
	for _, s := range h.sessions {
		s.end(last)
	}
}
