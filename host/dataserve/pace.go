package dataserve

import (
	"context"
	"sync"
	"time"

	"goop/shared/data"
)

// paces slow down a peer that writes much, or reads much of what was said in groups, on all its streams
// together. Nothing is refused: its requests wait, then its streams are read no further.
type paces struct {
	streams int // that the peer has; guarded by the server's mu

	// mu guards the following.
	mu        sync.Mutex
	writes    pace
	manages   pace
	histories pace
}

func newPaces() *paces {
	return &paces{
		writes:    pace{rate: writeRate, burst: writeBurst},
		manages:   pace{rate: manageRate, burst: manageBurst},
		histories: pace{rate: historyRate, burst: historyBurst},
	}
}

// wait returns when it is the turn of a request, or when ctx ends.
func (p *paces) wait(ctx context.Context, r *data.Request) {
	pause := p.take(r, time.Now())
	if pause == 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take counts a request and returns how long to wait before it is done.
func (p *paces) take(r *data.Request, now time.Time) (pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.Op == data.OpHistory: // which may have to look through a whole log
		return p.histories.take(now)
	case r.Op.Writes(), r.Op == data.OpClaim:
		pause = p.writes.take(now)
	}
	if r.Manages() {
		pause = max(pause, p.manages.take(now))
	}
	return pause
}

// rested reports whether nothing is left of what was done.
func (p *paces) rested(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes.left(now) == 0 && p.manages.left(now) == 0 && p.histories.left(now) == 0
}

// pace measures how often something is done: up to burst times at once, then rate times a second.
type pace struct {
	rate, burst float64
	used        float64
	at          time.Time
}

// take counts once more and returns how long to wait before.
func (p *pace) take(now time.Time) time.Duration {
	p.used, p.at = p.left(now)+1, now
	return max(0, time.Duration((p.used-p.burst)/p.rate*float64(time.Second)))
}

// left returns how much of what was counted has not passed yet.
func (p *pace) left(now time.Time) float64 {
	return max(0, p.used-p.rate*now.Sub(p.at).Seconds())
}
