package bench

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"goop/host/bench/load"
)

// work does one thing after another until ctx ends, for worker i, and calls done for each with when it began. Its
// error counts unless ctx has ended.
type work func(ctx context.Context, i int, done func(since time.Time)) error

// Part is what came of one kind of work that goes as fast as it is answered, in the time that was measured.
type Part struct {
	Count   int64         // what was done
	Elapsed time.Duration // the time in which it was
	HostCPU time.Duration // user and system; load.Unknown where it cannot be had
	LoadCPU time.Duration // of the load
	RSS     int64         // of the host, at the end
	P50     time.Duration
	P99     time.Duration
	P999    time.Duration
	Max     time.Duration
}

// PerSecond is how much was done in a second.
func (p Part) PerSecond() float64 { return float64(p.Count) / p.Elapsed.Seconds() }

// PerHostCPU is how much was done in a second of the host's CPU; load.Unknown when that is.
func (p Part) PerHostCPU() float64 {
	if p.HostCPU <= 0 {
		return load.Unknown
	}
	return float64(p.Count) / p.HostCPU.Seconds()
}

// MarshalJSON writes times in milliseconds, and null for what is unknown.
func (p Part) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) *float64 {
		if d < 0 {
			return nil
		}
		return new(math.Round(float64(d)/float64(time.Microsecond)) / 1000)
	}
	var per *float64
	if v := p.PerHostCPU(); v >= 0 {
		per = new(math.Round(v*10) / 10)
	}
	return json.Marshal(struct {
		Count      int64    `json:"count"`
		PerSecond  float64  `json:"perSecond"`
		PerHostCPU *float64 `json:"perHostCpuSecond"`
		Elapsed    *float64 `json:"elapsedMs"`
		HostCPU    *float64 `json:"hostCpuMs"`
		LoadCPU    *float64 `json:"loaderCpuMs"`
		P50        *float64 `json:"p50Ms"`
		P99        *float64 `json:"p99Ms"`
		P999       *float64 `json:"p999Ms"`
		Max        *float64 `json:"maxMs"`
	}{
		p.Count, math.Round(p.PerSecond()*10) / 10, per, ms(p.Elapsed), ms(p.HostCPU), ms(p.LoadCPU),
		ms(p.P50), ms(p.P99), ms(p.P999), ms(p.Max),
	})
}

// row adds the part to the table.
func (p Part) row(r *Report, name string) {
	per := unknown
	if v := p.PerHostCPU(); v >= 0 {
		per = grouped(v)
	}
	r.Row(name, "%s/s, %s per host CPU second; p50 %s, p99 %s, p99.9 %s, at most %s", grouped(p.PerSecond()), per, ms(p.P50), ms(p.P99), ms(p.P999), ms(p.Max))
}

// load is the part as the figures of the host need it.
func (p Part) load(h *Host) load.Result {
	return load.Result{Elapsed: p.Elapsed, HostCPU: p.HostCPU, HostCores: h.Process().Cores(), HostRSS: p.RSS}
}

// meter measures one kind of work.
type meter struct {
	bench *Bench
	host  *Host
	begin func() error // called where the measured time begins; may be nil
	end   func() error // and where it ends

	on    atomic.Bool
	count atomic.Int64
	mu    sync.Mutex // guards delays
	// delays are in microseconds.
	delays *hdrhistogram.Histogram
}

// measure has n workers work, first to warm up and then for the time that is measured.
func (m *meter) measure(ctx context.Context, n int, do work) (p Part, err error) {
	const longest, digits = int64(time.Minute / time.Microsecond), 3
	m.delays = hdrhistogram.New(1, longest, digits)
	working, stop := context.WithCancelCause(ctx)
	var workers sync.WaitGroup
	for i := range n {
		workers.Go(func() {
			err := do(working, i, func(since time.Time) {
				if !m.on.Load() {
					return
				}
				m.count.Add(1)
				took := min(max(1, time.Since(since).Microseconds()), longest)
				m.mu.Lock()
				_ = m.delays.RecordValue(took) // it is in the range
				m.mu.Unlock()
			})
			if err != nil && working.Err() == nil {
				stop(err)
			}
		})
	}
	defer func() {
		stop(nil)
		workers.Wait()
		if err == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			at := func(percent float64) time.Duration {
				return time.Duration(m.delays.ValueAtQuantile(percent)) * time.Microsecond
			}
			p.P50, p.P99, p.P999, p.Max = at(50), at(99), at(99.9), time.Duration(m.delays.Max())*time.Microsecond
		}
	}()
	wait := func(d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-working.Done():
			return context.Cause(working)
		}
	}
	if err := wait(m.bench.warm()); err != nil {
		return p, err
	}
	if m.begin != nil {
		if err := m.begin(); err != nil {
			return p, err
		}
	}
	cpu := func(of *load.Process) time.Duration {
		if d, ok := of.CPU(); ok {
			return d
		}
		return load.Unknown
	}
	start, hostCPU, loadCPU := time.Now(), cpu(m.host.Process()), cpu(self())
	m.on.Store(true)
	if err := wait(m.bench.For); err != nil {
		return p, err
	}
	m.on.Store(false)
	p.Count, p.Elapsed = m.count.Load(), time.Since(start)
	p.HostCPU, p.LoadCPU, p.RSS = spent(hostCPU, cpu(m.host.Process())), spent(loadCPU, cpu(self())), load.Unknown
	if n, ok := m.host.Process().RSS(); ok {
		p.RSS = n
	}
	if m.end != nil {
		err = m.end()
	}
	return p, err
}

// spent is the time between two readings of a clock that may be unknown.
func spent(from, to time.Duration) time.Duration {
	if from < 0 || to < 0 {
		return load.Unknown
	}
	return to - from
}
