package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"goop/host/bench/load"
	"goop/host/control"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

var join = Scenario{
	Name:  "join",
	Short: "members join one group, and all get to know who is there",
	Long: "The members come evenly over --secs (as fast as they can, when that is short), and join one group; each is told of all\n" +
		"the others (above 1,000 of their number alone). It ends when everybody knows of everybody. Before that the same number\n" +
		"makes bare connections to a host that does nothing with them, and joins a group in which nobody sees the others: the\n" +
		"report has the host's CPU beside that of both.",
	Usual:    Options{Members: 1000, For: 100 * time.Millisecond},
	Profiles: true,
	Run:      runJoin,
}

// storming is how long a host is profiled from when the members begin to come: when they are done is not known before.
const storming = 4 * time.Second

// blindSite is Site with a group whose members see nobody.
const blindSite = `{"name": "Bench", "groups": [{"id": "bench", "name": "Bench", "type": "open", "rights": {"seeMembers": ["owner"]}}]}`

// JoinResult is what came of scenario join. Times end when everybody knows of everybody, or, without a roster, is in.
type JoinResult struct {
	Members         int
	Elapsed         time.Duration
	CPU             time.Duration // of the host; load.Unknown where it cannot be had, as all CPU here
	BareCPU         time.Duration // of bare handshakes
	NoRosterCPU     time.Duration
	BareElapsed     time.Duration
	NoRosterElapsed time.Duration
	BytesPerMember  float64 // of the group's lines, by the host's count; load.Unknown
}

// MarshalJSON writes times in milliseconds, and null for what is unknown.
func (r JoinResult) MarshalJSON() ([]byte, error) {
	msOf := func(d time.Duration) *float64 {
		if d <= 0 {
			return nil
		}
		return new(float64(d.Microseconds()) / 1000)
	}
	var bytes *float64
	if r.BytesPerMember >= 0 {
		bytes = new(r.BytesPerMember)
	}
	return json.Marshal(map[string]any{
		"members": r.Members, "elapsedMs": msOf(r.Elapsed), "hostCpuMs": msOf(r.CPU), "bareCpuMs": msOf(r.BareCPU), "noRosterCpuMs": msOf(r.NoRosterCPU),
		"bareElapsedMs": msOf(r.BareElapsed), "noRosterElapsedMs": msOf(r.NoRosterElapsed), "streamBytesPerMember": bytes,
		"cpuOverBare": over(r.CPU, r.BareCPU), "cpuOverNoRoster": over(r.CPU, r.NoRosterCPU),
	})
}

func over(a, b time.Duration) *float64 {
	if a <= 0 || b <= 0 {
		return nil
	}
	return new(float64(a) / float64(b))
}

func runJoin(ctx context.Context, b *Bench) (*Report, error) {
	res := JoinResult{Members: b.Members, BareCPU: load.Unknown, NoRosterCPU: load.Unknown}
	if b.URL == "" {
		bare, err := b.bare(ctx, b.For)
		if err != nil {
			return nil, err
		}
		res.BareCPU, res.BareElapsed = bare.HostCPU, bare.Elapsed
		blind, _, err := b.joinAll(ctx, blindSite, "")
		if err != nil {
			return nil, err
		}
		res.NoRosterCPU, res.NoRosterElapsed = blind.cpu, blind.elapsed
	}
	storm, host, err := b.joinAll(ctx, "", b.Profile)
	if err != nil {
		return nil, err
	}
	res.CPU, res.Elapsed, res.BytesPerMember = storm.cpu, storm.elapsed, storm.bytes
	r := b.report(load.Plan{Members: b.Members, For: b.For})
	r.Result, r.Host = res, host
	r.Row("members", "%d, coming over %v s", b.Members, r.Plan.Secs)
	r.Row("everybody knows of everybody", "after %.2f s, %s s of the host's CPU", res.Elapsed.Seconds(), secondsOf(res.CPU))
	r.Row("bare connections", "after %.2f s, %s s of CPU: %s × that with the group", res.BareElapsed.Seconds(), secondsOf(res.BareCPU), fraction(over(res.CPU, res.BareCPU), 2))
	r.Row("group without roster", "after %.2f s, %s s of CPU: %s × that with it", res.NoRosterElapsed.Seconds(), secondsOf(res.NoRosterCPU), fraction(over(res.CPU, res.NoRosterCPU), 2))
	r.Row("bytes per member", "%.0f on the streams (the host's count)", res.BytesPerMember)
	r.hostRows()
	return r, nil
}

func secondsOf(d time.Duration) string {
	if d < 0 {
		return unknown
	}
	return fmt.Sprintf("%.2f", d.Seconds())
}

// stormFigures are of one crowd that has come.
type stormFigures struct {
	elapsed, cpu time.Duration
	bytes        float64
}

// joinAll has all members join the group of a new host with a site, or of the one that runs.
func (b *Bench) joinAll(ctx context.Context, site, profile string) (f stormFigures, figures HostFigures, err error) {
	h, err := b.Start(ctx, Setup{Site: site, Limits: limitsFor(load.Plan{Members: b.Members})})
	if err != nil {
		return f, figures, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	g, err := newGauge(ctx, h, profile)
	if err != nil {
		return f, figures, err
	}
	defer g.close()
	before, err := h.bytesOut(ctx)
	if err != nil {
		return f, figures, err
	}
	crowd := newPeople(b)
	defer func() { err = errors.Join(err, crowd.close()) }()
	all := &acquaintance{want: b.Members, blind: site == blindSite, done: make(chan struct{})}
	g.startProfile(ctx, max(storming, b.For))
	cpu, known := h.Process().CPU()
	begun := time.Now()
	if err := crowd.come(ctx, b.For, "joined", func(ctx context.Context, i int) (func() error, error) {
		return h.enter(all.one())(ctx, i)
	}); err != nil {
		return f, figures, err
	}
	bounded, stop := context.WithTimeoutCause(ctx, joinTime, errors.New("not everybody was told of everybody"))
	defer stop()
	select {
	case <-all.done:
	case <-bounded.Done():
		return f, figures, context.Cause(bounded)
	}
	res := load.Result{Elapsed: time.Since(begun), HostCPU: load.Unknown, HostRSS: load.Unknown, HostCores: h.Process().Cores()}
	if now, ok := h.Process().CPU(); ok && known {
		res.HostCPU = now - cpu
	}
	if rss, ok := h.Process().RSS(); ok {
		res.HostRSS = rss
	}
	f = stormFigures{res.Elapsed, res.HostCPU, load.Unknown}
	if after, err := h.bytesOut(ctx); err == nil && after.BytesOut > 0 {
		f.bytes = float64(after.BytesOut-before.BytesOut) / float64(b.Members)
	}
	if err := g.profiled(); err != nil {
		return f, figures, err
	}
	if err := g.phase(ctx, load.Connected); err != nil {
		return f, figures, err
	}
	g.drained = g.connected
	return f, g.figures(res, b.Members), nil
}

// bytesOut asks what the host has counted, where that can be had.
func (h *Host) bytesOut(ctx context.Context) (control.Counters, error) {
	if h.Control() == nil {
		return control.Counters{}, nil
	}
	return h.Control().Counters(ctx)
}

// acquaintance finds out when all members know of all.
type acquaintance struct {
	want  int
	blind bool // it is enough to be in
	done  chan struct{}

	mu   sync.Mutex // guards know
	know int
}

// one returns what reads the events of one member.
func (a *acquaintance) one() func([]member.Event) {
	knows := false
	return func(batch []member.Event) {
		for i := range batch {
			count := 0
			switch e := &batch[i]; e.Frame.Type {
			case wire.TypeWelcome:
				count = e.Welcome.Count
				if a.blind {
					count = a.want
				}
			case wire.TypeMembers:
				if !knows {
					count = told(e.Frame.Payload)
				}
			}
			if !knows && count >= a.want {
				knows = true
				a.mu.Lock()
				if a.know++; a.know == a.want {
					close(a.done)
				}
				a.mu.Unlock()
			}
		}
	}
}

// told returns of how many members a roster tells; 0 while more of it is to come. It reads no more than it needs, for
// all members of the benchmark are told of all by one core.
func told(roster []byte) (count int) {
	m := jsontext.MembersOf(roster)
	for m.Next() {
		switch string(m.Key) {
		case "count":
			n, err := jsontext.Int(m.Value)
			if err != nil {
				return 0
			}
			count = int(n)
		case "more":
			return 0
		}
	}
	return count
}
