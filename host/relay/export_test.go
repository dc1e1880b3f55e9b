package relay

import "time"

// Remembered is the number of peers of which something is counted.
func (r *Relay) Remembered() int {
	r.accounts.mu.Lock()
	defer r.accounts.mu.Unlock()
	return len(r.accounts.of)
}

// PastPeers is how many of those that have left a group are remembered.
const PastPeers = pastPeers

// Spacing is spacing.
func Spacing(coalesce time.Duration, sessions int) time.Duration { return spacing(coalesce, sessions) }
