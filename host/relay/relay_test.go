package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

const lobby = `{"id":"lobby","name":"Lobby","type":"open"}`

func TestMessageReachesEveryoneOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a := w.join(alice, `{"type":"join","group":"lobby","session":"s1","caps":["delta"]}`)
		if a.welcome.Count != 1 || len(a.welcome.Members) != 1 || a.welcome.You.Role != wire.RoleMember ||
			a.welcome.You.Session != "s1" || a.welcome.Resumed || string(a.welcome.State) != "{}" || a.welcome.Epoch == "" {
			t.Errorf("welcome: %+v", a.welcome)
		}
		b := w.join(bob, `{"type":"join","group":"lobby","session":"s2","caps":["delta"],"meta":{"label":"Bob"}}`)
		if b.welcome.Count != 2 {
			t.Errorf("welcome: got %d members, want 2", b.welcome.Count)
		}
		b.send(`{"type":"msg","id":"x1","payload":{"move":"e2e4"}}`)
		r := roster(t, a.skipTo(wire.TypeMembers))
		for !containsPeer(r.Joined, bob) {
			r = roster(t, a.next())
		}
		f := a.next()
		if f.Type != wire.TypeMsg || f.Seq != 1 || f.From != bob || string(f.Payload) != `{"move":"e2e4"}` || f.ID != "" {
			t.Errorf("alice got %s", f.text)
		}
		ack := b.skipTo(wire.TypeMsg)
		if !ack.Ack || ack.ID != "x1" || ack.Seq != 1 || ack.From != "" || ack.Payload != nil || ack.Time != f.Time {
			t.Errorf("bob got %s, want the acknowledgement", ack.text)
		}
		b.send(`{"type":"leave"}`)
		b.ends()
		r = roster(t, a.skipTo(wire.TypeMembers))
		for len(r.Left) == 0 {
			r = roster(t, a.next())
		}
		if r.Count != 1 || r.Left[0] != (wire.Departure{Peer: bob, Reason: wire.ReasonLeft}) {
			t.Errorf("alice got roster %+v", r)
		}
		start := time.Now()
		go w.end()
		if reason := a.goodbye(); reason != wire.ReasonShutdown {
			t.Errorf("got reason %q, want shutdown", reason)
		}
		synctest.Wait()
		if d := time.Since(start); d > time.Second {
			t.Errorf("the end took %v", d)
		}
	})
}

func containsPeer(ms []wire.Member, peer wire.PeerID) bool {
	for _, m := range ms {
		if m.Peer == peer {
			return true
		}
	}
	return false
}
