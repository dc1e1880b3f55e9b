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

func TestRightsThatChange(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, h *host) {
		m := h.start(member.Options{})
		var got events
		s, g := h.join(m, &got, "e1", 0)
		before := s.Welcome()
		g.say(`{"type":"members","group":"g","payload":{"version":2,"joined":[],"updated":[],"left":[],"count":1,"you":{"peer":"ann","session":"s","role":"viewer","rights":["seeMembers"]}}}`)
		synctest.Wait()
		if you := s.Welcome().You; you.Role != wire.RoleViewer || len(you.Rights) != 1 {
			t.Errorf("got %+v", you)
		}
		if before.You.Role != wire.RoleMember {
			t.Errorf("the welcome that was handed out has changed: %+v", before.You)
		}
	})
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
