package member_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// patience bounds every wait of a test for something that has to happen. In a bubble it costs nothing.
const patience = time.Minute

// host is the far end of the network, played by the test: its data streams answer by themselves, its
// group streams say what the test writes.
type host struct {
	t      *testing.T
	net    *membertest.Net
	groups chan *groupStream

	// mu guards the following.
	mu       sync.Mutex
	beats    []time.Time
	deaf     bool          // heartbeats are not answered
	slow     time.Duration // the time until they are
	requests []string
	answer   func(d *dataStream, id int64, op, line string) // instead of {"id":…,"done":true}
}

func newHost(t *testing.T) *host {
	h := &host{t: t, groups: make(chan *groupStream, 100)}
	h.net = &membertest.Net{Host: "host", Serve: h.serve}
	t.Cleanup(h.net.Close)
	return h
}

// start returns a member that has been started and is closed with the test.
func (h *host) start(opts member.Options) *member.Member {
	if opts.Dialer == nil {
		opts.Dialer = h.net.Dialer("ann")
	}
	m := member.New(opts)
	h.t.Cleanup(m.Close)
	m.Start()
	return m
}

func (h *host) serve(peer wire.PeerID, protocol string, s link.Stream) {
	switch protocol {
	case wire.DataProtocol:
		h.serveData(&dataStream{Stream: s})
	case wire.GroupProtocol:
		g := &groupStream{h: h, peer: peer, s: s, in: make(chan wire.Frame, 4000), ended: make(chan error, 1)}
		r := link.NewReader(s, wire.MaxLine)
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		if g.join, err = wire.Decode(append([]byte(nil), line...)); err != nil {
			h.t.Errorf("join: %v", err)
			return
		}
		h.groups <- g
		for {
			line, err := r.ReadLine()
			if err != nil {
				g.ended <- err
				close(g.in)
				return
			}
			f, err := wire.Decode(append([]byte(nil), line...))
			if err != nil {
				h.t.Errorf("from the member: %v", err)
			}
			g.in <- f
		}
	}
}

// dataStream is the host's end of a data stream.
type dataStream struct {
	link.Stream
	mu sync.Mutex
}

func (d *dataStream) say(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = d.Write([]byte(line + "\n"))
}

func (h *host) serveData(d *dataStream) {
	r := link.NewReader(d, wire.MaxLine)
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		var id int64
		var op string
		m := jsontext.MembersOf(line)
		for m.Next() {
			switch string(m.Key) {
			case "id":
				id, _ = jsontext.Int(m.Value)
			case "op":
				op, _ = jsontext.Str(m.Value)
			}
		}
		h.mu.Lock()
		answer, deaf, slow := h.answer, h.deaf, h.slow
		if op == "time" {
			h.beats = append(h.beats, time.Now())
		} else {
			h.requests = append(h.requests, string(line))
		}
		h.mu.Unlock()
		n := strconv.FormatInt(id, 10)
		switch {
		case op == "time" && deaf:
		case op == "time":
			time.Sleep(slow)
			d.say(`{"id":` + n + `,"time":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + `}`)
		case answer != nil:
			answer(d, id, op, string(line))
		default:
			d.say(`{"id":` + n + `,"done":true}`)
		}
	}
}

func (h *host) set(change func(*host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// takeBeats returns when heartbeats came since the last call.
func (h *host) takeBeats() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	beats := h.beats
	h.beats = nil
	return beats
}

func (h *host) takeRequests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	rs := h.requests
	h.requests = nil
	return rs
}

// joined waits for the next group stream with its join.
func (h *host) joined() *groupStream {
	h.t.Helper()
	select {
	case g := <-h.groups:
		return g
	case <-time.After(patience):
		h.t.Fatal("no join came")
		return nil
	}
}

// groupStream is the host's end of a group stream.
type groupStream struct {
	h     *host
	peer  wire.PeerID
	s     link.Stream
	join  wire.Frame
	in    chan wire.Frame // what the member sends after its join
	ended chan error
}

// say writes lines as they are.
func (g *groupStream) say(lines ...string) {
	g.h.t.Helper()
	all := strings.Join(lines, "\n") + "\n"
	if _, err := g.s.Write([]byte(all)); err != nil {
		g.h.t.Fatalf("write %s: %v", all, err)
	}
}

// welcome welcomes the member at a position of a group that is durable or not.
func (g *groupStream) welcome(epoch wire.Epoch, seq int64, change ...func(*wire.Welcome)) {
	g.h.t.Helper()
	w := wire.Welcome{
		Epoch:  epoch,
		Seq:    seq,
		You:    wire.You{Peer: g.peer, Session: g.join.Session, Role: wire.RoleMember},
		State:  []byte("{}"),
		Access: "open",
		Limits: wire.DefaultLimits(),
		Time:   time.Now().UnixMilli(),
	}
	for _, c := range change {
		c(&w)
	}
	f := wire.Frame{Type: wire.TypeWelcome, Group: g.join.Group, Payload: w.Append(nil)}
	if _, err := g.s.Write(f.Append(nil)); err != nil {
		g.h.t.Fatalf("welcome: %v", err)
	}
}

func resumed(w *wire.Welcome) { w.Resumed = true }
func durable(w *wire.Welcome) { w.Durable = true }

// next returns the next frame of the member.
func (g *groupStream) next() wire.Frame {
	g.h.t.Helper()
	select {
	case f, ok := <-g.in:
		if !ok {
			g.h.t.Fatal("the member's half ended")
		}
		return f
	case <-time.After(patience):
		g.h.t.Fatal("nothing came from the member")
		return wire.Frame{}
	}
}

// nothing checks that the member has not sent anything.
func (g *groupStream) nothing() {
	g.h.t.Helper()
	synctest.Wait()
	select {
	case f, ok := <-g.in:
		if ok {
			g.h.t.Fatalf("got %s, want nothing from the member", f.Append(nil))
		}
	default:
	}
}

// ack acknowledges a frame.
func (g *groupStream) ack(f wire.Frame, seq int64) {
	g.h.t.Helper()
	a := wire.Frame{Type: f.Type, Group: g.join.Group, ID: f.ID, Seq: seq, Time: 1000 + seq, Ack: true}
	if _, err := g.s.Write(a.Append(nil)); err != nil {
		g.h.t.Fatalf("ack: %v", err)
	}
}

func msg(seq int64, from, payload string) string {
	return `{"type":"msg","group":"g","seq":` + strconv.FormatInt(seq, 10) + `,"from":"` + from + `","time":7,"payload":` + payload + `}`
}

// events is a Handler that keeps what came.
type events struct {
	mu  sync.Mutex
	all []member.Event
}

func (e *events) Deliver(batch []member.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, batch...)
}

// take returns what came since the last call, one word each: a message's payload with "own " before an
// own one, a patch, "gap 3-9", or the type.
func (e *events) take() []string {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, ev := range e.all {
		f := ev.Frame
		s := string(f.Type)
		switch {
		case f.Type == member.TypeGap:
			s = "gap " + strconv.FormatInt(ev.From, 10) + "-" + strconv.FormatInt(ev.To, 10)
		case f.Type == wire.TypeMsg:
			s = string(f.Payload)
		case len(f.Patch) > 0:
			s = "patch " + string(f.Patch)
		case f.Type == wire.TypeState && len(f.Payload) == 0:
			s = "skip " + strconv.FormatInt(f.Seq, 10)
		case ev.Err != nil:
			s += " " + string(ev.Err.Code)
		}
		if ev.Own {
			s = "own " + s
		}
		out = append(out, s)
	}
	e.all = nil
	return out
}

// join opens a session in group g and plays the welcome.
func (h *host) join(m *member.Member, handler member.Handler, epoch wire.Epoch, seq int64, change ...func(*wire.Welcome)) (*member.Session, *groupStream) {
	h.t.Helper()
	s, err := m.Open("g", member.JoinOptions{Handler: handler})
	if err != nil {
		h.t.Fatal(err)
	}
	g := h.joined()
	g.welcome(epoch, seq, change...)
	if err := s.Joined(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return s, g
}

// post posts a payload.
func post(t *testing.T, s *member.Session, payload string) *member.Pending {
	t.Helper()
	p, err := s.Post([]byte(payload), member.SendOptions{})
	if err != nil {
		t.Fatalf("post %s: %v", payload, err)
	}
	return p
}

// outcome waits for a receipt and returns its seq, or the error's code.
func outcome(t *testing.T, p *member.Pending) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := p.Wait(ctx)
	if err != nil {
		return codeOf(t, err)
	}
	return strconv.FormatInt(r.Seq, 10)
}

func codeOf(t *testing.T, err error) string {
	t.Helper()
	e, ok := err.(*wire.Error)
	if !ok {
		t.Fatalf("got %T (%v), want a *wire.Error", err, err)
	}
	return string(e.Code)
}

// bubble runs fn as a test in a bubble of its own: time is fake, and a goroutine that outlives the test
// fails it.
func bubble(t *testing.T, fn func(t *testing.T, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		fn(t, h)
	})
}
