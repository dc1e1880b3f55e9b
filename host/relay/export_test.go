package relay

import (
	"time"

	"goop/shared/wire"
)

// Remembered is the number of peers of which something is counted.
func (r *Relay) Remembered() int {
	r.accounts.mu.Lock()
	defer r.accounts.mu.Unlock()
	return len(r.accounts.of)
}

// PastPeers is how many of those that have left a group are remembered.
const PastPeers = pastPeers

// Stretched is stretched.
func Stretched(least time.Duration, sessions int) time.Duration { return stretched(least, sessions) }

// Linger is linger.
const Linger = linger

// Writers is the number of sessions of a group whose writing goroutines run.
func (r *Relay) Writers(id wire.GroupID) (n int) {
	h := r.hub(id)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		if !s.resting {
			n++
		}
	}
	return n
}
