package relay_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// slowPulse is 25 sessions' half of a Coalesce of 200 ms.
const slowPulse = 100 * time.Millisecond

// writes counts the writes to one session.
type writes struct {
	link.Stream
	n atomic.Int64
}

func (w *writes) Write(p []byte) (int, error) {
	w.n.Add(1)
	return w.Stream.Write(p)
}

// hall opens a world with a lobby of 25 sessions, of which it returns three and what counts the writes to the second, a
// while after the last join.
func hall(t *testing.T, coalesce time.Duration) (w *world, a, b, c *member, toB *writes) {
	return hallOf(t, relay.Options{Limits: relay.Limits{Coalesce: coalesce}}, lobby)
}

// hallOf is hall with a lobby of another kind.
func hallOf(t *testing.T, o relay.Options, lobby string) (w *world, a, b, c *member, toB *writes) {
	w = open(t, o)
	w.create(lobby)
	a, c = w.join(alice, fmt.Sprintf(join, "a")), w.join(carol, fmt.Sprintf(join, "c"))
	near, far := link.Pipe(0)
	toB = &writes{Stream: far}
	b = w.dialOver(bob, near, toB)
	b.join(fmt.Sprintf(join, "b"))
	for i := range 22 {
		w.join(wire.PeerID(fmt.Sprint("12D3KooWOther", i)), fmt.Sprintf(join, "o"))
	}
	time.Sleep(time.Second)
	for _, m := range []*member{a, b, c} {
		m.send(fmt.Sprintf(`{"type":"msg","id":"%s","payload":"here"}`, m.peer))
		for !m.skipTo(wire.TypeMsg).Ack {
		}
		time.Sleep(time.Second)
	}
	for range 2 { // those of b and c
		a.skipTo(wire.TypeMsg)
	}
	b.skipTo(wire.TypeMsg)
	return w, a, b, c, toB
}

// TestLoneMessageIsNotKept sends messages that are as far apart as wakes have to be: nobody waits for one, not its
// sender either.
func TestLoneMessageIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _, _ := hall(t, 2*slowPulse)
		for i := range 5 {
			for _, m := range []*member{a, b} {
				start := time.Now()
				m.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d}`, i, i))
				a.skipTo(wire.TypeMsg)
				b.skipTo(wire.TypeMsg)
				if d := time.Since(start); d != 0 {
					t.Errorf("message %d waited for %v", i, d)
				}
				time.Sleep(slowPulse)
			}
			start := time.Now()
			a.send(`{"type":"msg","volatile":true,"payload":1}`)
			if f := b.skipTo(wire.TypeMsg); !f.Volatile || time.Since(start) != 0 {
				t.Errorf("got %s after %v, want the volatile message at once", f.text, time.Since(start))
			}
			time.Sleep(slowPulse)
		}
	})
}

// TestLoneMessageIsNotKeptByNews sends a message right after what woke everybody and was no message: news of the roster,
// and a message that the log has already.
func TestLoneMessageIsNotKeptByNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _, _ := hall(t, 2*slowPulse)
		for i, news := range []func(){
			func() {
				w.join("12D3KooWNewcomer", fmt.Sprintf(join, "n"))
				if f := b.skipTo(wire.TypeMembers); f.Type != wire.TypeMembers {
					t.Fatalf("got %s, want news of who has come", f.text)
				}
			},
			func() {
				a.send(fmt.Sprintf(`{"type":"msg","id":"%s","payload":"here"}`, a.peer))
				if f := a.skipTo(wire.TypeMsg); !f.Ack {
					t.Fatalf("got %s, want the acknowledgement again", f.text)
				}
			},
		} {
			news()
			start := time.Now()
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d}`, i, i))
			b.skipTo(wire.TypeMsg)
			if d := time.Since(start); d != 0 {
				t.Errorf("message %d waited for %v", i, d)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestFlowIsCoalesced sends a message every few milliseconds, ordered ones and volatile ones: none waits for longer than
// the bound, and what comes in one such time is one write.
func TestFlowIsCoalesced(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`{"type":"msg","id":"%d","payload":%d}`, `{"type":"msg","key":"%d","volatile":true,"payload":%d}`} {
		synctest.Test(t, func(t *testing.T) {
			_, a, b, _, toB := hall(t, 2*slowPulse)
			const n, gap = 200, 7 * time.Millisecond
			var sentAt [n]time.Time
			toB.n.Store(0)
			go func() {
				for i := range n {
					sentAt[i] = time.Now()
					a.send(fmt.Sprintf(line, i, i))
					time.Sleep(gap)
				}
			}()
			for i := range n {
				f := b.skipTo(wire.TypeMsg)
				if string(f.Payload) != fmt.Sprint(i) {
					t.Fatalf("got %s, want message %d", f.text, i)
				}
				if d := time.Since(sentAt[i]); d > slowPulse {
					t.Errorf("message %d waited for %v", i, d)
				}
			}
			if got, most := toB.n.Load(), int64(n*gap/slowPulse+2); got > most {
				t.Errorf("%d messages were written in %d calls, want at most %d", n, got, most)
			}
		})
	}
}

// TestAppendsOfADurableGroupAreShared sends a message every few milliseconds to a durable group: those that will be told
// together are appended together, and none comes later for that. What fills a sender's room, who leaves, and who comes
// alone wait for nothing.
func TestAppendsOfADurableGroupAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		limits := relay.Limits{Coalesce: 2 * slowPulse, InFlight: 20}
		w, a, b, _, _ := hallOf(t, relay.Options{Durable: e, Registry: e, Limits: limits}, `{"id":"lobby","name":"Lobby","type":"open","durable":true}`)
		appends := func() int {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.appends
		}
		send := func(i int) { a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d}`, i, i)) }
		const n, gap = 200, 7 * time.Millisecond
		before := appends()
		go func() {
			for i := range n {
				send(i)
				time.Sleep(gap)
			}
		}()
		start := time.Now()
		for i := range n {
			if f := b.skipTo(wire.TypeMsg); string(f.Payload) != fmt.Sprint(i) || time.Since(start)-time.Duration(i)*gap > slowPulse {
				t.Fatalf("got %s after %v, want message %d", f.text, time.Since(start), i)
			}
		}
		if got, most := appends()-before, int(n*gap/slowPulse+2); got > most {
			t.Errorf("%d messages were appended in %d calls, want at most %d", n, got, most)
		}
		time.Sleep(time.Second)
		start = time.Now()
		had := w.Counters().Appended
		appended := func(want int64, why string) {
			t.Helper()
			synctest.Wait()
			if got := w.Counters().Appended - had; got != want || time.Since(start) != 0 {
				t.Errorf("%s: %d are appended after %v, want %d at once", why, got, time.Since(start), want)
			}
		}
		send(n)
		appended(1, "alone")
		for i := range 20 {
			send(n + 1 + i)
		}
		appended(1, "right behind it")
		send(n + 21)
		send(n + 22)
		appended(23, "more than a sender may have on its way")
		time.Sleep(time.Second)
		start = time.Now()
		send(n + 23)
		synctest.Wait()
		send(n + 24)
		appended(24, "one more")
		b.send(`{"type":"msg","volatile":true,"payload":"v"}`)
		appended(25, "before a wake for something else")
		time.Sleep(time.Second)
		start = time.Now()
		send(n + 25)
		synctest.Wait()
		send(n + 26)
		appended(26, "one more")
		b.send(`{"type":"state","id":"s","patch":{}}`)
		appended(28, "before a patch, which may be refused")
		time.Sleep(time.Second)
		start = time.Now()
		send(n + 27)
		synctest.Wait()
		send(n + 28)
		appended(29, "one more")
		a.send(`{"type":"leave"}`)
		appended(30, "its sender leaves")
	})
}

// TestManyBytesAreNotKept sends more than is worth waiting for.
func TestManyBytesAreNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _, _ := hall(t, 2*slowPulse)
		start := time.Now()
		for i := range 3 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%060000d"}`, i, i))
			if i == 0 {
				synctest.Wait() // all are woken for this one alone
			}
		}
		for range 3 {
			b.skipTo(wire.TypeMsg)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("they waited for %v", d)
		}
	})
}

// TestEndIsNotKept ends sessions right after a message that waits: the message, its acknowledgement, and the last words
// come at once.
func TestEndIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, a, b, c, _ := hall(t, 2*slowPulse)
		start := time.Now()
		for i := range 3 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
		}
		a.skipTo(wire.TypeMsg) // the first; the others wait
		synctest.Wait()
		if err := w.Kick(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby", bob, ""); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.skipTo(wire.TypeMsg)
		}
		if reason := b.goodbye(); reason != wire.ReasonKicked {
			t.Errorf("got %q", reason)
		}
		a.send(`{"type":"leave"}`)
		for i := range 2 {
			if f := a.skipTo(wire.TypeMsg); !f.Ack || f.ID != fmt.Sprint(i+1) {
				t.Errorf("got %s, want the acknowledgement of %d", f.text, i+1)
			}
		}
		a.readsOut()
		c.send(`{"type":"msg","id":"no"}`)
		if e := c.skipTo(wire.TypeError); e.Type != wire.TypeError || time.Since(start) != 0 {
			t.Errorf("got %s after %v, want a refusal at once", e.text, time.Since(start))
		}
	})
}

// TestCoalesceOff has each message written at once.
func TestCoalesceOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _, _ := hall(t, -1)
		start := time.Now()
		for i := range 20 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
			b.skipTo(wire.TypeMsg)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("they waited for %v", d)
		}
	})
}

// TestSpacing compares the time between two writes in groups of every size.
func TestSpacing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sessions int
		want     time.Duration
	}{
		{1, 200 * time.Microsecond}, {25, 5 * time.Millisecond}, {50, 10 * time.Millisecond}, {100, 10 * time.Millisecond},
		{250, 25 * time.Millisecond}, {1000, 100 * time.Millisecond}, {2000, 100 * time.Millisecond},
	} {
		if got := relay.Spacing(10*time.Millisecond, tt.sessions); got != tt.want {
			t.Errorf("%d sessions: %v, want %v", tt.sessions, got, tt.want)
		}
	}
	if got := relay.Spacing(-1, 300); got != 0 {
		t.Errorf("without: %v", got)
	}
}
