package load

import (
	"encoding/json"
	"math"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// When the load is what limited the run.
const (
	full    = 0.9                   // of its cores: busy all the time
	tooLate = 20 * time.Millisecond // for a schedule, at the 99th percentile
)

// Result is what came of a run. The counts are of the whole run, with what was sent to warm up; the times,
// and what has Window in its comment, are of the measured time alone. A CPU time or size that could not be
// found out is Unknown.
type Result struct {
	Members, Senders int

	Sent       int64
	Refused    int64  // sends that the client would not take: then the offered rate was not reached
	Why        string // of the first of them
	Expected   int64  // deliveries: each message to all but its sender
	Delivered  int64  // each once
	Missing    int64
	Duplicates int64
	OutOfOrder int64 // deliveries that came after a later one of the same sender

	Elapsed   time.Duration // the window
	Window    int64         // deliveries in the window, whenever they had been sent
	P50       time.Duration // from due to delivered, of what was due in the window
	P99       time.Duration
	P999      time.Duration
	Max       time.Duration
	Late      time.Duration // how late the schedule sent, 99th percentile
	HostCPU   time.Duration // in the window, user and system
	HostCores int           // that the host may use; 0 when unknown
	HostRSS   int64         // at the end of the window, bytes

	LoaderCPU   time.Duration // in the window
	LoaderCores int
	// LoaderBound says that the load could not do more, while the host could have: the figures are then
	// those of the load, not of the system.
	LoaderBound bool
}

// PerSecond is deliveries a second, in the window.
func (r Result) PerSecond() float64 { return float64(r.Window) / r.Elapsed.Seconds() }

// PerHostCPU is deliveries per second of the host's CPU, in the window; Unknown when that is.
func (r Result) PerHostCPU() float64 {
	if r.HostCPU <= 0 {
		return Unknown
	}
	return float64(r.Window) / r.HostCPU.Seconds()
}

// reading is what is read where the window begins and ends.
type reading struct {
	at        time.Duration
	delivered int64
	host      time.Duration
	rss       int64
	loader    time.Duration
}

func (r *run) read() reading {
	now := reading{at: r.book.since(), delivered: r.book.delivered(), host: Unknown, rss: Unknown, loader: Unknown}
	if cpu, ok := r.host.CPU(); ok {
		now.host = cpu
	}
	if rss, ok := r.host.RSS(); ok {
		now.rss = rss
	}
	if cpu, ok := ownCPU(); ok {
		now.loader = cpu
	}
	return now
}

// spent is the time between two readings of a clock that may be unknown.
func spent(from, to time.Duration) time.Duration {
	if from < 0 || to < 0 {
		return Unknown
	}
	return to - from
}

func (r *run) result() Result {
	b := r.book
	all := hdrhistogram.New(1, longest, digits)
	for i := range b.delays {
		b.delays[i].into(all)
	}
	at := func(h *hdrhistogram.Histogram, percent float64) time.Duration {
		return time.Duration(h.ValueAtQuantile(percent)) * time.Microsecond
	}
	res := Result{
		Members: r.plan.Members, Senders: r.plan.Senders,
		Sent: b.sent.Load(), Refused: b.refused, Expected: r.expected(), Delivered: b.delivered(),
		Elapsed: r.end.at - r.begin.at, Window: r.end.delivered - r.begin.delivered,
		P50: at(all, 50), P99: at(all, 99), P999: at(all, 99.9), Max: time.Duration(all.Max()) * time.Microsecond,
		Late:    at(b.lag.h, 99),
		HostCPU: spent(r.begin.host, r.end.host), HostCores: r.host.Cores(), HostRSS: r.end.rss,
		LoaderCPU: spent(r.begin.loader, r.end.loader), LoaderCores: runtime.GOMAXPROCS(0),
	}
	if b.why != nil {
		res.Why = b.why.Error()
	}
	for i := range b.heard {
		res.Duplicates += b.heard[i].duplicates.Load()
		res.OutOfOrder += b.heard[i].disorder.Load()
	}
	res.Missing = max(0, res.Expected-res.Delivered)
	res.LoaderBound = res.bound()
	return res
}

// bound reports whether the load limited the run: its cores were full, or it sent late, and the host's were
// not full.
func (r Result) bound() bool {
	busy := func(cpu time.Duration, cores int) bool {
		return cpu > 0 && cores > 0 && cpu.Seconds() >= full*r.Elapsed.Seconds()*float64(cores)
	}
	return !busy(r.HostCPU, r.HostCores) && (busy(r.LoaderCPU, r.LoaderCores) || r.Late > tooLate)
}

// MarshalJSON writes times in milliseconds, the rates beside the counts, and null for what is unknown.
func (r Result) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) *float64 {
		if d < 0 {
			return nil
		}
		v := math.Round(float64(d)/float64(time.Microsecond)) / 1000
		return &v
	}
	known := func(v float64) *float64 {
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		v = math.Round(v*10) / 10
		return &v
	}
	return json.Marshal(struct {
		Members     int      `json:"members"`
		Senders     int      `json:"senders"`
		Sent        int64    `json:"sent"`
		Refused     int64    `json:"refused"`
		Why         string   `json:"why,omitempty"`
		Expected    int64    `json:"expected"`
		Delivered   int64    `json:"delivered"`
		Missing     int64    `json:"missing"`
		Duplicates  int64    `json:"duplicates"`
		OutOfOrder  int64    `json:"outOfOrder"`
		Elapsed     *float64 `json:"elapsedMs"`
		Window      int64    `json:"window"`
		PerSecond   *float64 `json:"perSecond"`
		PerHostCPU  *float64 `json:"perHostCpuSecond"`
		P50         *float64 `json:"p50Ms"`
		P99         *float64 `json:"p99Ms"`
		P999        *float64 `json:"p999Ms"`
		Max         *float64 `json:"maxMs"`
		Late        *float64 `json:"lateMs"`
		HostCPU     *float64 `json:"hostCpuMs"`
		HostCores   int      `json:"hostCores"`
		HostRSS     *float64 `json:"hostRss"`
		LoaderCPU   *float64 `json:"loaderCpuMs"`
		LoaderCores int      `json:"loaderCores"`
		LoaderBound bool     `json:"loaderBound"`
	}{
		r.Members, r.Senders, r.Sent, r.Refused, r.Why, r.Expected, r.Delivered, r.Missing, r.Duplicates, r.OutOfOrder,
		ms(r.Elapsed), r.Window, known(r.PerSecond()), known(r.PerHostCPU()), ms(r.P50), ms(r.P99), ms(r.P999), ms(r.Max), ms(r.Late),
		ms(r.HostCPU), r.HostCores, known(float64(r.HostRSS)), ms(r.LoaderCPU), r.LoaderCores, r.LoaderBound,
	})
}
