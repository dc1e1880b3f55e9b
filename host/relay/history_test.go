package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

func TestGroupStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		w.pipe = 4000
		a := w.join(alice, fmt.Sprintf(join, "a"))
		w.pipe = 0
		b := w.join(bob, fmt.Sprintf(join, "b"))
		for i := range 100 {
			b.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%02000d"}`, i, i))
			b.skipTo(wire.TypeMsg)
		}
		synctest.Wait()
		stats, err := w.GroupStats(visitor, "lobby")
		if err != nil || stats.Epoch != a.welcome.Epoch || stats.Seq != 100 || stats.Members != 2 || stats.Sessions != 2 || stats.Own != 1 || stats.Lag == 0 || stats.Waiting == 0 {
			t.Errorf("alice, who does not read, has %+v, %v", stats, err)
		}
		stats, err = w.GroupStats(group.Caller{Peer: bob}, "lobby")
		if err != nil || stats.Own != 1 || stats.Lag != 0 || stats.Waiting != 0 {
			t.Errorf("bob has %+v, %v", stats, err)
		}
		if stats, err = w.GroupStats(group.Caller{Owner: true}, "lobby"); err != nil || stats.Own != 0 {
			t.Errorf("the operator has %+v, %v", stats, err)
		}
	})
}
