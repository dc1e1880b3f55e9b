package relay_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// moderated makes a group whose moderator is carol.
func moderated(t *testing.T, w *world, cfg string) {
	t.Helper()
	if _, err := w.Create(t.Context(), group.Caller{Peer: carol, Owner: true}, parse(t, cfg)); err != nil {
		t.Fatal(err)
	}
}

// TestRedact takes a message away while members are there, with the window or only the engine behind them:
// who sees the entry gets to know, and who comes back later gets a position in place of the message.
func TestRedact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		window int
	}{{"from the window", 1 << 20}, {"from the engine", 1}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{Limits: relay.Limits{WindowBytes: tt.window}})
				moderated(t, w, lobby)
				a, b, c := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b")), w.join(carol, fmt.Sprintf(join, "c"))
				a.send(`{"type":"msg","id":"1","payload":"secret"}`)
				a.send(`{"type":"msg","id":"2","payload":"harmless"}`)
				for _, m := range []*member{a, b, c} {
					m.skipTo(wire.TypeMsg)
					m.skipTo(wire.TypeMsg)
				}
				c.send(`{"type":"msg","id":"r","redact":1}`)
				if f := c.skipTo(wire.TypeMsg); !f.Ack || f.ID != "r" || f.Seq != 3 {
					t.Errorf("carol got %s, want the acknowledgement", f.text)
				}
				for _, m := range []*member{a, b} {
					f := m.skipTo(wire.TypeMsg)
					if f.Seq != 3 || f.Redact != 1 || f.From != carol || f.Payload != nil || f.ID != "" || f.Time == 0 {
						t.Errorf("%s got %s, want what takes 1 away", m.peer, f.text)
					}
				}

				// The same ids again, and other ones.
				a.send(`{"type":"msg","id":"1","payload":"secret"}`)
				if f := a.skipTo(wire.TypeMsg); !f.Ack || f.Seq != 1 {
					t.Errorf("the repeat of what is gone: got %s, want its seq", f.text)
				}
				c.send(`{"type":"msg","id":"r","redact":1}`)
				if f := c.skipTo(wire.TypeMsg); !f.Ack || f.Seq != 3 {
					t.Errorf("the repeat of the redact: got %s, want its seq", f.text)
				}
				for id, seq := range map[string]int{"x": 1, "y": 3, "z": 4, "far": 1 << 40} {
					c.send(fmt.Sprintf(`{"type":"msg","id":"%s","redact":%d}`, id, seq))
					if e := c.refused(); e.Code != wire.NotFound || e.ID != id || e.Fatal {
						t.Errorf("redact of %d: got %+v, want not_found", seq, e)
					}
				}

				// From the beginning: a peer that missed all, the sender's next page, and its own session.
				since := `,"since":{"epoch":"` + string(a.welcome.Epoch) + `","seq":0}}`
				resume := func(peer wire.PeerID, session string) *member {
					t.Helper()
					m := w.join(peer, strings.TrimSuffix(fmt.Sprintf(join, session), "}")+since)
					if !m.welcome.Resumed {
						t.Fatalf("%s was not resumed", peer)
					}
					return m
				}
				for _, m := range []*member{resume(bob, "late"), resume(alice, "page-2")} {
					if f := m.skipTo(wire.TypeState); f.Seq != 1 || f.Payload != nil || f.From != "" {
						t.Errorf("%s resumed and got %s, want the position 1", m.peer, f.text)
					}
					if f := m.next(); f.Seq != 2 || string(f.Payload) != `"harmless"` {
						t.Errorf("%s resumed and got %s, want 2", m.peer, f.text)
					}
					if f := m.next(); f.Seq != 3 || f.Redact != 1 {
						t.Errorf("%s resumed and got %s, want 3", m.peer, f.text)
					}
				}
				own := resume(alice, "a")
				for seq, id := range []string{"1", "2"} { // what it waits for is answered: the content is not in it
					if f := own.skipTo(wire.TypeMsg); !f.Ack || f.ID != id || f.Seq != int64(seq+1) || f.Payload != nil {
						t.Errorf("alice's own session resumed and got %s", f.text)
					}
				}
			})
		})
	}
}

// TestRedactBeforeItIsSeen has a member that does not read. What was taken away before it was told never
// reaches it.
func TestRedactBeforeItIsSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{WriteBytes: 1000}})
		w.pipe = 4000
		moderated(t, w, lobby)
		slow := w.join(bob, fmt.Sprintf(join, "b"))
		a, c := w.join(alice, fmt.Sprintf(join, "a")), w.join(carol, fmt.Sprintf(join, "c"))
		synctest.Wait()
		for i := range 10 {
			a.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%s"}`, i, strings.Repeat("x", 900)))
			a.skipTo(wire.TypeMsg)
			c.skipTo(wire.TypeMsg)
		}
		a.send(`{"type":"msg","id":"s","payload":"secret"}`)
		a.skipTo(wire.TypeMsg)
		c.skipTo(wire.TypeMsg)
		c.send(`{"type":"msg","id":"r","redact":11}`)
		if f := c.skipTo(wire.TypeMsg); !f.Ack {
			t.Errorf("got %s", f.text)
		}
		for want := int64(1); want <= 10; want++ {
			if f := slow.skipTo(wire.TypeMsg); f.Seq != want {
				t.Fatalf("got %s, want %d", f.text, want)
			}
		}
		if f := slow.next(); f.Type != wire.TypeState || f.Seq != 11 || f.Payload != nil {
			t.Errorf("got %s, want the position 11", f.text)
		}
		if f := slow.next(); f.Seq != 12 || f.Redact != 11 {
			t.Errorf("got %s, want what took 11 away", f.text)
		}
	})
}

// TestRedactInTheSameBatch appends a message together with what takes it away: nobody ever sees it.
func TestRedactInTheSameBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		w := open(t, relay.Options{Durable: e, Registry: e})
		moderated(t, w, `{"id":"lobby","type":"persistent"}`)
		b, c := w.join(bob, fmt.Sprintf(join, "b")), w.join(carol, fmt.Sprintf(join, "c"))
		hold := make(chan struct{})
		e.set(func() { e.hold = hold })
		c.send(`{"type":"msg","id":"0","payload":0}`)
		synctest.Wait()
		c.send(`{"type":"msg","id":"1","payload":"secret"}`)
		c.send(`{"type":"msg","id":"r","redact":2}`)
		synctest.Wait()
		e.set(func() { e.hold = nil })
		close(hold)
		b.skipTo(wire.TypeMsg)
		if f := b.next(); f.Type != wire.TypeState || f.Seq != 2 {
			t.Errorf("got %s, want the position 2", f.text)
		}
		if f := b.next(); f.Seq != 3 || f.Redact != 2 {
			t.Errorf("got %s, want what took 2 away", f.text)
		}
		for i, id := range []string{"0", "1", "r"} {
			if f := c.skipTo(wire.TypeMsg); !f.Ack || f.ID != id || f.Seq != int64(i+1) {
				t.Errorf("got %s, want the acknowledgement of %s", f.text, id)
			}
		}
	})
}

func TestRightToRedact(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		rights string
		peer   wire.PeerID
		may    bool
	}{
		{"a member", `{}`, alice, false},
		{"the moderator", `{}`, carol, true},
		{"the owner", `{"redact":[]}`, boss, true},
		{"a member who may", `{"redact":["member"]}`, alice, true},
		{"a member who may do nothing else", `{"redact":["member"],"send":[]}`, alice, true},
		{"a moderator who may not", `{"redact":["member"]}`, carol, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := open(t, relay.Options{})
				moderated(t, w, `{"id":"lobby","type":"open","rights":`+tt.rights+`}`)
				o := w.join(boss, fmt.Sprintf(join, "o"))
				o.send(`{"type":"msg","id":"1","payload":1}`)
				o.skipTo(wire.TypeMsg)
				m := w.join(tt.peer, fmt.Sprintf(join, "m"))
				m.send(`{"type":"msg","id":"r","redact":1}`)
				f := m.next()
				for f.Type == wire.TypeMembers {
					f = m.next()
				}
				if tt.may {
					if !f.Ack || f.Seq != 2 {
						t.Errorf("got %s, want the acknowledgement", f.text)
					}
					return
				}
				if e, err := wire.ParseError(f.Payload); err != nil || e.Code != wire.Forbidden || e.ID != "r" || e.Fatal {
					t.Errorf("got %s, want forbidden", f.text)
				}
			})
		})
	}
}

// TestRedactIsChecked before anything is looked up.
func TestRedactIsChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		moderated(t, w, lobby)
		c := w.join(carol, fmt.Sprintf(join, "c"))
		c.send(`{"type":"msg","id":"0","payload":1}`)
		c.skipTo(wire.TypeMsg)
		for _, line := range []string{
			`{"type":"msg","id":"x","redact":-1}`, `{"type":"msg","id":"x","redact":1,"payload":1}`,
			`{"type":"msg","id":"x","redact":1,"to":"P"}`, `{"type":"msg","id":"x","redact":1,"volatile":true}`,
		} {
			c.send(line)
			if e := c.refused(); e.Code != wire.BadMessage || e.ID != "x" {
				t.Errorf("%s: got %+v, want bad_message", line, e)
			}
		}
	})
}
