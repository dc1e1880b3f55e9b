package dataserve

import (
	"cmp"
	"context"
	"sync"
	"time"

	"goop/shared/data"
)

// paces slow down a peer that reads or writes much, on all its streams together. Nothing is refused: its
// requests wait, then its streams are read no further.
type paces struct {
	streams int           // that the peer has; guarded by the server's mu
	slots   chan struct{} // one is taken by each read

	// mu guards the following.
	mu        sync.Mutex
	reads     pace
	writes    pace
	manages   pace
	histories pace
}

func newPaces(r Rates) *paces {
	return &paces{
		slots:     make(chan struct{}, maxReads),
		reads:     paceOf(cmp.Or(r.Reads, readRate), readBurst/readRate),
		writes:    paceOf(cmp.Or(r.Writes, writeRate), writeBurst/writeRate),
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
		return p.histories.take(1, now)
	case r.Op == data.OpQuery, r.Op == data.OpGet, r.Op == data.OpCount, r.Op == data.OpAggregate, r.Op == data.OpWatch, r.Op == data.OpSQL:
		return p.reads.take(1, now)
	case r.Op.Writes(), r.Op == data.OpClaim:
		pause = p.writes.take(r.Weight(), now)
	}
	if r.Manages() {
		pause = max(pause, p.manages.take(1, now))
	}
	return pause
}

// rested reports whether nothing is left of what was done.
func (p *paces) rested(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads.left(now) == 0 && p.writes.left(now) == 0 && p.manages.left(now) == 0 && p.histories.left(now) == 0
}

// pace measures how often something is done: up to burst times at once, then rate times a second.
type pace struct {
	rate, burst float64
	used        float64
	at          time.Time
}

// paceOf makes a pace at which so many seconds' worth may come at once.
func paceOf(rate, seconds float64) pace { return pace{rate: rate, burst: rate * seconds} }

// take counts n more and returns how long to wait before.
func (p *pace) take(n float64, now time.Time) time.Duration {
	p.used, p.at = p.left(now)+n, now
	return max(0, time.Duration((p.used-p.burst)/p.rate*float64(time.Second)))
}

// left returns how much of what was counted has not passed yet.
func (p *pace) left(now time.Time) float64 {
	return max(0, p.used-p.rate*now.Sub(p.at).Seconds())
}
