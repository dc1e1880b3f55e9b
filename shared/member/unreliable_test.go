package member_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// wired is a group stream's host end with the datagrams of its connection.
type wired struct {
	*groupStream
	t  *testing.T
	d  link.Datagrams
	n  uint64 // of the member's session
	up chan wire.Datagram
}

// withDatagrams prepares the host for the next join: its connections have datagrams.
func withDatagrams(h *host) { h.net.Datagrams = true }

// joinWired is join on a connection with datagrams.
func (h *host) joinWired(m *member.Member, handler member.Handler, seq int64, change ...func(*wire.Welcome)) (*member.Session, *wired) {
	h.t.Helper()
	s, err := m.Open("g", member.JoinOptions{Handler: handler})
	if err != nil {
		h.t.Fatal(err)
	}
	w := h.wire(h.joined())
	w.welcome("e1", seq, append(change, w.number)...)
	synctest.Wait() // the session binds after its welcome
	return s, w
}

func (h *host) wire(g *groupStream) *wired {
	h.t.Helper()
	w := &wired{groupStream: g, t: h.t, d: g.s.(link.Datagrammer).Datagrams(), up: make(chan wire.Datagram, 1000)}
	w.n = w.d.Demux().Attach(func(rest []byte) {
		d, err := wire.ParseUp(slices.Clone(rest))
		if err != nil {
			h.t.Errorf("datagram from the member: %v", err)
		}
		w.up <- d
	})
	return w
}

func (w *wired) number(welcome *wire.Welcome) { welcome.Datagrams = int64(w.n) }

// drop sends a datagram to the member.
func (w *wired) drop(d wire.Datagram) {
	w.t.Helper()
	d.Session, d.Time = w.n, 7
	if err := w.d.Send(d.AppendDown(nil)); err != nil {
		w.t.Fatal(err)
	}
}

func text(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

func TestUnreliableBothWays(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		s, w := h.joinWired(m, &got, 5)
		for i := range 3 {
			r, err := s.Send(t.Context(), text(i), member.SendOptions{Unreliable: true, Key: "cursor"})
			if err != nil || r != (member.Receipt{}) {
				t.Errorf("got %v, %v, want an empty receipt", r, err)
			}
		}
		w.nothing()
		for i := range 3 {
			d := <-w.up
			if string(d.Payload) != string(text(i)) || d.Key != "cursor" || d.Seq != uint64(i+1) {
				t.Errorf("got %+v, want %d", d, i)
			}
		}
		w.drop(wire.Datagram{From: "bob", Sender: 3, Seq: 9, Key: "cursor", Payload: []byte(`[1, 2]`)})
		synctest.Wait()
		got.mu.Lock()
		last := got.all[len(got.all)-1]
		got.mu.Unlock()
		want := `{"type":"msg","group":"g","from":"bob","time":7,"key":"cursor","volatile":true,"unreliable":true,"payload":[1, 2]}`
		if string(last.Line) != want {
			t.Errorf("got  %s\nwant %s", last.Line, want)
		}
		if f := last.Frame; !f.Unreliable || !f.Volatile || f.From != "bob" || f.Time != 7 || f.Key != "cursor" || string(f.Payload) != "[1, 2]" {
			t.Errorf("got %+v", f)
		}
	})
}

// TestStaleDatagrams checks that what was overtaken is dropped, for each sender and key by itself, and
// that rubbish does no harm.
func TestStaleDatagrams(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		_, w := h.joinWired(m, &got, 0)
		got.take()
		for _, tt := range []struct {
			name string
			d    wire.Datagram
			want []string
		}{
			{"first", wire.Datagram{From: "bob", Sender: 1, Seq: 5, Key: "a", Payload: text(1)}, []string{"1"}},
			{"again", wire.Datagram{From: "bob", Sender: 1, Seq: 5, Key: "a", Payload: text(2)}, nil},
			{"older", wire.Datagram{From: "bob", Sender: 1, Seq: 4, Key: "a", Payload: text(3)}, nil},
			{"older under another key", wire.Datagram{From: "bob", Sender: 1, Seq: 4, Key: "b", Payload: text(4)}, []string{"4"}},
			{"older of another session", wire.Datagram{From: "bob", Sender: 2, Seq: 1, Key: "a", Payload: text(5)}, []string{"5"}},
			{"older of another peer", wire.Datagram{From: "cem", Sender: 1, Seq: 1, Key: "a", Payload: text(6)}, []string{"6"}},
			{"newer", wire.Datagram{From: "bob", Sender: 1, Seq: 9, Key: "a", Payload: text(7)}, []string{"7"}},
			{"not JSON", wire.Datagram{From: "bob", Sender: 1, Seq: 10, Key: "a", Payload: []byte("{")}, nil},
		} {
			w.drop(tt.d)
			if got := got.take(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
		for _, packet := range [][]byte{nil, {0xff}, {byte(w.n)}, {byte(w.n), 0xff, 0xff}, {99, 1, 1}} {
			if err := w.d.Send(packet); err != nil {
				t.Fatal(err)
			}
		}
		w.say(msg(1, "bob", `"the stream goes on"`))
		if got, want := got.take(), []string{`"the stream goes on"`}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestManyOrigins checks that what is remembered of senders is bounded, and that the live ones stay.
func TestManyOrigins(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		_, w := h.joinWired(m, &got, 0)
		for i := range 3000 {
			w.drop(wire.Datagram{From: "bob", Sender: uint64(i), Seq: 1, Payload: []byte("0")})
			w.drop(wire.Datagram{From: "cem", Seq: uint64(2*i + 2), Payload: []byte("0")})
			w.drop(wire.Datagram{From: "cem", Seq: uint64(2*i + 1), Payload: []byte(`"stale"`)})
			if i%50 == 0 {
				synctest.Wait()
			}
		}
		if got := got.take(); slices.Contains(got, `"stale"`) || len(got) < 3000 {
			t.Errorf("got %d events, stale ones among them: %v", len(got), slices.Contains(got, `"stale"`))
		}
	})
}

// TestSlowHandlerGetsTheNewest checks that deliveries are one at a time for each session, whatever they
// come from, and that what waits is bounded, with the newest of each sender and key.
func TestSlowHandlerGetsTheNewest(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		gate, busy := make(chan struct{}, 100), 0
		handler := member.HandlerFunc(func(batch []member.Event) {
			busy++ // the race detector and the count see two at a time
			if busy > 1 {
				t.Error("two deliveries at a time")
			}
			<-gate
			got.Deliver(batch)
			busy--
		})
		gate <- struct{}{} // the welcome
		_, w := h.joinWired(m, handler, 0)
		got.take()
		w.say(msg(1, "bob", `"stream"`)) // stands in the handler
		synctest.Wait()
		for i := range 200 {
			w.drop(wire.Datagram{From: "bob", Sender: 1, Seq: uint64(i + 1), Key: "cursor", Payload: text(i)})
		}
		synctest.Wait()
		for i := range 70 {
			w.drop(wire.Datagram{From: "bob", Sender: 1, Seq: 300, Key: "k" + strconv.Itoa(i), Payload: text(1000 + i)})
		}
		w.say(msg(2, "bob", `"more"`))
		synctest.Wait()
		if got := got.take(); len(got) > 0 {
			t.Errorf("got %q from a handler that stands", got)
		}
		for range 10 {
			gate <- struct{}{}
		}
		all := got.take()
		slices.Sort(all)
		if len(all) != 64+2 || !slices.Contains(all, "1069") || slices.Contains(all, "199") || slices.Contains(all, "1005") || !slices.Contains(all, `"more"`) {
			t.Errorf("got %d: %q, want the stream's two and the newest 64", len(all), all)
		}
	})
}

func TestUnreliableFallsBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		wires  bool
		number bool
		opts   member.SendOptions
		size   int
	}{
		{"a connection without", false, false, member.SendOptions{Key: "k"}, 1},
		{"a host without", true, false, member.SendOptions{Key: "k"}, 1},
		{"to one peer", true, true, member.SendOptions{Key: "k", To: "bob"}, 1},
		{"too large for a packet of this connection", true, true, member.SendOptions{Key: strings.Repeat("k", 64)}, 1100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				h.net.Datagrams = tt.wires
				h.net.MaxPacket = 1150
				m := h.start(member.Options{})
				s, err := m.Open("g", member.JoinOptions{})
				if err != nil {
					t.Fatal(err)
				}
				opts := tt.opts
				opts.Unreliable = true
				payload := []byte(`"` + strings.Repeat("x", tt.size-min(tt.size, 2)) + `"`)
				if _, err := s.Post(payload, opts); err == nil || codeOf(t, err) != "offline" {
					t.Errorf("before the welcome: got %v, want offline", err)
				}
				g := h.joined()
				g.welcome("e1", 0, func(welcome *wire.Welcome) {
					if tt.number {
						h.wire(g).number(welcome)
					}
				})
				if err := s.Joined(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if _, err := s.Send(t.Context(), payload, opts); err != nil {
					t.Fatal(err)
				}
				f := g.next()
				if !f.Volatile || f.Unreliable || f.ID != "" || f.Key != opts.Key || f.To != opts.To || string(f.Payload) != string(payload) {
					t.Errorf("got %s, want a volatile line", f.Append(nil))
				}
			})
		})
	}
}

func TestUnreliableIsTooLarge(t *testing.T) {
	t.Parallel()
	for _, wires := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *host) {
			h.net.Datagrams = wires
			m := h.start(member.Options{})
			s, g := h.join(m, nil, "e1", 0, func(w *wire.Welcome) { w.Limits.Datagram = 100 })
			_, err := s.Post([]byte(`"`+strings.Repeat("x", 99)+`"`), member.SendOptions{Unreliable: true})
			if err == nil || codeOf(t, err) != "too_large" {
				t.Errorf("with datagrams %v: got %v, want too_large", wires, err)
			}
			g.nothing()
		})
	}
}

// TestDatagramsOfTheNextConnection checks that a session moves on with its connection: numbers never go
// back, and what still comes on the old one is nobody's.
func TestDatagramsOfTheNextConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		s, w := h.joinWired(m, &got, 0)
		send := func(w *wired, want uint64) {
			t.Helper()
			if _, err := s.Post([]byte("1"), member.SendOptions{Unreliable: true}); err != nil {
				t.Fatal(err)
			}
			if d := <-w.up; d.Seq != want {
				t.Errorf("got number %d, want %d", d.Seq, want)
			}
		}
		send(w, 1)
		h.net.Cut()
		next := h.wire(h.joined())
		next.welcome("e1", 0, resumed, next.number)
		synctest.Wait()
		send(next, 2)
		got.take()
		next.drop(wire.Datagram{From: "bob", Seq: 1, Payload: []byte(`"new"`)})
		if got, want := got.take(), []string{`"new"`}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}

		// Left and joined again on the same connection.
		left := make(chan error, 1)
		go func() { left <- s.Leave(t.Context()) }()
		if f := next.next(); f.Type != wire.TypeLeave {
			t.Errorf("got %s, want a leave", f.Append(nil))
		}
		next.s.Close()
		if err := <-left; err != nil {
			t.Fatal(err)
		}
		next.drop(wire.Datagram{From: "bob", Seq: 2, Payload: []byte(`"late"`)})
		s, w = h.joinWired(m, &got, 0)
		send(w, 3)
		if got, want := got.take(), []string{"welcome"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestNothingBehindTheClose checks that the last event is the last, however many datagrams wait.
func TestNothingBehindTheClose(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		withDatagrams(h)
		m := h.start(member.Options{})
		var got events
		s, w := h.joinWired(m, &got, 0)
		w.drop(wire.Datagram{From: "bob", Seq: 1, Payload: []byte("1")})
		w.say(`{"type":"close","group":"g","payload":{"reason":"kicked"}}`)
		w.drop(wire.Datagram{From: "bob", Seq: 2, Payload: []byte("2")})
		<-s.Closed()
		w.drop(wire.Datagram{From: "bob", Seq: 3, Payload: []byte("3")})
		all := got.take()
		if all[len(all)-1] != "close forbidden" {
			t.Errorf("got %q, want the close last", all)
		}
		if _, err := s.Post([]byte("1"), member.SendOptions{Unreliable: true}); err == nil {
			t.Error("sent to a group that has ended")
		}
	})
}
