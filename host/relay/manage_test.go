package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

var (
	owner   = group.Caller{Peer: boss, Owner: true}
	visitor = group.Caller{Peer: alice}
)

func parse(t *testing.T, cfg string) group.Config {
	t.Helper()
	c, err := group.ParseConfig([]byte(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ids(infos []group.Info) []string {
	var out []string
	for _, i := range infos {
		out = append(out, string(i.ID))
	}
	return out
}

func TestCreateAndList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Wire: wire.Limits{Groups: 5}})
		if _, err := w.Create(t.Context(), visitor, parse(t, lobby)); !errors.Is(err, wire.Forbidden) {
			t.Errorf("a visitor creates: got %v, want forbidden", err)
		}
		info := w.create(lobby)
		if info.Creator != boss || info.CreatedAt != time.Now().UnixMilli() || info.Name != "Lobby" {
			t.Errorf("got %+v", info)
		}
		if _, err := w.Create(t.Context(), owner, parse(t, lobby)); !errors.Is(err, wire.Conflict) {
			t.Errorf("the id exists: got %v, want conflict", err)
		}
		if _, err := w.Create(t.Context(), owner, parse(t, `{"type":"persistent"}`)); !errors.Is(err, wire.NotSupported) {
			t.Errorf("durable without a store: got %v, want not_supported", err)
		}
		if _, err := w.Create(t.Context(), owner, parse(t, `{"dissolve":{"expires":1}}`)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("expired: got %v, want invalid_value", err)
		}
		made := w.create(`{"type":"open"}`)
		if !wire.ValidID(string(made.ID)) || len(made.ID) < 20 {
			t.Errorf("got id %q, want a random one", made.ID)
		}
		time.Sleep(time.Second)
		w.create(`{"id":"hidden","type":"ephemeral","dissolve":{"empty":0}}`)
		w.create(`{"id":"secret","type":"invite-only","durable":false,"listed":true}`)
		w.create(`{"id":"last","type":"open"}`)
		if _, err := w.Create(t.Context(), owner, parse(t, `{}`)); !errors.Is(err, wire.LimitExceeded) {
			t.Errorf("one too many: got %v, want limit_exceeded", err)
		}
		if got := ids(w.List(owner))[2:]; !slices.Equal(got, []string{"hidden", "last", "secret"}) {
			t.Errorf("the owner sees %v", got)
		}
		if got := ids(w.List(visitor)); slices.Contains(got, "hidden") || slices.Contains(got, "secret") || len(got) != 3 {
			t.Errorf("a visitor sees %v", got)
		}
		w.join(boss, `{"type":"join","group":"secret"}`)
		if role, in := w.Role(boss, "hidden"); role != wire.RoleOwner || !in {
			t.Errorf("the owner is %q, %v", role, in)
		}
		if role, in := w.Role(alice, "last"); role != "" || in {
			t.Errorf("who is not in is %q, %v", role, in)
		}
		w.join(alice, `{"type":"join","group":"last"}`)
		if role, in := w.Role(alice, "last"); role != wire.RoleMember || !in {
			t.Errorf("who is in is %q, %v", role, in)
		}
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		for _, tt := range []struct {
			caller group.Caller
			id     wire.GroupID
			patch  string
			code   wire.Code
		}{
			{visitor, "lobby", `{"name":"x"}`, wire.Forbidden},
			{owner, "nowhere", `{"name":"x"}`, wire.NoSuchGroup},
			{owner, "lobby", `{"durable":false}`, wire.InvalidValue},
			{owner, "lobby", `{"maxMembers":-1}`, wire.InvalidValue},
			{owner, "lobby", `{"colour":1}`, wire.InvalidValue},
		} {
			if _, err := w.Update(t.Context(), tt.caller, tt.id, []byte(tt.patch)); !errors.Is(err, tt.code) {
				t.Errorf("%s: got %v, want %s", tt.patch, err, tt.code)
			}
		}
		info, err := w.Update(t.Context(), owner, "lobby", []byte(`{"name":"New","maxMembers":1,"rights":{"send":["moderator"]},"seats":["w"]}`))
		if err != nil || info.Name != "New" || info.Members != 1 {
			t.Fatalf("got %+v, %v", info, err)
		}
		if e.cfgs["lobby"].Name != "New" {
			t.Errorf("the registry has %+v", e.cfgs["lobby"])
		}
		a.send(`{"type":"msg","id":"1","payload":1}`)
		if err := a.refused(); err.Code != wire.Forbidden || err.ID != "1" || err.Fatal {
			t.Errorf("got %v, want forbidden", err)
		}
		b := w.dial(bob)
		b.send(fmt.Sprintf(join, "b"))
		if err := b.refused(); err.Code != wire.Full {
			t.Errorf("got %v, want full", err)
		}
		a.send(`{"type":"state","id":"2","patch":{"seats":{"w":"` + string(alice) + `"}}}`)
		a.skipTo(wire.TypeState)
		if got := w.List(visitor)[0].SeatHolders; got["w"] != alice {
			t.Errorf("got seats %v", got)
		}
		a.send(`{"type":"volatile"}`)
		a.refused()
		a.send(`{"type":"msg","id":"3","volatile":true,"payload":1}`)
		if err := a.refused(); err.Code != wire.Forbidden {
			t.Errorf("volatile: got %v, want forbidden", err)
		}
	})
}

// TestCloseBySeat: a right that the seats have. Everybody is told, the last roster is kept, and the id is
// free again.
func TestCloseBySeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		w.create(`{"id":"match","type":"persistent","seats":["white","black"],"rights":{"close":["moderator","seat"]}}`)
		a, b := w.join(alice, `{"type":"join","group":"match"}`), w.join(bob, `{"type":"join","group":"match"}`)
		if err := w.Close(t.Context(), visitor, "match"); !errors.Is(err, wire.Forbidden) {
			t.Errorf("without a seat: got %v, want forbidden", err)
		}
		a.send(`{"type":"state","id":"1","patch":{"seats":{"white":"` + string(alice) + `"}}}`)
		a.skipTo(wire.TypeState)
		b.send(`{"type":"state","id":"2","patch":{"seats":{"white":"` + string(bob) + `"}}}`)
		if err := b.skipTo(wire.TypeError); err.Payload == nil {
			t.Errorf("got %s", err.text)
		}
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		a.send(`{"type":"msg","id":"3","payload":"gg"}`)
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- w.Close(t.Context(), visitor, "match") }()
		synctest.Wait()
		if len(w.List(owner)) != 2 {
			t.Errorf("the group is gone while something of it is being appended")
		}
		e.set(func() { e.hold = nil })
		close(hold)
		if f := a.skipTo(wire.TypeMsg); !f.Ack || f.ID != "3" {
			t.Errorf("got %s, want the acknowledgement first", f.text)
		}
		for _, m := range []*member{a, b} {
			if reason := m.goodbye(); reason != wire.ReasonClosed {
				t.Errorf("%s: got %q, want closed", m.peer, reason)
			}
		}
		if err := <-closed; err != nil {
			t.Errorf("with a seat: %v", err)
		}
		if role, in := w.Role(bob, "match"); role != wire.RoleMember || !in {
			t.Errorf("bob was %q, %v", role, in)
		}
		if _, in := w.Role(carol, "match"); in {
			t.Errorf("carol was in")
		}
		if _, ok := e.cfgs["match"]; ok {
			t.Errorf("the registry still has the group")
		}
		late := w.dial(carol)
		late.send(`{"type":"join","group":"match"}`)
		if err := late.refused(); err.Code != wire.NoSuchGroup {
			t.Errorf("got %v, want no_such_group", err)
		}
		w.create(`{"id":"match"}`)
	})
}

// TestCloseThatFails leaves the group as it was.
func TestCloseThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		e.set(func() { e.failReg = errors.New("disk") })
		if err := w.Close(t.Context(), owner, "lobby"); err == nil {
			t.Errorf("got no error")
		}
		a.send(`{"type":"msg","id":"1","payload":1}`)
		if f := a.next(); !f.Ack {
			t.Errorf("got %s, want the acknowledgement", f.text)
		}
		e.set(func() { e.failReg = nil })
		if err := w.Close(t.Context(), owner, "lobby"); err != nil {
			t.Error(err)
		}
		if reason := a.goodbye(); reason != wire.ReasonClosed {
			t.Errorf("got %q", reason)
		}
	})
}

func TestDissolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, cfg string
		play      func(t *testing.T, w *world)
		after     time.Duration
	}{
		{"nobody ever came", `{"id":"g","type":"ephemeral"}`, func(*testing.T, *world) {}, 30 * time.Second},
		{"everybody has left", `{"id":"g","type":"ephemeral"}`, func(t *testing.T, w *world) {
			time.Sleep(20 * time.Second)
			m := w.join(alice, `{"type":"join","group":"g"}`)
			time.Sleep(time.Hour)
			m.send(`{"type":"leave"}`)
			m.readsOut()
		}, 30 * time.Second},
		{"everybody is lost", `{"id":"g","type":"ephemeral"}`, func(t *testing.T, w *world) {
			m := w.join(alice, `{"type":"join","group":"g"}`)
			_ = m.stream.Reset()
		}, 35 * time.Second},
		{"somebody came back in time", `{"id":"g","dissolve":{"empty":600000}}`, func(t *testing.T, w *world) {
			time.Sleep(599 * time.Second)
			m := w.join(alice, `{"type":"join","group":"g"}`)
			m.send(`{"type":"leave"}`)
			m.readsOut()
		}, 600 * time.Second},
		{"the time is over", `{"id":"g","type":"open","dissolve":{"expires":946684860000}}`, func(t *testing.T, w *world) {
			m := w.join(alice, `{"type":"join","group":"g"}`)
			go func() {
				if reason := m.goodbye(); reason != wire.ReasonDissolved {
					t.Errorf("got %q, want dissolved", reason)
				}
			}()
		}, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				w.create(tt.cfg)
				tt.play(t, w)
				time.Sleep(tt.after - time.Millisecond)
				synctest.Wait()
				if n := len(w.List(owner)); n != 1 {
					t.Errorf("1 ms before its time: got %d groups, want 1", n)
				}
				time.Sleep(2 * time.Millisecond)
				synctest.Wait()
				if n := len(w.List(owner)); n != 0 {
					t.Errorf("1 ms after its time: got %d groups, want 0", n)
				}
				time.Sleep(time.Second)
			})
		})
	}
}

// TestDissolveThatFails is tried again after a while, and not all the time.
func TestDissolveThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"g","type":"persistent","dissolve":{"empty":1000}}`)
		e.set(func() { e.failReg = errors.New("disk") })
		time.Sleep(90 * time.Second)
		if n := len(w.List(owner)); n != 1 {
			t.Errorf("got %d groups, want 1", n)
		}
		e.set(func() { e.failReg = nil })
		time.Sleep(time.Minute)
		if n := len(w.List(owner)); n != 0 {
			t.Errorf("got %d groups, want 0", n)
		}
	})
}

// TestRestart opens the groups of the registry again: durable ones where they stood, others anew.
func TestRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"kept","type":"persistent"}`)
		w.create(`{"id":"open","type":"open"}`)
		w.create(`{"id":"gone","type":"ephemeral"}`)
		var old [2]*member
		for i, id := range []string{"kept", "open"} {
			m := w.join(alice, `{"type":"join","group":"`+id+`","session":"s"}`)
			m.send(`{"type":"state","id":"1","patch":{"k":1}}`)
			m.skipTo(wire.TypeState)
			old[i] = m
		}
		w.end()
		w = open(t, relay.Options{Durable: e, Registry: e})
		if got := ids(w.List(owner)); !slices.Equal(got, []string{"kept", "open"}) {
			t.Errorf("got %v", got)
		}
		for i, id := range []string{"kept", "open"} {
			since := fmt.Sprintf(`,"since":{"epoch":%q,"seq":1}}`, old[i].welcome.Epoch)
			m := w.join(alice, `{"type":"join","group":"`+id+`","session":"s"`+since)
			if m.welcome.Resumed != (i == 0) || m.welcome.Seq != int64(1-i) || (m.welcome.Epoch == old[i].welcome.Epoch) != (i == 0) {
				t.Errorf("%s: got %+v", id, m.welcome)
			}
		}
		// goop.json is read at each start.
		if err := w.Ensure(t.Context(), parse(t, `{"id":"kept","type":"persistent","name":"New name"}`)); err != nil {
			t.Error(err)
		}
		if err := w.Ensure(t.Context(), parse(t, `{"id":"more","type":"persistent"}`)); err != nil {
			t.Error(err)
		}
		if err := w.Ensure(t.Context(), parse(t, `{"id":"kept","type":"open"}`)); !errors.Is(err, wire.Conflict) {
			t.Errorf("got %v, want conflict", err)
		}
		if e.cfgs["kept"].Name != "New name" || e.cfgs["kept"].Creator != boss || e.cfgs["more"].ID != "more" {
			t.Errorf("the registry has %+v", e.cfgs)
		}
	})
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		var calls atomic.Int32
		var members atomic.Int32
		cancel := w.Subscribe(func() {
			calls.Add(1)
			n := 0
			for _, g := range w.List(owner) {
				n += g.Members
			}
			members.Store(int32(n))
		})
		expect := func(what string, atMost, want int32) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if n := calls.Swap(0); n == 0 || n > atMost || members.Load() != want {
				t.Errorf("%s: got %d calls and %d members, want 1 to %d and %d", what, n, members.Load(), atMost, want)
			}
		}
		w.create(lobby)
		expect("create", 1, 0)
		for i := range 50 {
			w.join(wire.PeerID(fmt.Sprint("P", i)), fmt.Sprintf(join, "s"))
		}
		expect("50 joins", 2, 50)
		if _, err := w.Update(t.Context(), owner, "lobby", []byte(`{"name":"x"}`)); err != nil {
			t.Fatal(err)
		}
		expect("update", 1, 50)
		m := w.join(alice, fmt.Sprintf(join, "a"))
		expect("join", 1, 51)
		m.send(`{"type":"msg","id":"1","payload":1}`)
		time.Sleep(time.Second)
		if n := calls.Load(); n != 0 {
			t.Errorf("a message: got %d calls, want none", n)
		}
		go func() { _ = w.Close(context.Background(), owner, "lobby") }()
		expect("close", 1, 0)
		cancel()
		w.create(lobby)
		time.Sleep(time.Second)
		if n := calls.Load(); n != 0 {
			t.Errorf("after cancel: got %d calls, want none", n)
		}
	})
}

// TestShutdownGivesUp: a log that hangs does not keep the host from ending.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		r, err := relay.Open(t.Context(), relay.Options{Durable: e, Registry: e})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Relay: r, t: t}
		w.create(`{"id":"lobby","type":"persistent"}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		a.send(`{"type":"msg","id":"1","payload":1}`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := w.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("took %v, want 5 s", d)
		}
		if _, err := a.read(); err == nil {
			t.Errorf("the stream is still open")
		}
		close(hold)
		w.end()
	})
}
