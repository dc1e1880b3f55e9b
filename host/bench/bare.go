package bench

import (
	"context"
	"errors"
	"time"

	"goop/host/bench/load"
)

// redial is the pause after a connection that was refused.
const redial = 100 * time.Millisecond

// bareFigures are what connections alone cost.
type bareFigures struct {
	Memory  HostFigures   // per member
	HostCPU time.Duration // of the handshakes; load.Unknown where that cannot be had
	Elapsed time.Duration
}

// bare connects so many peers to a bare host, which does nothing with them as long as they join nothing.
func (b *Bench) bare(ctx context.Context, over time.Duration) (f bareFigures, err error) {
	h := &Host{bench: b, setup: Setup{Bare: true}}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.launch(ctx); err != nil {
		return f, err
	}
	empty, err := h.Control().Memory(ctx)
	if err != nil {
		return f, err
	}
	p := newPeople(b)
	defer p.close()
	cpu, known := h.process.CPU()
	begun := time.Now()
	if err := p.come(ctx, over, "connected to a bare host", func(ctx context.Context, _ int) (func() error, error) {
		d, err := h.Dialer()
		if err != nil {
			return nil, err
		}
		c, err := d.Dial(ctx)
		for ; err != nil; c, err = d.Dial(ctx) { // as a member does: a host takes in only so many at a time
			if wait(ctx, redial) != nil {
				return nil, errors.Join(err, d.Close())
			}
		}
		return func() error { return errors.Join(c.Close(), d.Close()) }, nil
	}); err != nil {
		return f, err
	}
	f.Elapsed, f.HostCPU = time.Since(begun), load.Unknown
	if now, ok := h.process.CPU(); ok && known {
		f.HostCPU = now - cpu
	}
	full, err := h.Control().Memory(ctx)
	f.Memory.members(empty, full, b.Members)
	return f, err
}
