package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"goop/host/bench/load"
	"goop/host/control"
)

// gauge reads what the host tells of itself, at the moments of a run. Without its control socket it reads nothing.
type gauge struct {
	host    *Host
	profile string // the file for the profile, "" for none

	empty     control.Memory // before the members came
	connected control.Memory // with all of them, before the load
	drained   control.Memory // after it
	begin     reading
	end       reading

	wg         sync.WaitGroup // of the profile
	profileErr error
}

// reading is what is read where the measured time begins and ends.
type reading struct {
	counters control.Counters
	lo       int64 // bytes that the loopback interface has sent, load.Unknown without one
	err      error
}

// newGauge reads the host as it is before the members come.
func newGauge(ctx context.Context, h *Host, profile string) (*gauge, error) {
	g := &gauge{host: h, profile: profile}
	if c := h.Control(); c != nil {
		var err error
		if g.empty, err = c.Memory(ctx); err != nil {
			return nil, fmt.Errorf("read the host's memory: %w", err)
		}
	}
	return g, nil
}

func (g *gauge) phase(ctx context.Context, now load.Phase) (err error) {
	c := g.host.Control()
	if c == nil {
		return nil
	}
	switch now {
	case load.Connected:
		g.connected, err = c.Memory(ctx)
	case load.Begin:
		g.begin = g.read(ctx)
		g.startProfile(ctx, g.host.bench.For)
	case load.End:
		g.end = g.read(ctx)
	case load.Drained:
		if err := g.profiled(); err != nil {
			return err
		}
		g.drained, err = c.Memory(ctx)
	}
	return err
}

func (g *gauge) read(ctx context.Context) reading {
	n, err := g.host.Control().Counters(ctx)
	return reading{n, loopback(), err}
}

// startProfile profiles the host for a time from now on.
func (g *gauge) startProfile(ctx context.Context, d time.Duration) {
	if g.profile == "" {
		return
	}
	g.wg.Go(func() {
		b, err := g.host.Control().Profile(ctx, d)
		if err == nil {
			err = os.WriteFile(g.profile, b, 0o600)
		}
		if err != nil {
			g.profileErr = fmt.Errorf("profile the host: %w", err)
		}
	})
}

// profiled waits for the profile, if there is one.
func (g *gauge) profiled() error {
	g.wg.Wait()
	return g.profileErr
}

// close waits for the profile, also of a run that failed.
func (g *gauge) close() { g.wg.Wait() }

// loopback reads how much this machine has sent to itself; load.Unknown where that cannot be read.
func loopback() int64 {
	b, err := os.ReadFile("/sys/class/net/lo/statistics/tx_bytes")
	if err != nil {
		return load.Unknown
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return load.Unknown
	}
	return n
}

// HostFigures are what the host spent. What is not known is null in JSON.
type HostFigures struct {
	CPU   *float64 `json:"cpuMs"`       // of the measured time, user and system
	Busy  *float64 `json:"busy"`        // that, in cores
	Cores int      `json:"cores"`       // that the host may use; 0 when unknown
	Pin   bool     `json:"pinned"`      // to one core of its own
	RSS   *int64   `json:"rss"`         // bytes at the end of the measured time
	Heap  *int64   `json:"heap"`        // bytes after it and a forced collection
	Own   bool     `json:"startedHere"` // for this run

	// Of what came with the members, after a forced collection, before the load.
	HeapPerMember       *float64 `json:"heapPerMember"`
	StackPerMember      *float64 `json:"stackPerMember"`
	RSSPerMember        *float64 `json:"rssPerMember"`
	GoroutinesPerMember *float64 `json:"goroutinesPerMember"`
	OursPerMember       *float64 `json:"oursPerMember"` // heap and stacks, on top of a bare connection

	// Of the measured time, over the deliveries that the host counted in it, acknowledgements included.
	StreamBytes   *float64 `json:"streamBytesPerDelivery"`   // of the groups' lines, by the host's own count
	LoopbackBytes *float64 `json:"loopbackBytesPerDelivery"` // all that this machine sent to itself, both ways and whoever it was
	Mallocs       *float64 `json:"allocsPerDelivery"`
	AllocBytes    *float64 `json:"allocBytesPerDelivery"`
	GCs           *int64   `json:"gcs"`

	Resyncs *int64 `json:"resyncs"` // in the measured time
	TooSlow *int64 `json:"tooSlow"`
}

// figures puts together what was read, for n members.
func (g *gauge) figures(r load.Result, n int) HostFigures {
	f := HostFigures{Cores: r.HostCores, Own: g.host.Own(), Pin: g.host.pinned()}
	if r.HostCPU >= 0 {
		f.CPU = new(float64(r.HostCPU) / float64(time.Millisecond))
		f.Busy = new(r.HostCPU.Seconds() / r.Elapsed.Seconds())
	}
	if r.HostRSS >= 0 {
		f.RSS = new(r.HostRSS)
	}
	if g.host.Control() == nil {
		return f
	}
	f.members(g.empty, g.connected, n)
	f.Heap = new(g.drained.Heap)
	if g.begin.err != nil || g.end.err != nil {
		return f
	}
	a, b := g.begin.counters, g.end.counters
	f.Resyncs, f.TooSlow, f.GCs = new(b.Resyncs-a.Resyncs), new(b.TooSlow-a.TooSlow), new(b.GCs-a.GCs)
	per := func(from, to int64) *float64 {
		if from < 0 || to < 0 || b.Deliveries == a.Deliveries {
			return nil
		}
		return new(float64(to-from) / float64(b.Deliveries-a.Deliveries))
	}
	f.StreamBytes, f.LoopbackBytes = per(a.BytesOut, b.BytesOut), per(g.begin.lo, g.end.lo)
	f.Mallocs, f.AllocBytes = per(a.Mallocs, b.Mallocs), per(a.AllocBytes, b.AllocBytes)
	return f
}

// members fills in what n members cost: the difference of what was held before and after they came.
func (f *HostFigures) members(before, after control.Memory, n int) {
	each := func(from, to int64) *float64 { return new(float64(to-from) / float64(n)) }
	f.HeapPerMember, f.StackPerMember = each(before.Heap, after.Heap), each(before.Stacks, after.Stacks)
	f.GoroutinesPerMember = each(int64(before.Goroutines), int64(after.Goroutines))
	if before.RSS > 0 && after.RSS > 0 {
		f.RSSPerMember = each(before.RSS, after.RSS)
	}
}
