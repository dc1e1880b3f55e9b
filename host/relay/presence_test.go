package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// TestGhostKeepsItsPlace: in a full group, who lost its connection comes back into its own place, as long as
// it is kept, and takes no second one.
func TestGhostKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Wire: wire.Limits{Sessions: 1}})
		w.create(`{"id":"lobby","type":"open","maxMembers":2}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		b := w.join(bob, fmt.Sprintf(join, "b"))
		full := func(when string) {
			t.Helper()
			c := w.dial(carol)
			c.send(fmt.Sprintf(join, "c"))
			if e := c.refused(); e.Code != wire.Full {
				t.Errorf("%s: carol got %v, want full", when, e)
			}
			c.ends()
		}
		full("both are there")
		_ = b.stream.Reset()
		synctest.Wait()
		full("one is about to come back")
		b = w.join(bob, fmt.Sprintf(join, "b")) // its ghost is known to be gone
		for range 3 {
			b = w.join(bob, fmt.Sprintf(join, "b")) // its ghost is not
		}
		full("it is back")
		if s := w.Stats()[0]; s.Members != 2 || s.Sessions != 2 {
			t.Errorf("got %+v, want 2 members with 2 sessions", s)
		}
		if w.List(group.Caller{Peer: boss, Owner: true})[0].Members != 2 {
			t.Errorf("the list says %d members", w.List(group.Caller{Peer: boss, Owner: true})[0].Members)
		}
		if b.welcome.Count != 2 || len(b.welcome.Members) != 2 || b.welcome.Members[1].Sessions != 1 {
			t.Errorf("bob was welcomed to %+v", b.welcome.Members)
		}
		// A new page of the same peer has a place in the group, but none as a session.
		m := w.dial(bob)
		m.send(fmt.Sprintf(join, "other"))
		if e := m.refused(); e.Code != wire.LimitExceeded {
			t.Errorf("got %v, want limit_exceeded", e)
		}
		m.ends()
		b.send(`{"type":"leave"}`)
		b.readsOut()
		w.join(carol, fmt.Sprintf(join, "c"))
		_ = a
	})
}

// TestJoiningTwice on one stream changes only what a member says about itself.
func TestJoiningTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a := fold(w.join(alice, fmt.Sprintf(join, "a")))
		b := w.join(bob, fmt.Sprintf(join, "b"))
		for range 5 {
			b.send(fmt.Sprintf(join, "b"))
		}
		b.send(`{"type":"join","group":"lobby","session":"another","meta":{"label":"Bob"}}`)
		time.Sleep(time.Second)
		a.drain()
		if p := a.peers[bob]; p.Sessions != 1 || p.Label != "Bob" || len(a.peers) != 2 {
			t.Errorf("got %+v", a.peers)
		}
		if s := w.Stats()[0]; s.Members != 2 || s.Sessions != 2 {
			t.Errorf("got %+v, want 2 members with 2 sessions", s)
		}
	})
}

// TestReturnWhileSending: what a ghost had sent is in the log once, and acknowledged to who takes its place.
func TestReturnWhileSending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		b := w.join(bob, fmt.Sprintf(join, "b"))
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		b.send(`{"type":"msg","id":"1","payload":1}`)
		synctest.Wait()
		again := w.join(bob, fmt.Sprintf(`{"type":"join","group":"lobby","session":"b","since":{"epoch":"%s","seq":0}}`, b.welcome.Epoch))
		again.send(`{"type":"msg","id":"1","payload":1}`)
		again.send(`{"type":"msg","id":"2","payload":2}`)
		synctest.Wait()
		e.set(func() { e.hold = nil })
		close(hold)
		var acks []string
		for len(acks) < 3 { // that in the order, that of the repeat, and the second one's
			if f := again.skipTo(wire.TypeMsg); f.Ack {
				acks = append(acks, fmt.Sprint(f.ID, f.Seq))
			}
		}
		if got := fmt.Sprint(acks); got != "[11 11 22]" && got != "[11 22 11]" {
			t.Errorf("got the acknowledgements %v", acks)
		}
		if s := w.Stats()[0]; s.Seq != 2 {
			t.Errorf("the log is at %d, want 2", s.Seq)
		}
	})
}
