package member_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

func TestJoinSendLeave(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, err := m.Open("g", member.JoinOptions{Invite: "token", Meta: []byte("{\"label\":\n\"Ann\"}"), Handler: &got})
		if err != nil {
			t.Fatal(err)
		}
		early := post(t, s, `"before the welcome"`)
		g := h.joined()
		want := wire.Frame{
			Type: wire.TypeJoin, Group: "g", Session: m.Session(), Invite: "token",
			Meta: []byte(`{"label": "Ann"}`), Caps: []string{wire.CapDelta},
		}
		if got := string(g.join.Append(nil)); got != string(want.Append(nil)) {
			t.Errorf("join: got %s, want %s", got, want.Append(nil))
		}
		g.nothing()
		g.welcome("e1", 5)
		if err := s.Joined(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := g.next()
		if len(f.ID) != 32 || string(f.Payload) != `"before the welcome"` {
			t.Errorf("got id %q and payload %s", f.ID, f.Payload)
		}
		g.say(msg(6, "bob", `"hi"`))
		g.ack(f, 7)
		g.say(msg(8, "ann", `"from another tab"`), `{"type":"state","group":"g","seq":11}`, msg(12, "bob", `"end"`))
		if r, err := early.Wait(t.Context()); err != nil || r != (member.Receipt{Seq: 7, Time: 1007}) {
			t.Errorf("receipt: got %v, %v", r, err)
		}
		events := []string{"welcome", `"hi"`, `own "before the welcome"`, `"from another tab"`, "skip 11", `"end"`}
		if got := got.take(); !slices.Equal(got, events) {
			t.Errorf("events: got %q, want %q", got, events)
		}
		if got := s.Position(); got != (wire.Position{Epoch: "e1", Seq: 12}) {
			t.Errorf("position: got %v", got)
		}

		last := post(t, s, `"last"`)
		left := make(chan error, 1)
		go func() { left <- s.Leave(context.Background()) }()
		f = g.next()
		if f := g.next(); f.Type != wire.TypeLeave {
			t.Errorf("got %s, want a leave", f.Append(nil))
		}
		if err := <-g.ended; err != io.EOF {
			t.Errorf("the member's half: got %v, want its end", err)
		}
		g.ack(f, 13)
		g.s.Close()
		if err := <-left; err != nil {
			t.Errorf("leave: %v", err)
		}
		if got := outcome(t, last); got != "13" {
			t.Errorf("the last message: got %s, want 13", got)
		}
		if _, err := s.Post([]byte("1"), member.SendOptions{}); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("post after leave: got %v, want closed", err)
		}
		if _, ok := m.Lookup("g"); ok {
			t.Error("the session is still there")
		}
		if s.Err() != nil {
			t.Errorf("got %v, want no error after a leave", s.Err())
		}
		h.join(m, nil, "e1", 13) // joining again is possible
	})
}

func TestOwnEventLine(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{Session: "s1"})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		if _, err := s.PostState([]byte(`{"a":1}`), new(int64(0))); err != nil {
			t.Fatal(err)
		}
		f := g.next()
		if f.IfSeq == nil || *f.IfSeq != 0 {
			t.Errorf("ifSeq: got %v, want 0", f.IfSeq)
		}
		g.ack(f, 1)
		synctest.Wait()
		want := `{"type":"state","group":"g","id":"` + f.ID + `","seq":1,"from":"ann","time":1001,"patch":{"a":1},"own":true}`
		if line := string(got.all[1].Line); line != want {
			t.Errorf("got  %s\nwant %s", line, want)
		}
	})
}

func TestResend(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		a, b, c := post(t, s, `"a"`), post(t, s, `"b"`), post(t, s, `"c"`)
		fa, fb, fc := g.next(), g.next(), g.next()
		g.ack(fa, 1)
		if o := outcome(t, a); o != "1" {
			t.Errorf("a: got %s", o)
		}
		// b and c are in the log, but their receipts get lost. d is posted while there is no connection.
		h.net.Cut()
		d := post(t, s, `"d"`)
		g = h.joined()
		if g.join.Session != m.Session() || g.join.Since == nil || *g.join.Since != (wire.Position{Epoch: "e1", Seq: 1}) {
			t.Errorf("join: got %s, want the same session and what came after e1, 1", g.join.Append(nil))
		}
		g.nothing()
		g.welcome("e1", 1, resumed)
		for _, want := range []wire.Frame{fb, fc} {
			if f := g.next(); f.ID != want.ID || string(f.Payload) != string(want.Payload) {
				t.Errorf("sent again: got %s, want %s", f.Append(nil), want.Append(nil))
			}
		}
		fd := g.next()
		// What the host had: b as an acknowledgement, c as an entry with its id. Then the receipts of
		// the repeats, and d.
		g.ack(fb, 2)
		g.say(msg(3, "bob", `"x"`))
		g.say(`{"type":"msg","group":"g","seq":4,"from":"ann","time":9,"id":"` + fc.ID + `","payload":"c"}`)
		g.ack(fb, 2)
		g.ack(fc, 4)
		g.ack(fd, 5)
		for i, p := range []*member.Pending{b, c, d} {
			if o, want := outcome(t, p), []string{"2", "4", "5"}[i]; o != want {
				t.Errorf("post %d: got %s, want %s", i, o, want)
			}
		}
		want := []string{"welcome", `own "a"`, "welcome", `own "b"`, `"x"`, `own "c"`, `own "d"`}
		if got := got.take(); !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		if at := s.Position().Seq; at != 5 {
			t.Errorf("position: got %d, want 5", at)
		}
	})
}

// The receipt of a repeat is written when the host sees the repeat, which may be before the entry's
// place in the order has reached the session.
func TestReceiptAheadOfItsPlace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		a, b := post(t, s, `"a"`), post(t, s, `"b"`)
		fa, fb := g.next(), g.next()
		g.ack(fb, 3) // its place is after the next two
		if o := outcome(t, b); o != "3" {
			t.Errorf("b: got %s, want 3", o)
		}
		if got, want := got.take(), []string{"welcome"}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		g.ack(fa, 1)
		g.ack(fa, 1)
		g.say(msg(2, "bob", `"x"`))
		g.ack(fb, 3)
		g.say(msg(3, "bob", `"not again"`), msg(4, "bob", `"y"`))
		if o := outcome(t, a); o != "1" {
			t.Errorf("a: got %s, want 1", o)
		}
		if got, want := got.take(), []string{`own "a"`, `"x"`, `own "b"`, `"y"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
	})
}

func TestNewLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  []func(*wire.Welcome)
		epoch   wire.Epoch
		seq     int64
		events  []string
		outcome string // of what was sent before; "" when it is sent again
	}{
		{"a memory group began anew", nil, "e2", 0, []string{"gap 2-0", "welcome"}, "epoch_changed"},
		{"a durable group was restored", []func(*wire.Welcome){durable}, "e2", 1, []string{"gap 2-1", "welcome"}, ""},
		{"the entries are no longer kept", nil, "e1", 100, []string{"gap 2-100", "welcome"}, ""},
		{"nothing was missed", nil, "e1", 2, []string{"welcome"}, ""},
		{"resumed", []func(*wire.Welcome){resumed}, "e1", 2, []string{"welcome"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				m := h.start(member.Options{})
				var got events
				s, g := h.join(m, &got, "e1", 2)
				sent := post(t, s, `"sent"`)
				g.next()
				got.take()
				h.net.Cut()
				unsent := post(t, s, `"unsent"`)
				g = h.joined()
				g.welcome(tt.epoch, tt.seq, tt.change...)
				if got := got.take(); !slices.Equal(got, tt.events) {
					t.Errorf("events: got %q, want %q", got, tt.events)
				}
				for _, p := range []*member.Pending{sent, unsent} {
					if tt.outcome != "" {
						if o := outcome(t, p); o != tt.outcome {
							t.Errorf("got %s, want %s", o, tt.outcome)
						}
						continue
					}
					tt.seq++
					g.ack(g.next(), tt.seq)
					if o := outcome(t, p); o == "epoch_changed" {
						t.Errorf("got %s, want a receipt", o)
					}
				}
				g.nothing()
				if next := post(t, s, `"next"`); outcomeAfterAck(t, g, next, tt.seq+1) != tt.seq+1 {
					t.Error("a message of the new log was not acknowledged")
				}
			})
		})
	}
}

func outcomeAfterAck(t *testing.T, g *groupStream, p *member.Pending, seq int64) int64 {
	t.Helper()
	g.ack(g.next(), seq)
	r, err := p.Wait(t.Context())
	if err != nil {
		t.Error(err)
	}
	return r.Seq
}

func TestWholeStateInBetween(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 2)
		a := post(t, s, `"a"`)
		fa := g.next()
		got.take()
		// The session fell behind: the receipt of a was among what is no longer kept.
		g.say(`{"type":"state","group":"g","seq":50,"payload":{"epoch":"e1","state":{"k":1},"stateSeq":40}}`, msg(51, "bob", `"x"`))
		if f := g.next(); f.ID != fa.ID {
			t.Errorf("sent again: got %s, want %s", f.Append(nil), fa.Append(nil))
		}
		g.ack(fa, 30)
		if o := outcome(t, a); o != "30" {
			t.Errorf("a: got %s, want 30", o)
		}
		if got, want := got.take(), []string{"gap 2-50", "state", `"x"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
	})
}

func TestHostFaultsLeadToAnotherJoin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		line string
	}{
		{"a hole in the order", msg(4, "bob", `"late"`)},
		{"a second welcome", `{"type":"welcome","group":"g","payload":{}}`},
		{"no JSON", `{"type":"msg"`},
		{"an earlier whole state", `{"type":"state","group":"g","seq":1,"payload":{"epoch":"e1","state":{}}}`},
		{"a host that goes down", `{"type":"close","group":"g","payload":{"reason":"shutdown"}}`},
		{"too slow", `{"type":"close","group":"g","payload":{"reason":"too_slow"}}`},
		{"a fault of the host", `{"type":"error","group":"g","payload":{"code":"internal","message":"?","fatal":true}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				m := h.start(member.Options{})
				var got events
				_, g := h.join(m, &got, "e1", 1)
				g.say(msg(2, "bob", `"x"`), tt.line)
				again := h.joined()
				if s := again.join.Since; s == nil || *s != (wire.Position{Epoch: "e1", Seq: 2}) {
					t.Errorf("since: got %v, want e1, 2", s)
				}
				again.welcome("e1", 2, resumed)
				again.say(msg(3, "bob", `"y"`))
				if got, want := got.take(), []string{"welcome", `"x"`, "welcome", `"y"`}; !slices.Equal(got, want) {
					t.Errorf("events: got %q, want %q", got, want)
				}
				if dials, _ := h.net.Dials(); len(dials) != 1 {
					t.Errorf("got %d connections, want the same one", len(dials))
				}
			})
		})
	}
}

func TestHostEndsTheSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		line  string
		code  string
		event string
	}{
		{"closed", `{"type":"close","group":"g","payload":{"reason":"closed"}}`, "closed", "close closed"},
		{"dissolved", `{"type":"close","group":"g","payload":{"reason":"dissolved"}}`, "closed", "close closed"},
		{"kicked", `{"type":"close","group":"g","payload":{"reason":"kicked","message":"be nice"}}`, "forbidden", "close forbidden"},
		{"banned", `{"type":"close","group":"g","payload":{"reason":"banned"}}`, "banned", "close banned"},
		{"fatal", `{"type":"error","group":"g","payload":{"code":"no_such_group","message":"gone","fatal":true}}`, "no_such_group", "error no_such_group"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, h *host) {
				m := h.start(member.Options{})
				var got events
				s, g := h.join(m, &got, "e1", 1)
				p := post(t, s, `"unanswered"`)
				g.next()
				g.say(tt.line)
				if err := <-g.ended; err != io.EOF {
					t.Errorf("the member's half: got %v, want its end", err)
				}
				<-s.Closed()
				if o := outcome(t, p); o != tt.code {
					t.Errorf("what waited: got %s, want %s", o, tt.code)
				}
				if got := codeOf(t, s.Err()); got != tt.code {
					t.Errorf("Err: got %s, want %s", got, tt.code)
				}
				if got, want := got.take(), []string{"welcome", tt.event}; !slices.Equal(got, want) {
					t.Errorf("events: got %q, want %q", got, want)
				}
				if err := s.Leave(t.Context()); err != nil {
					t.Errorf("leave of an ended session: %v", err)
				}
				h.join(m, nil, "e9", 0)
			})
		})
	}
}

func TestJoinIsRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		for _, code := range []string{"no_such_group", "full", "banned", "invite_invalid", "internal", "bad_message"} {
			var got events
			go func() {
				g := h.joined()
				g.say(`{"type":"error","payload":{"code":"` + code + `","message":"because","fatal":true}}`)
				g.s.CloseWrite()
			}()
			_, err := m.Join(t.Context(), "g", member.JoinOptions{Handler: &got})
			if err == nil || codeOf(t, err) != code {
				t.Errorf("got %v, want %s", err, code)
			}
			if got := got.take(); len(got) > 0 {
				t.Errorf("events: got %q, want none before a welcome", got)
			}
		}
		for _, tt := range []struct{ id, meta, code string }{
			{"", "", "invalid_value"},
			{"a b", "", "invalid_value"},
			{"g", "[]", "invalid_value"},
			{"g", "{", "invalid_value"},
			{"g", `{"x":"` + strings.Repeat("x", 1100) + `"}`, "too_large"},
		} {
			if _, err := m.Join(t.Context(), wire.GroupID(tt.id), member.JoinOptions{Meta: []byte(tt.meta)}); err == nil || codeOf(t, err) != tt.code {
				t.Errorf("%q with meta %.20s: got %v, want %s", tt.id, tt.meta, err, tt.code)
			}
		}
	})
}

func TestJoinWaitsWhenTheHostIsBusy(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		begin := time.Now()
		s, err := m.Open("g", member.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		h.joined().say(`{"type":"error","payload":{"code":"rate_limited","message":"busy","fatal":true,"retryAfter":5000}}`)
		h.joined().welcome("e1", 0)
		if err := s.Joined(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("joined after %v, want a little more than 5s", took)
		}
	})
}

func TestJoinTwiceIsAConflict(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		s, _ := h.join(m, nil, "e1", 0)
		if _, err := m.Join(t.Context(), "g", member.JoinOptions{}); err == nil || codeOf(t, err) != "conflict" {
			t.Errorf("got %v, want conflict", err)
		}
		if got, ok := m.Lookup("g"); !ok || got != s {
			t.Error("Lookup does not give the session that there is")
		}
	})
}

func TestJoinIsGivenUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		for _, net := range []string{"silent host", "no host"} {
			if net == "no host" {
				h.net.Down(wire.E(wire.Offline, "nobody there"))
				h.net.Cut()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			_, err := m.Join(ctx, "g", member.JoinOptions{})
			cancel()
			if err == nil || codeOf(t, err) != "timeout" {
				t.Errorf("%s: got %v, want timeout", net, err)
			}
			synctest.Wait()
			if _, ok := m.Lookup("g"); ok {
				t.Errorf("%s: the session is still there", net)
			}
		}
	})
}

func TestRefusedFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		p := post(t, s, `"a"`)
		f := g.next()
		g.say(`{"type":"error","payload":{"code":"conflict","message":"newer","id":"`+f.ID+`","fatal":false,"seq":17}}`,
			`{"type":"error","payload":{"code":"rate_limited","message":"slow down","fatal":false}}`)
		_, err := p.Wait(t.Context())
		if e, ok := err.(*wire.Error); !ok || e.Code != wire.Conflict || e.Seq != 17 {
			t.Errorf("got %v, want conflict with seq 17", err)
		}
		if got, want := got.take(), []string{"welcome", "error rate_limited"}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		h.net.Cut()
		g = h.joined()
		g.welcome("e1", 0, resumed)
		g.nothing() // what was refused is not sent again
	})
}

func TestOutboxIsBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		h.net.Down(wire.E(wire.Offline, "nobody there"))
		m := h.start(member.Options{Outbox: member.OutboxLimits{Count: 10, Bytes: 3000}})
		s, err := m.Open("g", member.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var ps []*member.Pending
		for range 10 {
			ps = append(ps, post(t, s, "1"))
		}
		if _, err := s.Post([]byte("1"), member.SendOptions{}); err == nil || codeOf(t, err) != "outbox_full" {
			t.Errorf("the eleventh: got %v, want outbox_full", err)
		}
		h.net.Down(nil)
		g := h.joined()
		g.welcome("e1", 0)
		for i := range 10 {
			g.ack(g.next(), int64(i+1))
		}
		for i, p := range ps {
			if o := outcome(t, p); o == "outbox_full" {
				t.Errorf("post %d: %s", i, o)
			}
		}
		if _, err := s.Post([]byte(`"`+strings.Repeat("x", 3000)+`"`), member.SendOptions{}); err == nil || codeOf(t, err) != "outbox_full" {
			t.Errorf("too many bytes: got %v, want outbox_full", err)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		s, err := m.Open("g", member.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		big := `"` + strings.Repeat("x", 100) + `"`
		early := post(t, s, big)
		fine := post(t, s, `"fine"`)
		g := h.joined()
		g.welcome("e1", 0, func(w *wire.Welcome) { w.Limits.Payload = 50 })
		if o := outcome(t, early); o != "too_large" {
			t.Errorf("posted before the limit was known: got %s, want too_large", o)
		}
		g.ack(g.next(), 1)
		if o := outcome(t, fine); o != "1" {
			t.Errorf("got %s, want 1", o)
		}
		for _, tt := range []struct{ payload, code string }{
			{big, "too_large"},
			{"", "invalid_value"},
			{"{", "invalid_value"},
			{"1 2", "invalid_value"},
			{"\"\xff\"", "invalid_value"},
			{strings.Repeat("[", 49) + strings.Repeat("]", 49), "too_large"},
		} {
			if _, err := s.Post([]byte(tt.payload), member.SendOptions{}); err == nil || codeOf(t, err) != tt.code {
				t.Errorf("%.20q: got %v, want %s", tt.payload, err, tt.code)
			}
		}
		for _, patch := range []string{"[]", "1", ""} {
			if _, err := s.PostState([]byte(patch), nil); err == nil || codeOf(t, err) != "invalid_value" {
				t.Errorf("patch %q: got %v, want invalid_value", patch, err)
			}
		}
		post(t, s, "{\n\"a\":\r\n1}")
		if f := g.next(); string(f.Payload) != `{ "a":  1}` {
			t.Errorf("a payload of several lines: got %q", f.Payload)
		}
	})
}

func TestVolatile(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		p, err := s.Post([]byte(`{"x":1}`), member.SendOptions{Volatile: true, Key: "cursor"})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Wait(t.Context()); err != nil || r != (member.Receipt{}) {
			t.Errorf("got %v, %v, want an empty receipt", r, err)
		}
		if f := g.next(); !f.Volatile || f.Key != "cursor" || f.ID != "" {
			t.Errorf("got %s", f.Append(nil))
		}
		g.say(`{"type":"msg","group":"g","from":"bob","volatile":true,"payload":"v"}`, msg(1, "bob", `"x"`))
		if got, want := got.take(), []string{"welcome", `"v"`, `"x"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		h.net.Down(wire.E(wire.Offline, "nobody there"))
		h.net.Cut()
		synctest.Wait()
		if _, err := s.Post([]byte(`1`), member.SendOptions{Volatile: true}); err == nil || codeOf(t, err) != "offline" {
			t.Errorf("without a connection: got %v, want offline", err)
		}
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		s, g := h.join(m, nil, "e1", 0)
		if err := s.Update([]byte(`{"label":"Bea"}`)); err != nil {
			t.Fatal(err)
		}
		if f := g.next(); f.Type != wire.TypeJoin || string(f.Meta) != `{"label":"Bea"}` {
			t.Errorf("got %s", f.Append(nil))
		}
		h.net.Cut()
		g = h.joined()
		if string(g.join.Meta) != `{"label":"Bea"}` {
			t.Errorf("the next join: got %s", g.join.Append(nil))
		}
	})
}

// A message that is given up by its sender is still the session's own when it arrives.
func TestGivenUpMessage(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Send(ctx, []byte(`"a"`), member.SendOptions{})
		if err == nil || codeOf(t, err) != "timeout" {
			t.Errorf("got %v, want timeout", err)
		}
		g.ack(g.next(), 1)
		if got, want := got.take(), []string{"welcome", `own "a"`}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		p := post(t, s, `1`)
		g.next()
		h.set(func(h *host) { h.answer = func(*dataStream, int64, string, string) {} })
		r, err := m.Ask([]byte(`{"op":"role"}`))
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		m.Close()
		if o := outcome(t, p); o != "closed" {
			t.Errorf("a message: got %s, want closed", o)
		}
		if _, err := r.Wait(t.Context()); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("a request: got %v, want closed", err)
		}
		if _, err := m.Open("h", member.JoinOptions{}); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("open: got %v, want closed", err)
		}
		if _, err := m.Ask([]byte(`{"op":"role"}`)); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("ask: got %v, want closed", err)
		}
		if st := m.Status(); st.State != member.Closed {
			t.Errorf("status: got %v", st)
		}
		if got, want := got.take(), []string{"welcome"}; !slices.Equal(got, want) {
			t.Errorf("events: got %q, want %q", got, want)
		}
		if h.net.Conns() != 0 {
			t.Error("the connection is still there")
		}
	})
}

func TestCloseBeforeStart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := member.New(member.Options{Dialer: h.net.Dialer("ann")})
		s, err := m.Open("g", member.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.Ask([]byte(`{"op":"role"}`))
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		m.Start()
		if err := s.Joined(t.Context()); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("joined: got %v, want closed", err)
		}
		if _, err := r.Wait(t.Context()); err == nil || codeOf(t, err) != "closed" {
			t.Errorf("request: got %v, want closed", err)
		}
		if dials, _ := h.net.Dials(); len(dials) != 0 {
			t.Error("it dialled")
		}
	})
}
