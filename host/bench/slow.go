package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"goop/host/bench/load"

	"goop/shared/member"
	"goop/shared/wire"
)

// slowPace is how many bytes a second the slow member reads.
const slowPace = 1000

var slow = Scenario{
	Name:  "slow",
	Short: "what a member that hardly reads costs the others",
	Long: "As fanout, twice: with everybody as fast as they can, and with one member more that reads 1 KB a second. It\n" +
		"compares how long the others wait, and what the host holds.",
	Usual:    Options{Members: 100, Rate: 500, Size: 128, For: 10 * time.Second},
	Profiles: true,
	Run:      runSlow,
}

// slowResult is the run with the slow member, and what to compare it with.
type slowResult struct {
	Without load.Result `json:"without"`
	With    load.Result `json:"with"`
	// Read is how many bytes the slow member read, Ended how often its session was ended as too slow.
	Read  int64 `json:"slowRead"`
	Ended int64 `json:"slowEnded"`
	// HeapWithout and HeapWith are what the host held after the runs, in bytes; null when unknown.
	HeapWithout *int64 `json:"heapWithout"`
	HeapWith    *int64 `json:"heapWith"`
}

func runSlow(ctx context.Context, b *Bench) (_ *Report, err error) {
	p := b.plan(min(fanoutSenders, b.Members), b.Rate)
	without := *b
	without.Profile = "" // it is for the run with the slow one
	b.Progress("without a slow member")
	calm, err := without.messages(ctx, p)
	if err != nil {
		return nil, err
	}
	b.Progress("with a slow member")
	h, err := b.Start(ctx, Setup{Limits: limitsFor(p)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	s, err := startSluggard(ctx, h)
	if err != nil {
		return nil, err
	}
	r, err := b.load(ctx, h, p)
	read, ended := s.stop()
	if err != nil {
		return nil, err
	}
	res := slowResult{
		Without: calm.Result.(load.Result), With: r.Result.(load.Result), Read: read, Ended: ended,
		HeapWithout: calm.Host.Heap, HeapWith: r.Host.Heap,
	}
	r.Result = res
	r.Row("without the slow one", "p50 %s, p99 %s, p99.9 %s, at most %s", ms(res.Without.P50), ms(res.Without.P99), ms(res.Without.P999), ms(res.Without.Max))
	if res.Without.P99 > 0 {
		r.Row("with it, p99 is", "%.2f times that", float64(res.With.P99)/float64(res.Without.P99))
	}
	r.Row("host's heap", "%s without, %s with it", size(res.HeapWithout), size(res.HeapWith))
	r.Row("the slow one", "read %s bytes, was ended as too slow %d times", grouped(float64(read)), ended)
	if res.Without.LoaderBound && !res.With.LoaderBound {
		r.Note("the load was the bottleneck of the run without the slow member")
	}
	return r, nil
}

// sluggard is a member that reads too slowly. It reads its stream itself, without package member, which would read
// as fast as it can; and it joins anew when its session was ended.
type sluggard struct {
	host   *Host
	cancel context.CancelFunc
	wg     sync.WaitGroup

	// These belong to its goroutine until that has ended.
	read  int64
	ended int64
}

// startSluggard returns when it is in the group.
func startSluggard(ctx context.Context, h *Host) (*sluggard, error) {
	d, err := h.Dialer()
	if err != nil {
		return nil, err
	}
	s := &sluggard{host: h}
	ctx, s.cancel = context.WithCancel(ctx)
	in := make(chan error, 1)
	s.wg.Go(func() {
		defer func() { _ = d.Close() }()
		err := s.visit(ctx, d, func() { in <- nil })
		if len(in) == 0 {
			in <- err // it never came in
		}
		for ctx.Err() == nil {
			if sleep(ctx, time.Second) == nil {
				s.ended++
				_ = s.visit(ctx, d, func() {})
			}
		}
	})
	if err := <-in; err != nil {
		s.stop()
		return nil, fmt.Errorf("connect the slow member: %w", err)
	}
	return s, nil
}

// stop ends it, and returns how much it has read, and how often it lost its session.
func (s *sluggard) stop() (read, ended int64) {
	s.cancel()
	s.wg.Wait()
	return s.read, s.ended
}

// visit joins, calls in when there was an answer, and reads until the stream or ctx ends.
func (s *sluggard) visit(ctx context.Context, d member.Dialer, in func()) error {
	c, err := d.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	stream, err := c.Open(ctx, wire.GroupProtocol)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { stream.Reset() })()
	join := wire.Frame{Type: wire.TypeJoin, Group: s.host.Group(), Session: "slow", Caps: []string{wire.CapDelta}}
	if _, err := stream.Write(join.Append(nil)); err != nil {
		return err
	}
	buffer := make([]byte, slowPace)
	for first := true; ; first = false {
		n, err := io.ReadFull(stream, buffer[:1])
		if err == nil && !first {
			n, err = io.ReadFull(stream, buffer[1:])
			n++
		}
		s.read += int64(n)
		if err != nil {
			return err
		}
		if first {
			in()
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
