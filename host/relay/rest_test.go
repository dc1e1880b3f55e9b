package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// TestWritersRest has three members be silent, and speak again around the moment at which their writing goroutines end:
// none is left where nothing is said, and nothing is lost that comes just then.
func TestWritersRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a, b, c := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b")), w.join(carol, fmt.Sprintf(join, "c"))
		rested := func() {
			t.Helper()
			time.Sleep(3 * relay.Linger)
			synctest.Wait()
			if n := w.Writers("lobby"); n != 0 {
				t.Errorf("%d writers run in a silent group", n)
			}
		}
		said := 0
		say := func() {
			t.Helper()
			said++
			a.send(fmt.Sprintf(`{"type":"msg","id":"m%d","payload":%d}`, said, said))
			for _, m := range []*member{a, b, c} {
				if f := m.skipTo(wire.TypeMsg); string(f.Payload) != fmt.Sprint(said) && !f.Ack {
					t.Fatalf("%s: got %s, want message %d", m.peer, f.text, said)
				}
			}
		}
		rested()
		say()
		if n := w.Writers("lobby"); n != 3 {
			t.Errorf("%d writers run just after a message, want all three to stay for more", n)
		}
		rested()
		for i := range 60 {
			say()
			time.Sleep(relay.Linger + time.Duration(i-30)*time.Millisecond)
		}
		rested()
		a.send(`{"type":"msg"}`) // what only one is told
		a.skipTo(wire.TypeError)
		rested()
		w.end() // those that rest are told, too
		b.skipTo(wire.TypeClose)
	})
}
