package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// engine is a log in memory that can be held up, fail, and forget; with it stands a registry.
type engine struct {
	*relay.MemLog
	// mu guards the following.
	mu      sync.Mutex
	hold    chan struct{} // Append waits until it is closed
	fail    error         // of Append
	readErr error
	appends int
	reads   int // of Read and Before
	cfgs    map[wire.GroupID]group.Config
	rosters map[wire.GroupID][]group.RosterPeer
	failReg error
	holdReg chan struct{} // Note waits until it is closed

	standings map[wire.GroupID]map[wire.PeerID]group.Standing
	invites   map[wire.GroupID]map[group.InviteID]group.Invite
}

func newEngine() *engine {
	return &engine{
		MemLog: relay.NewMemLog(relay.MemLimits{}), cfgs: map[wire.GroupID]group.Config{},
		rosters:   map[wire.GroupID][]group.RosterPeer{},
		standings: map[wire.GroupID]map[wire.PeerID]group.Standing{}, invites: map[wire.GroupID]map[group.InviteID]group.Invite{},
	}
}

func (e *engine) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	e.mu.Lock()
	hold, fail := e.hold, e.fail
	e.appends++
	e.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if fail != nil {
		return nil, fail
	}
	return e.MemLog.Append(ctx, id, drafts)
}

func (e *engine) Read(ctx context.Context, id wire.GroupID, after int64, limit int) ([]group.Entry, error) {
	e.mu.Lock()
	err := e.readErr
	e.reads++
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return e.MemLog.Read(ctx, id, after, limit)
}

func (e *engine) Groups(context.Context) ([]group.Saved, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var saved []group.Saved
	for id, c := range e.cfgs {
		s := group.Saved{Config: c}
		for _, st := range e.standings[id] {
			s.Standings = append(s.Standings, st)
		}
		for _, inv := range e.invites[id] {
			s.Invites = append(s.Invites, inv)
		}
		saved = append(saved, s)
	}
	return saved, nil
}

func (e *engine) Save(_ context.Context, cfg group.Config, people group.PeopleChange) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failReg == nil {
		e.cfgs[cfg.ID] = cfg
		e.note(cfg.ID, &people)
	}
	return e.failReg
}

func (e *engine) Note(_ context.Context, id wire.GroupID, people group.PeopleChange) error {
	e.mu.Lock()
	hold := e.holdReg
	e.mu.Unlock()
	if hold != nil {
		<-hold
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failReg == nil {
		e.note(id, &people)
	}
	return e.failReg
}

// note is called with mu held.
func (e *engine) note(id wire.GroupID, people *group.PeopleChange) {
	if e.standings[id] == nil {
		e.standings[id], e.invites[id] = map[wire.PeerID]group.Standing{}, map[group.InviteID]group.Invite{}
	}
	for _, s := range people.Standings {
		if e.standings[id][s.Peer] = s; s.Empty() {
			delete(e.standings[id], s.Peer)
		}
	}
	for _, inv := range people.Invites {
		e.invites[id][inv.ID] = inv
	}
	for _, inv := range people.Revoked {
		delete(e.invites[id], inv)
	}
}

func (e *engine) Remove(ctx context.Context, id wire.GroupID, roster []group.RosterPeer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failReg != nil {
		return e.failReg
	}
	delete(e.cfgs, id)
	delete(e.standings, id)
	delete(e.invites, id)
	e.rosters[id] = roster
	return e.MemLog.Drop(ctx, id)
}

func (e *engine) Roster(_ context.Context, id wire.GroupID) ([]group.RosterPeer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rosters[id], nil
}

func (e *engine) set(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func durable(t *testing.T) (*world, *engine) {
	t.Helper()
	e := newEngine()
	w := open(t, relay.Options{Durable: e, Registry: e})
	w.create(`{"id":"lobby","type":"persistent"}`)
	return w, e
}

// TestNothingIsSeenBeforeItIsKept holds an append up. Until it has returned, nobody sees the entry, and
// what comes meanwhile is appended together.
func TestNothingIsSeenBeforeItIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		a.send(`{"type":"msg","id":"0","payload":0}`)
		synctest.Wait()
		for i := 1; i < 20; i++ {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d}`, i, i))
		}
		a.send(`{"type":"msg","id":"0","payload":0}`) // a repeat while the first is on its way
		synctest.Wait()
		if late := w.join(carol, fmt.Sprintf(join, "c")); late.welcome.Seq != 0 {
			t.Errorf("carol begins at %d, want 0: nothing is kept yet", late.welcome.Seq)
		}
		e.set(func() { e.hold = nil })
		close(hold)
		for i := range 20 {
			if f := b.skipTo(wire.TypeMsg); f.Seq != int64(i+1) || string(f.Payload) != fmt.Sprint(i) {
				t.Errorf("bob got %s, want entry %d", f.text, i+1)
			}
			if f := a.skipTo(wire.TypeMsg); f.ID != fmt.Sprint(i) || f.Seq != int64(i+1) || !f.Ack {
				t.Errorf("alice got %s, want the acknowledgement of %d", f.text, i)
			}
		}
		if f := a.skipTo(wire.TypeMsg); f.ID != "0" || f.Seq != 1 || !f.Ack {
			t.Errorf("alice got %s, want the acknowledgement of the repeat", f.text)
		}
		if e.appends != 2 {
			t.Errorf("got %d appends, want 2", e.appends)
		}
	})
}

func TestRepeatsAndConflicts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		a.send(`{"type":"msg","id":"x","payload":1}`)
		first := a.skipTo(wire.TypeMsg)
		time.Sleep(time.Second)
		a.send(`{"type":"msg","id":"x","payload":1}`)
		if f := a.skipTo(wire.TypeMsg); f.text != first.text {
			t.Errorf("the repeat: got %s, want %s", f.text, first.text)
		}
		for _, line := range []string{
			`{"type":"msg","id":"x","payload":2}`, `{"type":"msg","id":"x","to":"P","payload":1}`,
			`{"type":"state","id":"x","patch":{"a":1}}`,
		} {
			a.send(line)
			if e := a.refused(); e.Code != wire.IDConflict || e.ID != "x" || e.Fatal {
				t.Errorf("%s: got %v, want id_conflict", line, e)
			}
		}
		// The same id of another peer is another message; a page of the same peer repeats it after a reload.
		b := w.join(bob, fmt.Sprintf(join, "b"))
		b.send(`{"type":"msg","id":"x","payload":1}`)
		if f := b.skipTo(wire.TypeMsg); f.Seq != 2 {
			t.Errorf("bob got %s, want seq 2", f.text)
		}
		a2 := w.join(alice, fmt.Sprintf(join, "reloaded"))
		a2.send(`{"type":"msg","id":"x","payload":1}`)
		if f := a2.skipTo(wire.TypeMsg); !f.Ack || f.Seq != 1 {
			t.Errorf("after the reload: got %s, want the first seq", f.text)
		}
		a.send(`{"type":"state","id":"y","patch":{"a":1}}`)
		a.skipTo(wire.TypeState)
		a.send(`{"type":"state","id":"y","patch":{"a":1}}`)
		if f := a.skipTo(wire.TypeState); !f.Ack || f.ID != "y" || f.Seq != 3 {
			t.Errorf("the repeated state: got %s", f.text)
		}
	})
}

// TestFailingLog: what could not be kept is refused, and the group goes on.
func TestFailingLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		for _, tt := range []struct {
			fail error
			code wire.Code
			says string
		}{
			{errors.New("secret: disk on fire"), wire.Internal, "the host could not do this"},
			{wire.E(wire.StorageFull, "the disk is full"), wire.StorageFull, "the disk is full"},
		} {
			e.set(func() { e.fail = tt.fail })
			a.send(`{"type":"msg","id":"x","payload":1}`)
			got := a.refused()
			if got.Code != tt.code || got.ID != "x" || got.Fatal || !strings.Contains(got.Message, tt.says) {
				t.Errorf("got %v, id %q, fatal %v; want %s: %s", got, got.ID, got.Fatal, tt.code, tt.says)
			}
		}
		e.set(func() { e.fail = nil })
		a.send(`{"type":"msg","id":"x","payload":1}`)
		if f := a.next(); !f.Ack || f.Seq != 1 {
			t.Errorf("got %s, want the acknowledgement", f.text)
		}
	})
}

// TestSlowReader has one member not read while the others exchange far more than the window holds. The
// others get everything, what the host holds stays bounded, and the slow one goes on from the log when
// it reads again, or from a whole state when the log has forgotten.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		entries int // that the log keeps
		resync  bool
	}{{"from the log", 100_000, false}, {"from a state", 50, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const n, size, window = 3000, 1000, 32 << 10
				w := open(t, relay.Options{
					Limits: relay.Limits{WindowBytes: window, Bytes: 1e9, ByteBurst: 1e9, LineBurst: 1e9},
					Wire:   wire.Limits{Rate: 1e9},
					Memory: relay.NewMemLog(relay.MemLimits{Entries: tt.entries, Bytes: 1 << 30}),
				})
				w.create(lobby)
				slow := w.join(carol, fmt.Sprintf(join, "c"))
				a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
				a.send(`{"type":"state","id":"s","patch":{"k":"v"}}`)
				a.skipTo(wire.TypeState)
				payload := strings.Repeat("x", size)
				for i := range n {
					a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, payload))
					if f := a.skipTo(wire.TypeMsg); f.Seq != int64(i+2) {
						t.Fatalf("alice got %s", f.text)
					}
					if f := b.skipTo(wire.TypeMsg); f.Seq != int64(i+2) {
						t.Fatalf("bob got %s", f.text)
					}
					if held := w.Stats()[0].Bytes; held > window+2*size {
						t.Fatalf("the host holds %d bytes after %d messages", held, i)
					}
				}
				pos, resyncs, rosters := int64(0), 0, 0
				for pos < n+1 {
					f := slow.next()
					switch {
					case f.Type == wire.TypeMembers:
						rosters++
						continue
					case f.Type == wire.TypeState && f.Payload != nil:
						snap, err := wire.ParseSnapshot(f.Payload)
						if err != nil || string(snap.State) != `{"k":"v"}` || snap.StateSeq != 1 || snap.Epoch != slow.welcome.Epoch {
							t.Errorf("got %s", f.text)
						}
						resyncs++
						if r := roster(t, slow.next()); r.Delta || len(r.Members) != 3 {
							t.Errorf("after the state: got %+v, want the whole roster", r)
						}
					case f.Seq != pos+1:
						t.Fatalf("gap after %d: %s", pos, f.text[:100])
					}
					pos = f.Seq
				}
				if (resyncs > 0) != tt.resync {
					t.Errorf("got %d whole states, want some: %v", resyncs, tt.resync)
				}
				a.send(`{"type":"msg","id":"end","payload":1}`)
				if f := slow.skipTo(wire.TypeMsg); f.Seq != n+2 {
					t.Errorf("got %s, want what comes next", f.text)
				}
			})
		})
	}
}

// TestUnreadableLog ends a session that has to catch up from a log which cannot be read; the others
// notice nothing.
func TestUnreadableLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e, Limits: relay.Limits{WindowBytes: 1}})
		w.create(`{"id":"lobby","type":"persistent"}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		for i := range 5 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
			a.skipTo(wire.TypeMsg)
		}
		since := `{"type":"join","group":"lobby","session":"%s","since":{"epoch":"` + string(a.welcome.Epoch) + `","seq":%d}}`
		for _, seq := range []int64{0, 3, 4, 5} {
			m := w.join(bob, fmt.Sprintf(since, "b", seq))
			if !m.welcome.Resumed || m.welcome.Seq != seq || m.welcome.State != nil {
				t.Errorf("since %d: %+v", seq, m.welcome)
			}
			for want := seq + 1; want <= 5; want++ {
				if f := m.skipTo(wire.TypeMsg); f.Seq != want {
					t.Errorf("since %d: got %s, want %d", seq, f.text, want)
				}
			}
		}
		for _, line := range []string{
			fmt.Sprintf(since, "c", 6), fmt.Sprintf(since, "c", -1),
			`{"type":"join","group":"lobby","session":"c","since":{"epoch":"other","seq":3}}`,
		} {
			if m := w.join(carol, line); m.welcome.Resumed || m.welcome.Seq != 5 || m.welcome.State == nil {
				t.Errorf("%s: got %+v, want a fresh start", line, m.welcome)
			}
		}
		// Between the join and the reading, the log breaks.
		e.set(func() { e.readErr = errors.New("broken") })
		m := w.join(bob, fmt.Sprintf(since, "d", 1))
		if m.welcome.Resumed {
			t.Errorf("resumed from a log that cannot be read")
		}
		a.send(`{"type":"msg","id":"on","payload":1}`)
		a.skipTo(wire.TypeMsg)
	})
}

func TestToAndVolatile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a, a2 := w.join(alice, fmt.Sprintf(join, "a")), w.join(alice, fmt.Sprintf(join, "a2"))
		b, c := w.join(bob, fmt.Sprintf(join, "b")), w.join(carol, fmt.Sprintf(join, "c"))
		time.Sleep(time.Second)
		a.send(`{"type":"msg","id":"1","to":"` + string(bob) + `","payload":"psst"}`)
		if f := a2.skipTo(wire.TypeMsg); f.ID != "1" || f.Ack || f.To != bob {
			t.Errorf("alice's other page got %s", f.text)
		}
		if f := b.skipTo(wire.TypeMsg); f.ID != "" || f.To != bob || f.Seq != 1 {
			t.Errorf("bob got %s", f.text)
		}
		start := time.Now()
		if f := c.skipTo(wire.TypeState); f.Seq != 1 || f.Payload != nil || f.From != "" {
			t.Errorf("carol got %s, want only the position", f.text)
		}
		if d := time.Since(start); d != 100*time.Millisecond {
			t.Errorf("carol was told after %v, want 100 ms", d)
		}
		// Many of them are one line, in front of what comes next.
		for i := range 10 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"t%d","to":"%s","payload":1}`, i, bob))
		}
		a.send(`{"type":"msg","payload":"all"}`)
		if f := c.next(); f.Type != wire.TypeState || f.Seq != 11 {
			t.Errorf("carol got %s, want the position 11", f.text)
		}
		if f := c.next(); f.Seq != 12 || string(f.Payload) != `"all"` {
			t.Errorf("carol got %s, want 12", f.text)
		}
		for range 11 {
			b.skipTo(wire.TypeMsg)
			a2.skipTo(wire.TypeMsg)
		}
		// Volatile ones have no number, and none goes back to the page that sent it.
		a.send(`{"type":"msg","volatile":true,"key":"k","payload":"to all"}`)
		a.send(`{"type":"msg","volatile":true,"key":"k2","to":"` + string(bob) + `","payload":"to bob"}`)
		for _, m := range []*member{a2, b} {
			for _, want := range []string{`"to all"`, `"to bob"`} {
				if f := m.next(); f.Seq != 0 || !f.Volatile || f.From != alice || string(f.Payload) != want {
					t.Errorf("%s got %s, want %s", m.peer, f.text, want)
				}
			}
		}
		if f := c.next(); string(f.Payload) != `"to all"` || f.Key != "k" {
			t.Errorf("carol got %s", f.text)
		}
		a.send(`{"type":"msg","id":"last","payload":1}`)
		if f := c.next(); f.Seq != 13 {
			t.Errorf("carol got %s, want 13", f.text)
		}
		for range 11 {
			a.skipTo(wire.TypeMsg) // acknowledgements, none for what had no id
		}
	})
}

// TestVolatileUnderPressure: of what waits for a slow member, the newest of each key is kept.
func TestVolatileUnderPressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{
			Limits: relay.Limits{LineBurst: 1e9, Bytes: 1e9, ByteBurst: 1e9}, Wire: wire.Limits{Rate: 1e9},
		})
		w.create(lobby)
		slow := w.join(bob, fmt.Sprintf(join, "b"))
		a := w.join(alice, fmt.Sprintf(join, "a"))
		synctest.Wait()
		big := strings.Repeat("x", 40<<10)
		for i := range 5 { // more than the pipe holds
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, big))
			a.skipTo(wire.TypeMsg)
		}
		synctest.Wait()
		for i := range 1000 {
			a.send(fmt.Sprintf(`{"type":"msg","volatile":true,"key":"k%d","payload":%d}`, i%2, i))
		}
		synctest.Wait()
		var volatile []string
		for seq := int64(0); seq < 5 || len(volatile) < 2; { // they may overtake what is in the order
			f := slow.skipTo(wire.TypeMsg)
			if f.Volatile {
				volatile = append(volatile, string(f.Payload))
			} else if seq++; f.Seq != seq {
				t.Fatalf("got seq %d, want %d", f.Seq, seq)
			}
		}
		if !slices.Equal(volatile, []string{"998", "999"}) {
			t.Errorf("got %v, want the newest of each key", volatile)
		}
	})
}

// TestFastSender is read more slowly, and nothing of what it sends is refused.
func TestFastSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{LineBurst: 50}, Wire: wire.Limits{Rate: 100}})
		w.create(lobby)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		start := time.Now()
		go func() {
			for i := range 250 {
				a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
			}
		}()
		for range 250 {
			if f := a.skipTo(wire.TypeMsg); !f.Ack {
				t.Fatalf("got %s", f.text)
			}
		}
		if d := time.Since(start).Round(100 * time.Millisecond); d != 2*time.Second {
			t.Errorf("250 messages took %v, want 2 s", d)
		}
	})
}

func (e *engine) Before(ctx context.Context, id wire.GroupID, before int64, limit int) ([]group.Entry, error) {
	e.mu.Lock()
	e.reads++
	e.mu.Unlock()
	return e.MemLog.Before(ctx, id, before, limit)
}
