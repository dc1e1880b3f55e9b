package relay

import "time"

// A group whose entries are retained for a time lets go of those that are too old this many times within
// it, though not more often than trimLeast and not less often than trimMost.
const (
	trimShare = 10
	trimLeast = time.Minute
	trimMost  = time.Hour
)

// trimsAt returns when the log has to be trimmed next, if ever. It is called with mu held.
func (h *hub) trimsAt() (at time.Time, some bool) {
	if h.cfg.Retain != h.trimmedFor { // it is another one now, or the group has just been opened
		return time.Time{}, true
	}
	return h.trimAt, h.cfg.Retain.Age > 0
}

// trim has the engine let go of what is too old, and the window too. It runs on the hub's goroutine, as
// append does.
func (h *hub) trim() {
	if err := h.log.Trim(h.r.ctx, h.id); err != nil {
		h.r.log.Error("a log could not be trimmed", "group", h.id, "err", err)
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trimmedFor = h.cfg.Retain
	h.trimAt = now.Add(min(max(h.cfg.Retain.Age/trimShare, trimLeast), trimMost))
	h.erased++
	h.window.dropBefore(h.cfg.Retain.Since(now.UnixMilli()))
}
