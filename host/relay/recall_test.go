package relay_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"goop/host/relay"
	"goop/shared/wire"
)

// TestManyComeBackAfterARestart checks that the log is read for a group and not for each member that comes back, and
// that each gets what it lacks.
func TestManyComeBackAfterARestart(t *testing.T) {
	t.Parallel()
	const members, entries = 50, 150
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"lobby","type":"persistent"}`)
		a := w.join(alice, fmt.Sprintf(join, "s"))
		for i := range entries {
			a.send(fmt.Sprintf(`{"type":"msg","id":"m%d","payload":%d}`, i, i))
		}
		for acks := 0; acks < entries; {
			if f := a.next(); f.Type == wire.TypeMsg {
				acks++
			}
		}
		w.end()

		w = open(t, relay.Options{Durable: e, Registry: e})
		e.mu.Lock()
		e.reads = 0
		e.mu.Unlock()
		for i := range members {
			since := int64(i) // each has come to another place
			peer := wire.PeerID(fmt.Sprint("P", i))
			line := strings.TrimSuffix(fmt.Sprintf(join, "s"), "}") + fmt.Sprintf(`,"since":{"epoch":%q,"seq":%d}}`, a.welcome.Epoch, since)
			m := w.join(peer, line)
			if !m.welcome.Resumed || m.welcome.Seq != since {
				t.Fatalf("%s: welcome %+v", peer, m.welcome)
			}
			for want := since + 1; want <= entries; {
				f := m.next()
				if f.Type != wire.TypeMsg {
					continue
				}
				if f.Seq != want || string(f.Payload) != fmt.Sprint(want-1) {
					t.Fatalf("%s: got %s, want entry %d", peer, f.text, want)
				}
				want++
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if most := entries/64 + 1; e.reads > most {
			t.Errorf("%d reads for %d members, want at most %d", e.reads, members, most)
		}
	})
}

// TestRecalledIsErased checks that what is taken away after it was read again is sent to nobody.
func TestRecalledIsErased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		w.create(`{"id":"lobby","type":"persistent"}`)
		a := w.join(alice, fmt.Sprintf(join, "s"))
		a.send(`{"type":"msg","id":"m","payload":"secret"}`)
		for a.next().Type != wire.TypeMsg {
		}
		w.end()

		w = open(t, relay.Options{Durable: e, Registry: e})
		back := strings.TrimSuffix(fmt.Sprintf(join, "s"), "}") + fmt.Sprintf(`,"since":{"epoch":%q,"seq":0}}`, a.welcome.Epoch)
		first := w.join(bob, back)
		if f := first.next(); f.Type != wire.TypeMsg || string(f.Payload) != `"secret"` {
			t.Fatalf("got %s", f.text)
		}
		o := w.join(boss, fmt.Sprintf(join, "s"))
		o.send(`{"type":"msg","id":"r","redact":1}`)
		for o.next().Type != wire.TypeMsg { // until it is acknowledged
		}
		second := w.join(carol, back)
		for {
			f := second.next()
			if strings.Contains(f.text, "secret") {
				t.Fatalf("got %s", f.text)
			}
			if f.Seq == 2 {
				break
			}
		}
	})
}
