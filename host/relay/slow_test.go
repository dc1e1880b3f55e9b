package relay_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// flood joins a member that sends n messages of size bytes and reads what it is sent.
func (w *world) flood(n, size int) {
	w.t.Helper()
	a := w.join(alice, fmt.Sprintf(join, "a"))
	payload := strings.Repeat("x", size)
	for i := range n {
		a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, payload))
		a.skipTo(wire.TypeMsg)
	}
}

// TestNeverReads ends a session that takes nothing for too long. What it had read of a line goes on to the
// line's end, then it is told why, when it reads again within the time for that.
func TestNeverReads(t *testing.T) {
	t.Parallel()
	for _, reads := range []bool{true, false} {
		t.Run(fmt.Sprint(reads), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				w.create(lobby)
				b := w.join(bob, fmt.Sprintf(join, "b"))
				w.flood(4, 60<<10)
				time.Sleep(19 * time.Second)
				if n := w.Stats()[0].Sessions; n != 2 {
					t.Errorf("got %d sessions after 19 s, want 2", n)
				}
				time.Sleep(3 * time.Second)
				if n := w.Stats()[0].Sessions; n != 1 {
					t.Errorf("got %d sessions after 22 s, want 1", n)
				}
				if n := w.Counters().TooSlow; n != 1 {
					t.Errorf("counted %d, want 1", n)
				}
				if !reads {
					time.Sleep(3 * time.Second)
					for {
						if _, err := b.read(); errors.Is(err, link.ErrReset) {
							return
						} else if err != nil {
							t.Fatalf("got %v, want the stream to be reset", err)
						}
					}
				}
				last := int64(0)
				f := b.next()
				for ; f.Type != wire.TypeError; f = b.next() {
					last = max(last, f.Seq)
				}
				if e, err := wire.ParseError(f.Payload); err != nil || e.Code != wire.TooSlow || !e.Fatal {
					t.Errorf("got %s, want too_slow", f.text)
				}
				if why := b.goodbye(); why != wire.ReasonTooSlow {
					t.Errorf("got the reason %q", why)
				}
				since := fmt.Sprintf(`{"type":"join","group":"lobby","session":"b","since":{"epoch":"%s","seq":%d}}`, b.welcome.Epoch, last)
				b = w.join(bob, since)
				for last++; last <= 4; last++ {
					if f := b.skipTo(wire.TypeMsg); f.Seq != last {
						t.Errorf("got %d, want %d", f.Seq, last)
					}
				}
			})
		})
	}
}

// TestSlowIsNotStuck has a member read 1 KB a second. However long a write takes, it is not cut off.
func TestSlowIsNotStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.pipe = 2 << 10
		w.create(lobby)
		b := w.join(bob, fmt.Sprintf(join, "b"))
		b.lines = link.NewReader(&thin{b.stream, 1000}, wire.MaxLine)
		w.flood(20, 60<<10)
		start := time.Now()
		for seq := int64(1); seq <= 20; seq++ {
			if f := b.skipTo(wire.TypeMsg); f.Seq != seq {
				t.Fatalf("got %d, want %d", f.Seq, seq)
			}
		}
		if d := time.Since(start); d < 20*time.Minute {
			t.Errorf("1.2 MB took %v at 1 KB a second", d)
		}
	})
}

// thin reads at most so many bytes a second.
type thin struct {
	io.Reader
	rate int
}

func (r *thin) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return r.Reader.Read(p[:min(len(p), r.rate)])
}

// TestStuckMemberIsBounded: while much flows, what waits for a member that takes nothing is what one
// write takes up, whatever it is made of.
func TestStuckMemberIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 512 << 10 // as limits.md has it
		w := open(t, relay.Options{Limits: relay.Limits{
			WriteWait: time.Hour, LineBurst: 1e9, Bytes: 1e9, ByteBurst: 1e9,
		}, Wire: wire.Limits{Rate: 1e9}})
		w.pipe = 1 << 10
		w.create(lobby)
		b := w.join(bob, fmt.Sprintf(join, "b"))
		a := w.join(alice, fmt.Sprintf(join, "a"))
		for i := range 80 { // repeats and refusals for the stuck one itself, until it is read no further
			b.tries(fmt.Sprintf(`{"type":"msg","payload":%d,"id":"b"}`, i%2))
		}
		payload := strings.Repeat("x", 50<<10)
		for i := range 200 {
			a.send(fmt.Sprintf(`{"type":"msg","volatile":true,"key":"%d","payload":"%s"}`, i, payload))
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, payload))
			a.skipTo(wire.TypeMsg)
			for j := range 5 {
				m := w.join(wire.PeerID(fmt.Sprint("P", i, "-", j)), `{"type":"join","group":"lobby","meta":{"label":"somebody who comes and goes"}}`)
				m.send(`{"type":"leave"}`)
				m.readsOut()
			}
			if held := w.Stats()[0].Waiting; held > most {
				t.Fatalf("%d bytes wait after %d messages, want at most %d", held, i, most)
			}
		}
	})
}

// TestSlowWhenTheGroupCloses closes a group while a member is behind what its window holds: the log is
// gone by then, so the member gets the whole state, and then it is told.
func TestSlowWhenTheGroupCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{WindowBytes: 500, WriteBytes: 500}})
		w.create(lobby)
		w.pipe = 300
		b := w.join(bob, fmt.Sprintf(join, "b"))
		w.pipe = 0
		w.flood(20, 100)
		if err := w.Close(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby"); err != nil {
			t.Fatal(err)
		}
		var last, whole int64
		f := b.next()
		for ; f.Type != wire.TypeClose; f = b.next() {
			if f.Type == wire.TypeError {
				t.Fatalf("got %s", f.text)
			}
			last = max(last, f.Seq)
			if f.Type == wire.TypeState {
				whole = f.Seq
			}
		}
		if last != 20 || whole != 20 {
			t.Errorf("got entries up to %d and a state at %d, want 20", last, whole)
		}
		if bye, err := wire.ParseGoodbye(f.Payload); err != nil || bye.Reason != wire.ReasonClosed {
			t.Errorf("got %s", f.text)
		}
		b.ends()
	})
}

// TestSenderThatDoesNotRead has a member send and read nothing: it is read no further before long, whatever else the
// group has room for. When it reads, all goes on.
func TestSenderThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fast := relay.Limits{WriteBytes: 1000, LineBurst: 1e9, Bytes: 1e9, ByteBurst: 1e9}
		w := open(t, relay.Options{Limits: fast, Wire: wire.Limits{Rate: 1e9}})
		w.pipe = 4 << 10
		w.create(lobby)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		const n = 2000
		go func() {
			for i := range n {
				a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":1}`, i))
			}
		}()
		go func() {
			for i := range n {
				if f := b.skipTo(wire.TypeMsg); f.Seq != int64(i+1) {
					t.Errorf("got %s, want %d", f.text, i+1)
				}
			}
		}()
		time.Sleep(10 * time.Second)
		if got := w.Counters().Appended; got < 256 || got > 400 { // and what is on its way to it
			t.Errorf("%d messages were taken of a member that reads no acknowledgement", got)
		}
		for i := range n {
			if f := a.skipTo(wire.TypeMsg); !f.Ack || f.ID != fmt.Sprint(i) {
				t.Fatalf("got %s, want the acknowledgement of %d", f.text, i)
			}
		}
	})
}
