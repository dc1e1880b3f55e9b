package main

import (
	"sync"
	"time"
)

const (
	// paceTime is how far back a pace looks.
	paceTime = time.Minute
	// paceStep is how often it looks at its counter.
	paceStep = 5 * time.Second
)

// pace tells how fast a counter rose during the last minute. The zero value is one that has not started.
type pace struct {
	wg   sync.WaitGroup
	done chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	samples []sample // of the last minute, and the one before
}

type sample struct {
	at time.Time
	n  int64
}

// start begins to look at a counter, until stop.
func (p *pace) start(read func() int64) {
	p.note(time.Now(), read())
	p.done = make(chan struct{})
	p.wg.Go(func() {
		tick := time.NewTicker(paceStep)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				p.note(now, read())
			case <-p.done:
				return
			}
		}
	})
}

// stop ends what start began, if it did.
func (p *pace) stop() {
	if p.done != nil {
		close(p.done)
		p.wg.Wait()
	}
}

func (p *pace) note(now time.Time, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.samples) > 1 && now.Sub(p.samples[1].at) >= paceTime {
		p.samples = p.samples[1:]
	}
	p.samples = append(p.samples, sample{now, n})
}

// perSecond returns by how much the counter rose each second, to what it is now.
func (p *pace) perSecond(now time.Time, n int64) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.samples) == 0 || now.Sub(p.samples[0].at) < time.Second {
		return 0
	}
	first := p.samples[0]
	return float64(n-first.n) / now.Sub(first.at).Seconds()
}
