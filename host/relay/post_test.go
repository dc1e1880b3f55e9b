package relay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// deed is something that is done together with a message.
type deed struct {
	fail  error
	times int
	first group.Result
}

func (*deed) Companion() {}

// joining is an engine that does deeds, each once.
type joining struct{ *engine }

func (j joining) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	results := make([]group.Result, len(drafts))
	for i, draft := range drafts {
		d, _ := draft.With.(*deed)
		switch {
		case d != nil && d.times > 0:
			results[i] = d.first
			results[i].Dup = true
			continue
		case d != nil && d.fail != nil:
			results[i].Err = d.fail
			continue
		}
		draft.With = nil
		one, err := j.engine.Append(ctx, id, []group.Draft{draft})
		if err != nil {
			return nil, err
		}
		if results[i] = one[0]; d != nil && one[0].Err == nil {
			d.times, d.first = 1, one[0]
		}
	}
	return results, nil
}

// postOffice is a world with the durable group lobby, whose engine does deeds.
func postOffice(t *testing.T) (*world, joining) {
	t.Helper()
	e := joining{newEngine()}
	w := open(t, relay.Options{Durable: e, Registry: e})
	w.create(`{"id":"lobby","type":"persistent"}`)
	return w, e
}

func (w *world) post(c group.Caller, id wire.GroupID, payload string, with group.Companion) (group.Result, error) {
	return w.Send(w.t.Context(), c, id, group.Draft{Payload: []byte(payload), With: with})
}

// TestSendOutsideOfASession: the message reaches all sessions in its place, those of the sender too, and the
// sender need not be in the group.
func TestSendOutsideOfASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := postOffice(t)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		a.send(`{"type":"msg","id":"1","payload":1}`)
		synctest.Wait()
		for i, c := range []group.Caller{{Peer: alice}, {Peer: carol}, {Peer: boss, Owner: true}} {
			d := &deed{}
			res, err := w.post(c, "lobby", fmt.Sprint(i+2), d)
			if err != nil || res.Seq != int64(i+2) || res.Time != time.Now().UnixMilli() || d.times != 1 {
				t.Errorf("%s: got %+v, %v, done %d times", c.Peer, res, err, d.times)
			}
			// Once more: it is answered as the first time, and nobody sees it again.
			if again, err := w.post(c, "lobby", fmt.Sprint(i+2), d); err != nil || !again.Dup || again.Seq != res.Seq {
				t.Errorf("%s: a repeat got %+v, %v", c.Peer, again, err)
			}
		}
		a.send(`{"type":"msg","id":"5","payload":5}`)
		from := []wire.PeerID{alice, alice, carol, boss, alice}
		for _, m := range []*member{a, b} {
			for i, peer := range from {
				f := m.skipTo(wire.TypeMsg)
				own := m == a && (i == 0 || i == 4)
				if f.Seq != int64(i+1) || f.Ack != own || !own && (f.From != peer || string(f.Payload) != fmt.Sprint(i+1)) {
					t.Errorf("%s got %s as entry %d", m.peer, f.text, i+1)
				}
			}
		}
	})
}

// TestSendIsRefused to whom a session's message would be, and where there is no log on the disk. What should
// be done with it is not done.
func TestSendIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := postOffice(t)
		owner := group.Caller{Peer: boss, Owner: true}
		w.create(`{"id":"club","type":"invite-only"}`)
		w.create(`{"id":"flock","type":"open"}`)
		w.create(`{"id":"stage","type":"persistent","rights":{"send":["moderator"]}}`)
		if err := w.Ban(t.Context(), owner, "lobby", bob, ""); err != nil {
			t.Fatal(err)
		}
		nested := strings.Repeat("[", wire.MaxNesting+1) + strings.Repeat("]", wire.MaxNesting+1)
		for _, tt := range []struct {
			name    string
			peer    wire.PeerID
			group   wire.GroupID
			payload string
			want    wire.Code
		}{
			{"no such group", alice, "nowhere", "1", wire.NoSuchGroup},
			{"a group of others", alice, "club", "1", wire.NoSuchGroup},
			{"a banned peer", bob, "lobby", "1", wire.Banned},
			{"no right", alice, "stage", "1", wire.Forbidden},
			{"in memory", alice, "flock", "1", wire.NotSupported},
			{"too large", alice, "lobby", `"` + strings.Repeat("x", 64<<10) + `"`, wire.TooLarge},
			{"too deep", alice, "lobby", nested, wire.TooLarge},
		} {
			d := &deed{}
			if _, err := w.post(group.Caller{Peer: tt.peer}, tt.group, tt.payload, d); !errors.Is(err, tt.want) || d.times != 0 {
				t.Errorf("%s: got %v, done %d times, want %s", tt.name, err, d.times, tt.want)
			}
		}
		// What goes with it is refused: then there is no message.
		d := &deed{fail: wire.E(wire.InvalidValue, "operation 0: no")}
		if _, err := w.post(group.Caller{Peer: alice}, "lobby", "1", d); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("got %v", err)
		}
		e.set(func() { e.fail = wire.E(wire.StorageFull, "full") })
		if _, err := w.post(group.Caller{Peer: alice}, "lobby", "1", &deed{}); !errors.Is(err, wire.StorageFull) {
			t.Errorf("on a full disk: got %v", err)
		}
		e.set(func() { e.fail = nil })
		if res, err := w.post(group.Caller{Peer: alice}, "lobby", "1", &deed{}); err != nil || res.Seq != 1 {
			t.Errorf("got %+v, %v, want the first entry", res, err)
		}
		// Who is sent away while his message waits is told so; what is being appended is told of.
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		var sent sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			sent.Go(func() { _, errs[i] = w.post(group.Caller{Peer: alice}, "lobby", "2", &deed{}) })
			synctest.Wait()
		}
		sent.Go(func() {
			if err := w.Ban(t.Context(), owner, "lobby", alice, ""); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		e.set(func() { e.hold = nil })
		close(hold)
		sent.Wait()
		if errs[0] != nil || !errors.Is(errs[1], wire.Forbidden) {
			t.Errorf("got %v", errs)
		}
	})
}

// TestSendWaits: for room in the queue, at the pace of the sender, and while the group is changed; it is
// given up with its caller, and over when the group or the host is.
func TestSendWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := joining{newEngine()}
		w := open(t, relay.Options{Durable: e, Registry: e, Limits: relay.Limits{QueueBytes: 1000}})
		w.create(`{"id":"lobby","type":"persistent"}`)
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		var sent sync.WaitGroup
		const n = 20
		for i := range n {
			sent.Go(func() {
				if _, err := w.post(group.Caller{Peer: alice}, "lobby", fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", 300)), &deed{}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() {
			_, err := w.Send(ctx, group.Caller{Peer: bob}, "lobby", group.Draft{Payload: []byte(`"` + strings.Repeat("y", 300) + `"`), With: &deed{}})
			gaveUp <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		sent.Go(func() { // a change of the group waits for its queue, and those behind for the change
			if _, err := w.Update(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby", []byte(`{"name":"Lobby"}`)); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		e.set(func() { e.hold = nil })
		close(hold)
		sent.Wait()
		if entries, err := w.History(t.Context(), group.Caller{Peer: alice}, "lobby", 0, 100, false); err != nil || len(entries) != n {
			t.Errorf("got %d entries, %v, want %d", len(entries), err, n)
		}
		begin := time.Now()
		for range 600 { // 500 at once, and then 200 a second
			if _, err := w.post(group.Caller{Peer: carol}, "lobby", "1", &deed{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin).Round(time.Millisecond); took != 500*time.Millisecond {
			t.Errorf("600 messages took %v", took)
		}
		if err := w.Close(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.post(group.Caller{Peer: alice}, "lobby", "1", &deed{}); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("a closed group: got %v", err)
		}
		w.create(`{"id":"next","type":"persistent"}`)
		w.end()
		if _, err := w.post(group.Caller{Peer: alice}, "next", "1", &deed{}); !errors.Is(err, wire.Closed) {
			t.Errorf("a host that is down: got %v", err)
		}
	})
}

// An engine without transactions for others does nothing by halves.
func TestMemLogTakesNoCompanions(t *testing.T) {
	t.Parallel()
	log := relay.NewMemLog(relay.MemLimits{})
	if _, err := log.Open(t.Context(), group.Config{ID: "g"}); err != nil {
		t.Fatal(err)
	}
	results, err := log.Append(t.Context(), "g", []group.Draft{
		{From: alice, Kind: wire.TypeMsg, Payload: []byte("1"), With: &deed{}}, {From: alice, Kind: wire.TypeMsg, Payload: []byte("2")},
	})
	if err != nil || !errors.Is(results[0].Err, wire.NotSupported) || results[1].Seq != 1 {
		t.Errorf("got %+v, %v", results, err)
	}
}
