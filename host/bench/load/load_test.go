package load_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/bench/load"
)

// hub is a system under test: lines over TCP, of which each goes to all clients in one order.
type hub struct {
	t  *testing.T
	at string

	// mu guards the following.
	mu    sync.Mutex
	conns []net.Conn
}

func newHub(t *testing.T) *hub {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, at: l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, c)
			c.Write([]byte("welcome\n"))
			h.mu.Unlock()
			wg.Go(func() { h.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return h
}

func (h *hub) serve(c net.Conn) {
	defer c.Close()
	for lines := bufio.NewScanner(c); lines.Scan(); {
		line := append(lines.Bytes(), '\n')
		h.mu.Lock()
		for _, other := range h.conns {
			other.Write(line)
		}
		h.mu.Unlock()
	}
}

func (h *hub) Name() string { return "hub" }

func (h *hub) Connect(ctx context.Context, i int, got func([]byte)) (load.Client, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", h.at)
	if err != nil {
		return nil, err
	}
	in := bufio.NewScanner(c)
	if !in.Scan() {
		return nil, in.Err()
	}
	client := &lineClient{conn: c}
	client.wg.Go(func() {
		for in.Scan() {
			got(in.Bytes())
		}
	})
	return client, nil
}

type lineClient struct {
	conn net.Conn
	wg   sync.WaitGroup
}

func (c *lineClient) Send(payload []byte) error {
	_, err := c.conn.Write(append(payload, '\n'))
	return err
}

func (c *lineClient) Close() error {
	err := c.conn.Close()
	c.wg.Wait()
	return err
}

func TestAllThatIsSentIsCounted(t *testing.T) {
	t.Parallel()
	plan := load.Plan{Members: 5, Senders: 2, Rate: 400, Size: 100, Warm: 100 * time.Millisecond, For: 400 * time.Millisecond}
	res, err := load.Run(t.Context(), newHub(t), plan, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Sent != 200 || res.Expected != 800 || res.Delivered != 800 || res.Missing+res.Duplicates+res.OutOfOrder+res.Refused != 0 {
		t.Errorf("%+v; want 200 messages, each delivered to 4 members", res)
	}
	if res.Window <= 0 || res.Window > 800 || res.Elapsed <= 0 {
		t.Errorf("%d deliveries in the measured %v", res.Window, res.Elapsed)
	}
	if res.HostCPU != load.Unknown || res.HostRSS != load.Unknown || res.PerHostCPU() != load.Unknown {
		t.Errorf("figures of a host of which nothing is known: %+v", res)
	}
	if res.P50 > res.P99 || res.P99 > res.P999 || res.P999 > res.Max+res.Max/500 { // to three digits
		t.Errorf("percentiles are not in order: %+v", res)
	}
}

// memory is a system without a network, whose deliveries pass through a filter.
type memory struct {
	// deliver is called for each message and client with the client's got; nil delivers.
	deliver func(to int, payload []byte, got func([]byte))
	refuse  func(payload []byte) error
	phases  []load.Phase
	clients []*memoryClient
}

type memoryClient struct {
	m   *memory
	i   int
	mu  sync.Mutex // guards got: its calls come one at a time
	got func([]byte)
}

func (m *memory) Name() string { return "memory" }

func (m *memory) Phase(_ context.Context, now load.Phase) error {
	m.phases = append(m.phases, now)
	return nil
}

func (m *memory) Connect(_ context.Context, i int, got func([]byte)) (load.Client, error) {
	c := &memoryClient{m: m, i: i, got: got}
	m.clients[i] = c
	return c, nil
}

func (c *memoryClient) Send(payload []byte) error {
	if c.m.refuse != nil {
		if err := c.m.refuse(payload); err != nil {
			return err
		}
	}
	for _, to := range c.m.clients {
		to.mu.Lock()
		if c.m.deliver == nil {
			to.got(payload)
		} else {
			c.m.deliver(to.i, payload, to.got)
		}
		to.mu.Unlock()
	}
	return nil
}

func (c *memoryClient) Close() error { return nil }

// inMemory runs 10 seconds of 10 messages a second of one sender to 3 members, in a bubble.
func inMemory(t *testing.T, m *memory) (res load.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m.clients = make([]*memoryClient, 3)
		var err error
		res, err = load.Run(t.Context(), m, load.Plan{Members: 3, Senders: 1, Rate: 10, Size: 64, For: 10 * time.Second}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
	})
	return res
}

func TestTheScheduleIsExact(t *testing.T) {
	m := &memory{}
	res := inMemory(t, m)
	// At 0, 100, … 9,900 ms, and delivered at once.
	if res.Sent != 100 || res.Delivered != 200 || res.Elapsed != 10*time.Second || res.Max != 0 || res.Late != 0 {
		t.Errorf("%+v; want 100 messages, all in time", res)
	}
	if len(m.phases) != 4 || m.phases[0] != load.Connected || m.phases[1] != load.Begin || m.phases[2] != load.End || m.phases[3] != load.Drained {
		t.Errorf("phases %v", m.phases)
	}
}

func TestAStallIsChargedForAllThatWasDue(t *testing.T) {
	n := 0
	res := inMemory(t, &memory{refuse: func([]byte) error {
		if n++; n == 50 {
			time.Sleep(2 * time.Second) // 20 more are due meanwhile
		}
		return nil
	}})
	if res.Sent != 100 || res.Delivered != 200 || res.Missing != 0 {
		t.Errorf("%+v; want 100 messages in spite of the stall", res)
	}
	// A closed loop would have had one slow message in 100. Here the median is in time, and of the 21 that were late the
	// worst had waited for all of the stall.
	if res.P50 != 0 || res.Max < 1990*time.Millisecond || res.P99 < 1700*time.Millisecond {
		t.Errorf("p50 %v, p99 %v, max %v; the stall took 2 s", res.P50, res.P99, res.Max)
	}
	if !res.LoaderBound {
		t.Error("a schedule that was late by seconds is not told")
	}
}

func TestFaultsAreFound(t *testing.T) {
	t.Run("missing", func(t *testing.T) {
		res := inMemory(t, &memory{deliver: func(to int, payload []byte, got func([]byte)) {
			if to != 2 || !strings.Contains(string(payload), `"n":7,`) {
				got(payload)
			}
		}})
		if res.Missing != 1 || res.Delivered != 199 || res.Duplicates != 0 || res.OutOfOrder != 0 {
			t.Errorf("%+v; want one missing", res)
		}
	})
	t.Run("twice", func(t *testing.T) {
		res := inMemory(t, &memory{deliver: func(to int, payload []byte, got func([]byte)) {
			got(payload)
			if to == 1 && strings.Contains(string(payload), `"n":99,`) {
				got(payload)
			}
		}})
		if res.Missing != 0 || res.Delivered != 200 || res.Duplicates != 1 || res.OutOfOrder != 0 {
			t.Errorf("%+v; want one duplicate", res)
		}
	})
	t.Run("out of order", func(t *testing.T) {
		var held []byte
		res := inMemory(t, &memory{deliver: func(to int, payload []byte, got func([]byte)) {
			if to == 1 && strings.Contains(string(payload), `"n":41,`) {
				held = payload
				return
			}
			got(payload)
			if to == 1 && held != nil {
				got(held)
				held = nil
			}
		}})
		if res.Missing != 0 || res.Delivered != 200 || res.Duplicates != 0 || res.OutOfOrder != 1 {
			t.Errorf("%+v; want one out of order", res)
		}
	})
	t.Run("refused", func(t *testing.T) {
		n := 0
		res := inMemory(t, &memory{refuse: func([]byte) error {
			if n++; n%2 == 0 {
				return errors.New("too much")
			}
			return nil
		}})
		if res.Sent != 50 || res.Refused != 50 || res.Why != "too much" || res.Delivered != 100 || res.Missing != 0 {
			t.Errorf("%+v; want every other one refused", res)
		}
	})
}

func TestPayloadsHaveTheSizeThatWasAskedFor(t *testing.T) {
	sizes := map[int]int{}
	m := &memory{deliver: func(_ int, payload []byte, got func([]byte)) {
		sizes[len(payload)]++
		if !json.Valid(payload) {
			t.Errorf("%q is not JSON", payload)
		}
		got(payload)
	}}
	inMemory(t, m)
	if len(sizes) != 1 || sizes[64] != 300 {
		t.Errorf("sizes of payloads: %v", sizes)
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{clients: make([]*memoryClient, 1), refuse: func([]byte) error { cancel(); return nil }}
	_, err := load.Run(ctx, m, load.Plan{Members: 1, Senders: 1, Rate: 1, For: time.Hour}, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
}

func TestPlansThatCannotBeCarriedOut(t *testing.T) {
	t.Parallel()
	good := load.Plan{Members: 2, Senders: 1, Rate: 1, For: time.Second}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*load.Plan){
		"nobody":       func(p *load.Plan) { p.Members = 0 },
		"less":         func(p *load.Plan) { p.Members = -1 },
		"more senders": func(p *load.Plan) { p.Senders = 3 },
		"no rate":      func(p *load.Plan) { p.Rate = 0 },
		"size":         func(p *load.Plan) { p.Size = -1 },
		"no time":      func(p *load.Plan) { p.For = 0 },
		"warm":         func(p *load.Plan) { p.Warm = -1 },
	} {
		p := good
		spoil(&p)
		if _, err := load.Run(t.Context(), nil, p, nil, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnknownIsNoNumber(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(load.Result{Elapsed: time.Second, Window: 5, HostCPU: load.Unknown, HostRSS: load.Unknown, LoaderCPU: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"hostCpuMs":null`, `"hostRss":null`, `"perHostCpuSecond":null`, `"perSecond":5`, `"loaderCpuMs":1000`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
}
