package bench

import (
	"context"
	"errors"
	"fmt"

	"goop/host/bench/load"
)

// limitsFor are the bounds that a plan needs beyond those that every host has. A member joins once, and sends its
// part of the rate, with room for what it makes good after a pause. What a group remembers is worth ten seconds, however much
// comes in one: who is held up for a moment should find what he has missed.
func limitsFor(p load.Plan) []string {
	const (
		around     = 300 // bytes of a line around its payload, and in memory, at most
		members    = 2000
		remembered = 10 // seconds
		entries    = 10_000
		size       = 4 << 20 // of those: as much every host remembers
	)
	each := 1
	if p.Senders > 0 {
		each = int(p.Rate/float64(p.Senders)) + 1
	}
	list := []string{
		fmt.Sprint("rate=", min(100_000, max(200, 4*each))),
		fmt.Sprint("bandwidth=", min(1<<30, max(1<<20, 4*each*(p.Size+around)))),
	}
	if n := int(p.Rate * remembered); n > entries || n*(p.Size+around) > size {
		list = append(list, fmt.Sprint("memory-entries=", min(1_000_000, max(entries, n))), fmt.Sprint("memory-bytes=", min(1<<30, max(size, n*(p.Size+around)))))
	}
	if p.Members > members {
		list = append(list, fmt.Sprint("members=", min(10_000, p.Members+10)), fmt.Sprint("connections=", p.Members+100), fmt.Sprint("pages=", 2*p.Members))
	}
	return list
}

// messages makes the load of a plan on the group of a host, and reports what came of it.
func (b *Bench) messages(ctx context.Context, p load.Plan) (_ *Report, err error) {
	h, err := b.Start(ctx, Setup{Limits: limitsFor(p), Bare: b.Bare})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	r, err := b.load(ctx, h, p)
	return r, err
}

// load is messages with a host that is there.
func (b *Bench) load(ctx context.Context, h *Host, p load.Plan) (*Report, error) {
	g, err := newGauge(ctx, h, b.Profile)
	if err != nil {
		return nil, err
	}
	defer g.close()
	members := &crew{host: h, gauge: g}
	res, err := load.Run(ctx, members, p, h.Process(), b.Progress)
	if err != nil {
		return nil, err
	}
	r := b.report(p)
	r.Result, r.Host = res, g.figures(res, p.Members)
	r.loadRows(res)
	r.hostRows()
	r.loadNotes(res)
	if n := members.lost.Load(); n > 0 {
		r.Note("members lost their connection %d times, and joined again: what their group's log had forgotten by then is missing", n)
	}
	return r, nil
}
