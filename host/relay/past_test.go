package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// A group that dissolved because all had left kept an empty roster, so that nobody but authors and the
// owner could read what it had recorded. Those who were in it are remembered now.
func TestDissolvedGroupRemembersItsMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"lobby","type":"persistent","dissolve":{"empty":60000}}`)
		for _, peer := range []wire.PeerID{alice, bob} {
			m := w.join(peer, fmt.Sprintf(`{"type":"join","group":"lobby","session":"s","meta":{"label":%q}}`, "is "+peer))
			m.send(`{"type":"leave"}`)
			m.readsOut()
		}
		c := w.join(carol, fmt.Sprintf(join, "c"))
		_ = c.stream.Reset()
		time.Sleep(2 * time.Minute)
		if n := len(w.List(owner)); n != 0 {
			t.Fatalf("got %d groups, want none", n)
		}
		for _, peer := range []wire.PeerID{alice, bob, carol} {
			if role, in := w.Role(peer, "lobby"); !in || role != wire.RoleMember {
				t.Errorf("%s is %q, %v in the closed group", peer, role, in)
			}
		}
		if _, in := w.Role("stranger", "lobby"); in {
			t.Error("a stranger belongs to the closed group")
		}
		if got := e.rosters["lobby"]; len(got) != 3 || got[0].Peer != alice || got[0].Label != "is "+string(alice) || got[0].Joined == 0 {
			t.Errorf("got roster %+v", got)
		}
	})
}

// TestPastPeersAreBounded keeps those who left last, and each of them once.
func TestPastPeersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"lobby","type":"persistent"}`)
		visit := func(peer wire.PeerID) {
			m := w.join(peer, fmt.Sprintf(join, "s"))
			m.send(`{"type":"leave"}`)
			m.readsOut()
		}
		for i := range relay.PastPeers + 2 {
			visit(wire.PeerID(fmt.Sprint("P", i)))
			if i == 5 {
				visit("P0")
			}
		}
		here := w.join("P1", fmt.Sprintf(join, "s"))
		if err := w.Close(t.Context(), owner, "lobby"); err != nil {
			t.Fatal(err)
		}
		here.readsOut()
		roster := e.rosters["lobby"]
		if len(roster) != relay.PastPeers+1 || roster[0].Peer != "P1" {
			t.Errorf("got %d peers, the first %s; want %d, P1", len(roster), roster[0].Peer, relay.PastPeers+1)
		}
		for peer, want := range map[wire.PeerID]bool{"P0": true, "P1": true, "P2": false, "P3": true, "P5": true} {
			if _, in := w.Role(peer, "lobby"); in != want {
				t.Errorf("%s is in the last roster: %v, want %v", peer, in, want)
			}
		}
	})
}

// TestLastRoster has those who were given a role, whether they came or not, and nobody who was sent away.
func TestLastRoster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"lobby","type":"persistent"}`)
		for _, peer := range []wire.PeerID{alice, bob, carol, "banned later", "left"} {
			w.join(peer, fmt.Sprintf(join, "s")).send(`{"type":"leave"}`)
		}
		w.join("kicked", fmt.Sprintf(join, "s"))
		time.Sleep(time.Minute)
		for _, err := range []error{
			w.SetRole(t.Context(), owner, "lobby", alice, wire.RoleModerator), // after it has left
			w.SetRole(t.Context(), owner, "lobby", bob, wire.RoleViewer),
			w.Admit(t.Context(), owner, "lobby", "never came", wire.RoleModerator),
			w.Kick(t.Context(), owner, "lobby", "kicked", ""),
			w.Ban(t.Context(), owner, "lobby", "banned later", ""), w.Ban(t.Context(), owner, "lobby", "banned unseen", ""),
			w.Close(t.Context(), owner, "lobby"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for peer, want := range map[wire.PeerID]wire.Role{
			alice: wire.RoleModerator, bob: wire.RoleViewer, carol: wire.RoleMember, "left": wire.RoleMember, "never came": wire.RoleModerator,
			"kicked": "", "banned later": "", "banned unseen": "", "stranger": "",
		} {
			if role, in := w.Role(peer, "lobby"); role != want || in != (want != "") {
				t.Errorf("%s is %q, %v in the closed group, want %q", peer, role, in, want)
			}
		}
		if n := len(e.rosters["lobby"]); n != 5 {
			t.Errorf("got %d peers, want 5: %+v", n, e.rosters["lobby"])
		}
	})
}
