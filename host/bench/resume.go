package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"goop/host/bench/load"
	"goop/shared/member"
	"goop/shared/wire"
)

var resume = Scenario{
	Name:  "resume",
	Short: "the host is killed while members send, and all of them come back",
	Long: "The members are in one durable group, and ten of them send a burst of 200 messages of --size bytes together; as soon as\n" +
		"the first has arrived, the host is killed and started again. It measures how long it takes from when the host listens\n" +
		"until all members are back and have all of the messages.",
	Usual: Options{Members: 1000, Size: 128},
	Run:   runResume,
}

const (
	resumeBurst   = 200
	resumeSenders = 10
	resumeTime    = 2 * time.Minute // until it has failed
)

// durableSite is Site with its group on the disk.
const durableSite = `{"name": "Bench", "groups": [{"id": "bench", "name": "Bench", "type": "open", "durable": true}]}`

// ResumeResult is what came of scenario resume.
type ResumeResult struct {
	Members int      `json:"members"`
	Elapsed float64  `json:"elapsedMs"` // until all were back and had everything
	Back    float64  `json:"backMs"`    // until all were back
	CPU     *float64 `json:"hostCpuMs"` // of the new process, its start included
}

func runResume(ctx context.Context, b *Bench) (_ *Report, err error) {
	if b.URL != "" {
		return nil, errors.New("resume kills the host, and so starts one: it takes no --url")
	}
	p := load.Plan{Members: b.Members, Size: b.Size}
	h, err := b.Start(ctx, Setup{Site: durableSite, Limits: limitsFor(p)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	crowd := newPeople(b)
	defer func() { err = errors.Join(err, crowd.close()) }()
	back := &homecoming{want: b.Members, first: make(chan struct{}), back: make(chan struct{}), all: make(chan struct{})}
	senders := make([]*member.Session, min(resumeSenders, b.Members))
	if err := crowd.come(ctx, 0, "joined", func(ctx context.Context, i int) (func() error, error) {
		m, done, err := h.Member()
		if err != nil {
			return nil, err
		}
		s, err := m.Join(ctx, h.Group(), member.JoinOptions{Handler: member.HandlerFunc(back.one())})
		if err != nil {
			return nil, errors.Join(err, done())
		}
		if i < len(senders) {
			senders[i] = s
		}
		return done, nil
	}); err != nil {
		return nil, err
	}
	b.Progress("killing the host in the middle of a burst")
	payload := fmt.Appendf(nil, "%q", strings.Repeat("x", b.Size-2))
	for i := range resumeBurst {
		if _, err := senders[i%len(senders)].Post(payload, member.SendOptions{}); err != nil {
			return nil, err
		}
	}
	select {
	case <-back.first:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := h.Kill(); err != nil {
		return nil, err
	}
	if err := h.Restart(ctx); err != nil {
		return nil, err
	}
	begun := time.Now()
	bounded, stop := context.WithTimeoutCause(ctx, resumeTime, errors.New("not all members came back"))
	defer stop()
	res := &ResumeResult{Members: b.Members}
	for _, w := range []struct {
		done chan struct{}
		at   *float64
	}{{back.back, &res.Back}, {back.all, &res.Elapsed}} {
		select {
		case <-w.done:
			*w.at = float64(time.Since(begun).Microseconds()) / 1000
		case <-bounded.Done():
			return nil, context.Cause(bounded)
		}
	}
	r := b.report(p)
	r.Result = res
	r.Host = HostFigures{Cores: h.Process().Cores(), Own: true, Pin: b.Pin && load.Pinnable()}
	if cpu, ok := h.Process().CPU(); ok {
		res.CPU = new(float64(cpu) / float64(time.Millisecond))
		r.Host.CPU = res.CPU
	}
	if rss, ok := h.Process().RSS(); ok {
		r.Host.RSS = new(rss)
	}
	r.Row("members", "%d, the host killed in a burst of %d messages", b.Members, resumeBurst)
	r.Row("all back", "%.2f s after the host listened", res.Back/1000)
	r.Row("all have everything", "%.2f s after it", res.Elapsed/1000)
	r.Row("CPU of the new host", "%s ms", one(res.CPU))
	r.Row("host memory (RSS)", "%s", size(r.Host.RSS))
	return r, nil
}

// homecoming finds out when all members are back and have all messages.
type homecoming struct {
	want             int
	first, back, all chan struct{}

	// mu guards the following.
	mu          sync.Mutex
	arrived     int // messages
	homes, full int
}

// one returns what reads the events of one member.
func (c *homecoming) one() func([]member.Event) {
	got, welcomes := 0, 0
	return func(batch []member.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i := range batch {
			switch batch[i].Frame.Type {
			case wire.TypeWelcome:
				if welcomes++; welcomes != 2 {
					continue
				}
				if c.homes++; c.homes == c.want {
					close(c.back)
				}
			case wire.TypeMsg:
				if c.arrived++; c.arrived == 1 {
					close(c.first)
				}
				if got++; got != resumeBurst {
					continue
				}
				if c.full++; c.full == c.want {
					close(c.all)
				}
			}
		}
	}
}
