package member_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/member"
	"goop/shared/wire"
)

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

func TestTell(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		s, g := h.join(m, nil, "e1", 0)
		var mu sync.Mutex
		got := map[uint64]string{}
		fn := func(tag uint64, r member.Receipt, err *wire.Error) {
			mu.Lock()
			defer mu.Unlock()
			if got[tag] != "" {
				t.Errorf("%d was told twice", tag)
			}
			if got[tag] = strconv.FormatInt(r.Seq, 10); err != nil {
				got[tag] = string(err.Code)
			}
		}
		for tag := range uint64(3) {
			s.Tell(post(t, s, "1"), tag, fn)
		}
		g.ack(g.next(), 1)
		refused := wire.Frame{Type: wire.TypeError, Payload: (&wire.Error{Code: wire.Forbidden, ID: g.next().ID}).Append(nil)}
		g.say(strings.TrimSpace(string(refused.Append(nil))))
		volatile, err := s.Post([]byte("1"), member.SendOptions{Volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Tell(volatile, 3, fn) // which is over already
		synctest.Wait()
		m.Close()
		if want := map[uint64]string{0: "1", 1: "forbidden", 2: "closed", 3: "0"}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
