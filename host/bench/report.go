package bench

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"goop/host/bench/load"
)

// Report is what a scenario has found out.
type Report struct {
	Scenario  string      `json:"scenario"`
	Transport string      `json:"transport"`
	Plan      Plan        `json:"plan"`
	Result    any         `json:"result"` // the scenario's own; load.Result where the work is messages
	Host      HostFigures `json:"host"`
	Notes     []string    `json:"notes"` // what has to be known about the figures
	Version   string      `json:"version"`

	rows []row
}

// Plan is what was asked for.
type Plan struct {
	Members int     `json:"members,omitempty"`
	Senders int     `json:"senders,omitempty"`
	Rate    float64 `json:"rate,omitempty"` // a second, of all together
	Size    int     `json:"size,omitempty"`
	Secs    float64 `json:"secs,omitempty"`
	Warm    float64 `json:"warmSecs,omitempty"`
	Bare    bool    `json:"bare,omitempty"` // on a bare relay
}

// row is a line of the table for people.
type row struct{ label, value string }

// report begins a report.
func (b *Bench) report(p load.Plan) *Report {
	r := &Report{
		Scenario: b.Scenario.Name, Transport: b.Transport, Version: b.Version, Notes: []string{},
		Plan: Plan{p.Members, p.Senders, p.Rate, p.Size, p.For.Seconds(), p.Warm.Seconds(), b.Bare},
	}
	if b.Bare {
		r.Note("the host was a bare relay: it does only what cannot be left out")
	}
	return r
}

// Row adds a line to the table for people.
func (r *Report) Row(label, format string, args ...any) {
	r.rows = append(r.rows, row{label, fmt.Sprintf(format, args...)})
}

// Note adds what has to be known about the figures.
func (r *Report) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Print writes the table.
func (r *Report) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "scenario\t%s over %s, version %s\n", r.Scenario, r.Transport, r.Version)
	for _, l := range r.rows {
		fmt.Fprintf(w, "%s\t%s\n", l.label, l.value)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note\t%s\n", n)
	}
	return w.Flush()
}

// unknown stands in the table for a figure that cannot be had.
const unknown = "unknown"

// loadRows adds the lines about the messages.
func (r *Report) loadRows(res load.Result) {
	r.Row("plan", "%d members, %d of them send %s messages/s of %d bytes together, for %v s", res.Members, res.Senders, grouped(r.Plan.Rate), r.Plan.Size, r.Plan.Secs)
	r.Row("messages", "%s sent, %s of %s deliveries arrived: %s missing, %s twice, %s out of order", grouped(float64(res.Sent)),
		grouped(float64(res.Delivered)), grouped(float64(res.Expected)), grouped(float64(res.Missing)), grouped(float64(res.Duplicates)), grouped(float64(res.OutOfOrder)))
	r.Row("deliveries per second", "%s", grouped(res.PerSecond()))
	if per := res.PerHostCPU(); per >= 0 {
		r.Row("per host CPU second", "%s", grouped(per))
	} else {
		r.Row("per host CPU second", unknown)
	}
	r.Row("due → delivered", "p50 %s, p99 %s, p99.9 %s, at most %s", ms(res.P50), ms(res.P99), ms(res.P999), ms(res.Max))
}

// hostRows adds the lines about the host.
func (r *Report) hostRows() {
	f := r.Host
	switch {
	case f.Busy == nil:
		r.Row("host CPU", unknown)
	case f.Cores == 0:
		r.Row("host CPU", "%.2f cores", *f.Busy)
	default:
		r.Row("host CPU", "%.2f of %d cores", *f.Busy, f.Cores)
	}
	r.Row("host memory (RSS)", "%s", size(f.RSS))
	r.Row("heap after the run", "%s", size(f.Heap))
	if f.HeapPerMember == nil {
		r.Row("per idle member", unknown)
	} else {
		r.Row("per idle member", "%s of heap, %s of stacks, %s of RSS, %.1f goroutines", size(f.HeapPerMember), size(f.StackPerMember), size(f.RSSPerMember), *f.GoroutinesPerMember)
	}
	r.Row("bytes per delivery", "%s on the streams (the host's count), %s on the interface lo (all traffic)", one(f.StreamBytes), one(f.LoopbackBytes))
	r.Row("allocations per delivery", "%s, %s bytes", three(f.Mallocs), one(f.AllocBytes))
	if f.Resyncs != nil {
		r.Row("members left behind", "%d got a whole state, %d were ended as too slow", *f.Resyncs, *f.TooSlow)
	}
}

// loadNotes adds what spoils the figures.
func (r *Report) loadNotes(res load.Result) {
	if res.LoaderBound {
		r.Note("THE LOAD WAS THE BOTTLENECK, not the host: it had %d cores, used %.2f of them, and sent %s late (p99); if it used little, something else keeps this machine busy",
			res.LoaderCores, max(0, res.LoaderCPU.Seconds())/res.Elapsed.Seconds(), ms(res.Late))
	}
	if res.Refused > 0 {
		r.Note("%d messages could not be sent (%s): the rate was not reached", res.Refused, res.Why)
	}
	if res.Missing+res.Duplicates+res.OutOfOrder > 0 {
		r.Note("DELIVERIES WERE WRONG: %d missing, %d twice, %d out of order", res.Missing, res.Duplicates, res.OutOfOrder)
	}
	if !r.Host.Pin {
		r.Note("the host and the load shared the machine's cores")
	}
	if r.Host.HeapPerMember == nil {
		r.Note("what is unknown, a host tells on its control socket: --data names its folder")
	}
}

// grouped writes a number without a fraction, in groups of three digits.
func grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ms writes a time in milliseconds.
func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
}

// size writes a number of bytes.
func size[T int64 | float64](n *T) string {
	switch {
	case n == nil:
		return unknown
	case *n >= 1<<20 || *n <= -(1<<20):
		return fmt.Sprintf("%.1f MiB", float64(*n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(*n)/(1<<10))
}

func one(v *float64) string   { return fraction(v, 1) }
func three(v *float64) string { return fraction(v, 3) }

func fraction(v *float64, digits int) string {
	if v == nil {
		return unknown
	}
	return strconv.FormatFloat(*v, 'f', digits, 64)
}
