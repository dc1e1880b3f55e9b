package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/bench/load"
)

// coming is how many come at a time: more would wait for each other at the host, up to the end of their patience.
const coming = 64

// people come to a host, one for each member of the plan, and go at the end.
type people struct {
	bench *Bench
	mu    sync.Mutex // guards ends
	ends  []func() error
}

func newPeople(b *Bench) *people { return &people{bench: b} }

// come has enter called for each of them, evenly over a time, and returns when all are in. did tells people what they
// have done. What enter returns is called by close.
func (p *people) come(ctx context.Context, over time.Duration, did string, enter func(ctx context.Context, i int) (end func() error, err error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n := p.bench.Members
	begun := time.Now()
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range min(coming, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if wait(ctx, time.Until(begun.Add(over*time.Duration(i)/time.Duration(n)))) != nil {
					return
				}
				bounded, stop := context.WithTimeout(ctx, joinTime)
				end, err := enter(bounded, i)
				stop()
				if err != nil {
					cancel(fmt.Errorf("member %d of %d: %w", i+1, n, err))
					return
				}
				p.mu.Lock()
				p.ends = append(p.ends, end)
				p.mu.Unlock()
				done.Add(1)
			}
		})
	}
	told := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.bench.Progress(fmt.Sprintf("%d of %d have %s", done.Load(), n, did))
			case <-told:
				return
			}
		}
	})
	workers.Wait()
	close(told)
	teller.Wait()
	return context.Cause(ctx)
}

// close has all of them go.
func (p *people) close() error {
	return load.Each(len(p.ends), func(i int) error { return p.ends[i]() })
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(0, d))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
