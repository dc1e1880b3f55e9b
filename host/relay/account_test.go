package relay_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// TestRateIsOfThePeer: over all its pages and groups. Order and content are kept.
func TestRateIsOfThePeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{LineBurst: 50}, Wire: wire.Limits{Rate: 100}})
		w.create(lobby)
		w.create(`{"id":"hall","type":"open"}`)
		pages := []*member{w.join(alice, fmt.Sprintf(join, "1")), w.join(alice, `{"type":"join","group":"hall","session":"2"}`)}
		other := w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Minute)
		start := time.Now()
		for _, m := range pages {
			go func() {
				for i := range 125 {
					m.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
				}
			}()
		}
		for i := range 125 {
			for _, m := range pages {
				if f := m.skipTo(wire.TypeMsg); !f.Ack || f.ID != fmt.Sprint(i) || f.Seq != int64(i+1) {
					t.Fatalf("got %s", f.text)
				}
			}
		}
		if d := time.Since(start).Round(100 * time.Millisecond); d != 2*time.Second {
			t.Errorf("250 messages of two pages took %v, want 2 s", d)
		}
		start = time.Now()
		other.send(`{"type":"msg","id":"x","payload":1}`)
		for f := other.next(); f.ID != "x"; f = other.next() {
		}
		if d := time.Since(start); d > time.Millisecond { // what Coalesce may be for so few
			t.Errorf("another peer waited for %v", d)
		}
		// A stream of its own does not make a peer faster, nor does coming back.
		for i := range 60 {
			pages[0].send(fmt.Sprintf(`{"type":"msg","id":"again%d","payload":1}`, i))
		}
		for range 60 {
			pages[0].skipTo(wire.TypeMsg)
		}
		start = time.Now()
		m := w.join(alice, fmt.Sprintf(join, "3"))
		for i := range 51 {
			m.send(fmt.Sprintf(`{"type":"msg","id":"new%d","payload":1}`, i))
		}
		for f := m.next(); f.ID != "new50"; f = m.next() {
		}
		if d := time.Since(start); d < 450*time.Millisecond {
			t.Errorf("a new stream got 51 lines in after %v", d)
		}
	})
}

// TestBytesAreOfThePeer as well.
func TestBytesAreOfThePeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{Bytes: 10_000, ByteBurst: 1000}})
		w.create(lobby)
		pages := []*member{w.join(alice, fmt.Sprintf(join, "1")), w.join(alice, fmt.Sprintf(join, "2"))}
		start := time.Now()
		for i := range 20 {
			m := pages[i%2]
			m.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, strings.Repeat("x", 1000)))
			for f := m.next(); !f.Ack; f = m.next() {
			}
		}
		if d := time.Since(start); d < 1700*time.Millisecond || d > 2200*time.Millisecond {
			t.Errorf("20 KB took %v at 10 KB a second", d)
		}
	})
}

// TestVolatileOverTheRate is dropped, so that what does arrive is new, and told once a second.
func TestVolatileOverTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{LineBurst: 50}, Wire: wire.Limits{Rate: 100}})
		w.create(lobby)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Minute)
		const n = 900 // in 3 s, three times the rate
		for i := range n {
			a.send(fmt.Sprintf(`{"type":"msg","volatile":true,"key":"%d","payload":%d}`, i, time.Now().UnixMilli()))
			time.Sleep(time.Second / 300)
		}
		a.send(`{"type":"msg","id":"last","payload":1}`)
		told, got := 0, 0
		for f := a.next(); f.ID != "last"; f = a.next() {
			if f.Type == wire.TypeError {
				e, err := wire.ParseError(f.Payload)
				if err != nil || e.Code != wire.RateLimited || e.Fatal || e.RetryAfter < 1 {
					t.Errorf("got %s", f.text)
				}
				told++
			}
		}
		for f := b.skipTo(wire.TypeMsg); f.Volatile; f = b.skipTo(wire.TypeMsg) {
			got++
		}
		if told < 2 || told > 3 {
			t.Errorf("told %d times in 3 s", told)
		}
		if got < 300 || got > 360 {
			t.Errorf("got %d of %d, want 100 a second and 50", got, n)
		}
		if c := w.Counters(); c.VolatileDropped != int64(n-got) {
			t.Errorf("counted %d, want %d", c.VolatileDropped, n-got)
		}
	})
}

// TestTooManyJoins are refused for a while that is told.
func TestTooManyJoins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Wire: wire.Limits{Joins: 30}})
		w.create(lobby)
		for range 30 {
			w.join(alice, fmt.Sprintf(join, "a"))
		}
		var e *wire.Error
		for range 10 { // being refused makes it no worse
			m := w.dial(alice)
			m.send(fmt.Sprintf(join, "a"))
			e = m.refused()
			m.ends()
		}
		if e.Code != wire.RateLimited || !e.Fatal || e.RetryAfter != 2000 {
			t.Fatalf("got %v, fatal %v, after %d", e, e.Fatal, e.RetryAfter)
		}
		w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Duration(e.RetryAfter) * time.Millisecond)
		w.join(alice, fmt.Sprintf(join, "a"))
		time.Sleep(time.Minute)
		for range 30 {
			w.join(alice, fmt.Sprintf(join, "a"))
		}
	})
}

// TestRubbish: a peer that sends nothing else is slowed down, then dropped, and the log says so once.
func TestRubbish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r, err := relay.Open(t.Context(), relay.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Relay: r, t: t}
		w.create(lobby)
		pages := []*member{w.join(alice, fmt.Sprintf(join, "1")), w.join(alice, fmt.Sprintf(join, "2"))}
		honest := w.join(bob, fmt.Sprintf(join, "b"))
		start := time.Now()
		for _, m := range pages {
			go func() {
				for {
					if _, err := m.stream.Write([]byte(`{"type":"msg"}` + "\n")); err != nil {
						return
					}
					time.Sleep(time.Millisecond) // a bubble's time stands still for who never sleeps
				}
			}()
		}
		// Both are read at once: a page that goes on writing once it is dropped would hold up the clock.
		var refused atomic.Int64
		var reading sync.WaitGroup
		for _, m := range pages {
			reading.Go(func() {
				for {
					f, err := m.read()
					if err != nil {
						t.Error(err)
						return
					}
					if f.Type != wire.TypeError {
						continue
					}
					e, err := wire.ParseError(f.Payload)
					if err != nil {
						t.Error(err)
						return
					}
					if !e.Fatal {
						refused.Add(1)
						continue
					}
					if e.Code != wire.RateLimited || e.RetryAfter != 60_000 {
						t.Errorf("got %s", f.text)
					}
					m.ends()
					return
				}
			})
		}
		reading.Wait()
		if d := time.Since(start); d < 20*time.Second || d > time.Minute {
			t.Errorf("dropped after %v, want about 40 s", d)
		}
		if n := refused.Load(); n > 300 {
			t.Errorf("%d lines were refused one by one", n)
		}
		m := w.dial(alice)
		m.send(fmt.Sprintf(join, "1"))
		if e := m.refused(); e.Code != wire.RateLimited || !e.Fatal || e.RetryAfter <= 0 {
			t.Errorf("back at once: got %v", e)
		}
		m.ends()
		time.Sleep(time.Minute)
		w.join(alice, fmt.Sprintf(join, "1"))
		// Who also sends what is good is not dropped.
		for i := range 1000 {
			honest.send(`{"type":"msg"}`)
			honest.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
			for f := honest.next(); !f.Ack; f = honest.next() {
			}
		}
		w.end()
		if n := strings.Count(log.String(), "a peer is dropped"); n != 1 || strings.Count(log.String(), "\n") != 2 || // and that the group was made
			!strings.Contains(log.String(), "bad_message") {
			t.Errorf("the log has %d lines: %s", n, &log)
		}
	})
}

// TestAccountsAreForgotten: what is remembered of peers that are gone is bounded.
func TestAccountsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		for i := range 500 {
			m := w.join(wire.PeerID(fmt.Sprint("P", i)), fmt.Sprintf(join, "1"))
			m.send(`{"type":"leave"}`)
			m.readsOut()
			time.Sleep(time.Second)
		}
		if n := w.Remembered(); n > 200 {
			t.Errorf("500 peers came and went, and %d are remembered", n)
		}
	})
}
