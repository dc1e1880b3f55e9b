package member_test

import (
	"slices"
	"testing"

	"goop/shared/member"
	"goop/shared/wire"
)

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
		{"too slow, with an error", `{"type":"error","group":"g","payload":{"code":"too_slow","message":"?","fatal":true}}`},
		{"dropped for abuse", `{"type":"error","group":"g","payload":{"code":"rate_limited","message":"?","fatal":true,"retryAfter":5000}}`},
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
