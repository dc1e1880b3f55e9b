package relay_test

import (
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

// TestRightsThatChange are told to whom they concern, with a members line, at the pace of those; and who may
// not see the others any more is told no names.
func TestRightsThatChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var former atomic.Bool
		w := open(t, relay.Options{IsOwner: func(p wire.PeerID) bool { return p == boss && !former.Load() }})
		w.create(lobby)
		a, plain := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, `{"type":"join","group":"lobby"}`)
		o := w.join(boss, fmt.Sprintf(join, "o"))
		time.Sleep(time.Second)
		change := func(rights string) {
			t.Helper()
			if _, err := w.Update(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby", []byte(`{"rights":`+rights+`}`)); err != nil {
				t.Fatal(err)
			}
		}
		told := func(m *member) wire.Roster {
			t.Helper()
			for {
				if r := roster(t, m.next()); r.You != nil {
					return r
				}
			}
		}
		change(`{"send":["moderator"]}`)
		for _, m := range []*member{a, plain} {
			r := told(m)
			if you := r.You; you.Peer != m.peer || you.Role != wire.RoleMember || slices.Contains(you.Rights, "send") || !slices.Contains(you.Rights, "state") {
				t.Errorf("%s was told %+v", m.peer, you)
			}
			if r.Count != 3 || r.Delta != (m == a) || !r.Delta && len(r.Members) != 3 {
				t.Errorf("%s was told of %+v", m.peer, r)
			}
		}
		// What comes and goes quickly is one line.
		time.Sleep(time.Second)
		start := time.Now()
		for range 50 {
			change(`{}`)
			change(`{"send":["moderator"]}`)
		}
		change(`{"seeMembers":["owner"]}`)
		lines := 0
		for names := true; names; lines++ {
			r := told(a)
			names = r.Delta || len(r.Members) > 0
		}
		if d := time.Since(start); d > 200*time.Millisecond || lines > 3 {
			t.Errorf("101 changes were %d lines in %v", lines, d)
		}
		change(`{}`)
		f := a.next()
		for ; !containsPeer(roster(t, f).Members, bob); f = a.next() {
		}
		if len(roster(t, f).Members) != 3 {
			t.Errorf("who may see the others again got %s", f.text)
		}
		// The owner's own rights do not come from the group.
		former.Store(true)
		w.OwnersChanged()
		if r := told(o); r.You.Role == wire.RoleOwner {
			t.Errorf("who is no owner any more was told %+v", r.You)
		}
	})
}
