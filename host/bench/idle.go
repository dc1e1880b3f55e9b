package bench

import (
	"context"
	"errors"
	"time"

	"goop/host/bench/load"
	"goop/shared/member"
)

var idle = Scenario{
	Name:  "idle",
	Short: "members are in a group and do nothing",
	Long: "The members join one group and then only send their heartbeat, every 2 s. It measures what each of them costs: memory\n" +
		"after a forced collection, beside that of a bare connection with which a host does nothing (of which the same number is\n" +
		"made before), and the host's CPU for --secs seconds of heartbeats. With --bare the members are on a relay that has none of\n" +
		"the real one's features: what their streams cost whoever reads them.",
	Usual:    Options{Members: 1000, For: 20 * time.Second},
	Profiles: true,
	Bare:     true,
	Run:      runIdle,
}

// settling is how long after the last has joined they count as idle: until then the host tells them of each other, and
// keeps for a moment what it told them with.
const settling = 3 * time.Second

// IdleResult is what came of scenario idle: bytes, after a forced collection. What is unknown is null.
type IdleResult struct {
	Members             int      `json:"members"`
	HeapPerConnection   *float64 `json:"bareHeapPerMember"` // of a bare connection
	StackPerConnection  *float64 `json:"bareStackPerMember"`
	GoroutinesPerBare   *float64 `json:"bareGoroutinesPerMember"`
	OursPerMember       *float64 `json:"oursPerMember"` // heap and stacks on top of it
	OursHeapPerMember   *float64 `json:"oursHeapPerMember"`
	OursStackPerMember  *float64 `json:"oursStackPerMember"`
	HeartbeatCPUPercent *float64 `json:"heartbeatCpuPercent"` // of a core, for all of them
}

func runIdle(ctx context.Context, b *Bench) (_ *Report, err error) {
	var bare bareFigures
	if b.URL == "" {
		if bare, err = b.bare(ctx, 0); err != nil {
			return nil, err
		}
	}
	p := load.Plan{Members: b.Members, For: b.For}
	h, err := b.Start(ctx, Setup{Limits: limitsFor(p), Bare: b.Bare})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	g, err := newGauge(ctx, h, b.Profile)
	if err != nil {
		return nil, err
	}
	defer g.close()
	crowd := newPeople(b)
	defer func() { err = errors.Join(err, crowd.close()) }()
	if err := crowd.come(ctx, 0, "joined", h.enter(func([]member.Event) {})); err != nil {
		return nil, err
	}
	if err := wait(ctx, settling); err != nil {
		return nil, err
	}
	if err := g.phase(ctx, load.Connected); err != nil {
		return nil, err
	}
	b.Progress("measuring the heartbeats")
	res, err := g.rest(ctx, b.For)
	if err != nil {
		return nil, err
	}
	r := b.report(p)
	r.Host = g.figures(res, b.Members)
	r.idleRows(bare.Memory)
	return r, nil
}

// enter returns what has one member join, with a handler of what it gets.
func (h *Host) enter(got func([]member.Event)) func(context.Context, int) (func() error, error) {
	return func(ctx context.Context, _ int) (func() error, error) {
		m, done, err := h.Member()
		if err != nil {
			return nil, err
		}
		if _, err := m.Join(ctx, h.Group(), member.JoinOptions{Handler: member.HandlerFunc(got)}); err != nil {
			err = (&crew{host: h}).explain(err, m.Status())
			return nil, errors.Join(err, done())
		}
		return done, nil
	}
}

// rest measures the host for a time in which nothing is done to it.
func (g *gauge) rest(ctx context.Context, d time.Duration) (load.Result, error) {
	res := load.Result{HostCPU: load.Unknown, HostRSS: load.Unknown, HostCores: g.host.Process().Cores()}
	if err := g.phase(ctx, load.Begin); err != nil {
		return res, err
	}
	before, known := g.host.Process().CPU()
	begun := time.Now()
	if err := wait(ctx, d); err != nil {
		return res, err
	}
	res.Elapsed = time.Since(begun)
	if now, ok := g.host.Process().CPU(); ok && known {
		res.HostCPU = now - before
	}
	if rss, ok := g.host.Process().RSS(); ok {
		res.HostRSS = rss
	}
	if err := g.phase(ctx, load.End); err != nil {
		return res, err
	}
	return res, g.phase(ctx, load.Drained)
}

// idleRows fills in the result, from what the host and the bare connections have cost, and adds the lines about it.
func (r *Report) idleRows(bare HostFigures) {
	f := &r.Host
	res := &IdleResult{Members: r.Plan.Members, HeapPerConnection: bare.HeapPerMember, StackPerConnection: bare.StackPerMember, GoroutinesPerBare: bare.GoroutinesPerMember}
	if f.HeapPerMember != nil && bare.HeapPerMember != nil {
		res.OursHeapPerMember = new(*f.HeapPerMember - *bare.HeapPerMember)
		res.OursStackPerMember = new(*f.StackPerMember - *bare.StackPerMember)
		res.OursPerMember = new(*res.OursHeapPerMember + *res.OursStackPerMember)
		f.OursPerMember = res.OursPerMember
	}
	if f.Busy != nil {
		res.HeartbeatCPUPercent = new(100 * *f.Busy)
	}
	r.Result = res
	r.Row("members", "%d, idle for %v s", r.Plan.Members, r.Plan.Secs)
	if f.HeapPerMember != nil {
		r.Row("a member", "%s of heap, %s of stacks, %s of RSS, %.1f goroutines", size(f.HeapPerMember), size(f.StackPerMember), size(f.RSSPerMember), *f.GoroutinesPerMember)
	}
	if bare.HeapPerMember != nil {
		r.Row("a bare connection", "%s of heap, %s of stacks, %s of RSS, %.1f goroutines", size(bare.HeapPerMember), size(bare.StackPerMember), size(bare.RSSPerMember), *bare.GoroutinesPerMember)
		r.Row("on top of it", "%s: %s of heap, %s of stacks", size(res.OursPerMember), size(res.OursHeapPerMember), size(res.OursStackPerMember))
	}
	r.Row("heartbeats", "%s %% of a core", one(res.HeartbeatCPUPercent))
	r.Row("host memory (RSS)", "%s", size(f.RSS))
}
