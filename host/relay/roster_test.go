package relay_test

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// folded is a member's roster, kept up from what it is sent.
type folded struct {
	m       *member
	peers   map[wire.PeerID]wire.Member
	version int64
	frames  int
	count   int
	left    []wire.Departure
}

func fold(m *member) *folded {
	f := &folded{m: m, peers: map[wire.PeerID]wire.Member{}, version: m.welcome.RosterVersion, count: m.welcome.Count}
	for _, p := range m.welcome.Members {
		f.peers[p.Peer] = p
	}
	return f
}

// take takes in one members frame.
func (f *folded) take(r wire.Roster) {
	f.frames++
	f.count = r.Count
	if !r.Delta && (r.Version != f.version || len(r.Members) == 0) {
		clear(f.peers)
	}
	f.version = r.Version
	for _, ms := range [][]wire.Member{r.Members, r.Joined, r.Updated} {
		for _, p := range ms {
			f.peers[p.Peer] = p
		}
	}
	for _, d := range r.Left {
		delete(f.peers, d.Peer)
	}
	f.left = append(f.left, r.Left...)
}

// drain takes in all that has come. The member is sent nothing but rosters.
func (f *folded) drain() {
	f.m.t.Helper()
	for {
		synctest.Wait()
		_ = f.m.stream.SetReadDeadline(time.Now().Add(time.Millisecond))
		line, err := f.m.lines.ReadLine()
		if err != nil {
			f.m.lines = relink(f.m)
			return
		}
		frame, err := wire.Decode(append([]byte(nil), line...))
		if err != nil {
			f.m.t.Fatal(err)
		}
		r, err := wire.ParseRoster(frame.Payload)
		if err != nil || frame.Type != wire.TypeMembers {
			f.m.t.Fatalf("got %s, want a roster", line)
		}
		f.take(r)
	}
}

const join = `{"type":"join","group":"lobby","session":"%s","caps":["delta"]}`

func TestRosterIsCoalesced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a := fold(w.join(alice, fmt.Sprintf(join, "a")))
		time.Sleep(time.Second)
		a.drain()
		const n = 50
		for i := range n {
			w.join(wire.PeerID(fmt.Sprintf("P%d", i)), fmt.Sprintf(join, "s"))
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Second)
		a.frames = 0
		a.drain()
		if len(a.peers) != n+1 {
			t.Errorf("got %d peers, want %d", len(a.peers), n+1)
		}
		if a.frames > 3 { // 150 ms of joins: one at once, and one in 100 ms
			t.Errorf("got %d frames for %d joins in 150 ms", a.frames, n)
		}
	})
}

func TestJoinerIsKnownBeforeItsFirstMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		plain := w.join(carol, `{"type":"join","group":"lobby"}`)
		for i := range 10 {
			peer := wire.PeerID(fmt.Sprintf("P%d", i))
			m := w.join(peer, fmt.Sprintf(join, "s"))
			line := `{"type":"msg","id":"1","payload":1}`
			if i%2 == 1 {
				line = `{"type":"msg","volatile":true,"payload":1}`
			}
			m.send(line)
			for _, far := range []*member{a, plain} {
				known := false
				for {
					f := far.next()
					if f.Type == wire.TypeMsg {
						break
					}
					r := roster(t, f)
					known = known || containsPeer(r.Joined, peer) || containsPeer(r.Members, peer)
				}
				if !known {
					t.Errorf("%s heard of %s for the first time by a message", far.peer, peer)
				}
			}
		}
	})
}

func TestGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a := fold(w.join(alice, fmt.Sprintf(join, "a")))
		b := w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Second)

		_ = b.stream.Reset()
		time.Sleep(4 * time.Second)
		a.drain()
		if p, ok := a.peers[bob]; !ok || p.Sessions != 0 {
			t.Errorf("within the grace: got %+v, %v; want bob without a session", p, ok)
		}
		if _, in := w.Role(bob, "lobby"); !in {
			t.Errorf("bob has no role within the grace")
		}
		b = w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Minute)
		a.drain()
		if p := a.peers[bob]; p.Sessions != 1 || len(a.left) != 0 {
			t.Errorf("back within the grace: got %+v and departures %v", p, a.left)
		}

		_ = b.stream.Reset()
		synctest.Wait()
		time.Sleep(5*time.Second - time.Millisecond)
		if w.Stats()[0].Members != 2 {
			t.Errorf("bob is gone before the grace is over")
		}
		time.Sleep(200 * time.Millisecond)
		a.drain()
		if len(a.left) != 1 || a.left[0] != (wire.Departure{Peer: bob, Reason: wire.ReasonDropped}) || len(a.peers) != 1 {
			t.Errorf("after the grace: departures %v, peers %v", a.left, a.peers)
		}
		if _, in := w.Role(bob, "lobby"); in {
			t.Errorf("bob has a role after the grace")
		}
	})
}

// TestTwoTabs: two pages of one browser are one peer; one of them goes, the other one works on.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","maxMembers":2}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		b1 := w.join(bob, fmt.Sprintf(join, "1"))
		b2 := w.join(bob, fmt.Sprintf(join, "2"))
		if b2.welcome.Count != 2 {
			t.Errorf("got count %d, want 2", b2.welcome.Count)
		}
		c := w.dial(carol)
		c.send(fmt.Sprintf(join, "c"))
		if e := c.refused(); e.Code != wire.Full {
			t.Errorf("got %v, want full", e)
		}
		c.ends()
		b1.send(`{"type":"leave"}`)
		b1.readsOut()
		time.Sleep(time.Minute)
		a.send(`{"type":"msg","id":"x","payload":"still there?"}`)
		if f := b2.skipTo(wire.TypeMsg); f.From != alice {
			t.Errorf("got %s", f.text)
		}
		if s := w.Stats()[0]; s.Members != 2 || s.Sessions != 2 {
			t.Errorf("got %+v, want 2 members with 2 sessions", s)
		}
	})
}

// TestGhostIsReplaced joins again and again under the same peer and session while the old streams are
// still open. The place in the group is kept, and an old stream's end takes nothing away from the new one.
func TestGhostIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","maxMembers":2}`)
		a := fold(w.join(alice, fmt.Sprintf(join, "a")))
		m := w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Second)
		a.drain()
		version := a.version
		for range 49 {
			old := m
			m = w.join(bob, fmt.Sprintf(join, "b"))
			if f, err := old.read(); err == nil && f.Type != wire.TypeMembers {
				t.Fatalf("the ghost got %s", f.text)
			}
		}
		time.Sleep(time.Minute)
		a.drain()
		if a.version != version || len(a.left) != 0 {
			t.Errorf("the roster went from version %d to %d, departures %v", version, a.version, a.left)
		}
		if s := w.Stats()[0]; s.Members != 2 || s.Sessions != 2 {
			t.Errorf("got %+v, want 2 members with 2 sessions", s)
		}
		a.m.send(`{"type":"msg","id":"x","payload":1}`)
		if f := m.skipTo(wire.TypeMsg); f.From != alice {
			t.Errorf("got %s", f.text)
		}
	})
}

func TestSessionsOfOnePeerAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Wire: wire.Limits{Sessions: 3}})
		w.create(lobby)
		for i := range 3 {
			w.join(bob, fmt.Sprintf(join, fmt.Sprint(i)))
		}
		m := w.dial(bob)
		m.send(fmt.Sprintf(join, "4"))
		if e := m.refused(); e.Code != wire.LimitExceeded {
			t.Errorf("got %v, want limit_exceeded", e)
		}
		m.ends()
		w.join(bob, fmt.Sprintf(join, "1")) // in the place of its ghost
	})
}

// TestLargeRoster: it is told in parts, changes come as such, and a plain client gets the count alone.
func TestLargeRoster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 900
		w := open(t, relay.Options{})
		w.pipe = 16 << 20
		w.create(lobby)
		meta := fmt.Sprintf(`{"label":"Ä","x":"%0900d"}`, 0)
		for i := range n {
			m := w.join(wire.PeerID(fmt.Sprintf("P%03d", i)), `{"type":"join","group":"lobby","session":"s","meta":`+meta+`}`)
			_ = m.stream.Reset() // stays for the grace
		}
		plain := w.join(carol, `{"type":"join","group":"lobby"}`)
		if plain.welcome.Count != n+1 || len(plain.welcome.Members) != 0 {
			t.Errorf("plain: got count %d and %d members, want only the count", plain.welcome.Count, len(plain.welcome.Members))
		}
		m := w.join(alice, fmt.Sprintf(join, "a"))
		if !m.welcome.More || m.welcome.Count != n+2 {
			t.Fatalf("got count %d, more %v; want %d and more", m.welcome.Count, m.welcome.More, n+2)
		}
		a := fold(m)
		for more := true; more; {
			r := roster(t, m.next())
			if r.Delta || r.Version != m.welcome.RosterVersion {
				t.Fatalf("got version %d, delta %v; want the rest of %d", r.Version, r.Delta, m.welcome.RosterVersion)
			}
			a.take(r)
			more = r.More
		}
		if len(a.peers) != n+2 {
			t.Errorf("got %d peers, want %d", len(a.peers), n+2)
		}
		time.Sleep(time.Minute)
		a.drain()
		if len(a.peers) != 2 || len(a.left) != n {
			t.Errorf("after the grace: got %d peers and %d departures", len(a.peers), len(a.left))
		}
		if r := roster(t, plain.next()); r.Delta || r.More {
			t.Errorf("plain got %+v", r)
		}
	})
}

// TestRosterOnlyForThoseWhoMaySeeIt: without the right, a member learns how many there are.
func TestRosterOnlyForThoseWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","rights":{"seeMembers":["moderator"]}}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		o := w.join(boss, fmt.Sprintf(join, "o"))
		if a.welcome.Count != 1 || len(a.welcome.Members) != 0 || len(o.welcome.Members) != 2 {
			t.Errorf("welcomes: %+v and %+v", a.welcome, o.welcome)
		}
		if r := roster(t, a.next()); r.Count != 2 || len(r.Members)+len(r.Joined) != 0 {
			t.Errorf("alice got %+v", r)
		}
	})
}

// TestRosterGap compares the time between two lines about the roster in groups of every size.
func TestRosterGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sessions int
		want     time.Duration
	}{
		{0, 100 * time.Millisecond}, {100, 100 * time.Millisecond}, {250, 250 * time.Millisecond}, {1000, time.Second}, {9000, time.Second},
	} {
		if got := relay.Stretched(100*time.Millisecond, tt.sessions); got != tt.want {
			t.Errorf("%d sessions: %v, want %v", tt.sessions, got, tt.want)
		}
	}
}

// TestRosterOfManyWaitsLonger: in a group of 300, who comes alone is told of at once, who comes just after waits for the
// time of so many, and so does the first message; what somebody may do is told as soon as in a small group.
func TestRosterOfManyWaitsLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 300
		w := open(t, relay.Options{Limits: relay.Limits{Coalesce: -1}}) // which would keep the message back a little more
		w.create(lobby)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		for i := range many - 3 {
			m := w.join(wire.PeerID(fmt.Sprintf("P%03d", i)), fmt.Sprintf(join, "s"))
			go func() { _, _ = io.Copy(io.Discard, m.stream) }()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for f := fold(a); len(f.peers) < many-2; {
			f.take(roster(t, a.next()))
		}
		began := time.Now()
		took := func(what string, want time.Duration) {
			t.Helper()
			if d := time.Since(began); d != want {
				t.Errorf("%s came after %v, want %v", what, d, want)
			}
		}
		w.join(bob, fmt.Sprintf(join, "b"))
		if !containsPeer(roster(t, a.next()).Joined, bob) {
			t.Error("the first line is not of bob")
		}
		took("bob", 0)
		w.join(carol, fmt.Sprintf(join, "c")).send(`{"type":"msg","id":"1","payload":1}`)
		if !containsPeer(roster(t, a.next()).Joined, carol) {
			t.Error("the second line is not of carol")
		}
		took("carol", many*time.Millisecond)
		if f := a.next(); f.Type != wire.TypeMsg || f.From != carol {
			t.Errorf("got %s, want carol's message", f.text)
		}
		took("her message", many*time.Millisecond)
		if err := w.SetRole(t.Context(), group.Caller{Owner: true}, "lobby", alice, wire.RoleModerator); err != nil {
			t.Fatal(err)
		}
		for r := roster(t, a.next()); r.You == nil || r.You.Role != wire.RoleModerator; {
			r = roster(t, a.next())
		}
		took("a role", (many+100)*time.Millisecond)
	})
}
