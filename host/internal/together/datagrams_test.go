package together_test

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// pointer is a member that sees cursors.
type pointer struct {
	t    *testing.T
	name wire.PeerID
	m    *member.Member
	s    *member.Session

	// mu guards the following.
	mu         sync.Mutex
	places     map[string]int // the last one of each cursor, by sender and key
	unreliable int            // how many have come in datagrams
	volatile   int            // and as lines
	counted    []string       // payloads of ordinary messages
}

func newPointer(t *testing.T, net *membertest.Net, name wire.PeerID) *pointer {
	t.Helper()
	p := &pointer{t: t, name: name, m: member.New(member.Options{Dialer: net.Dialer(name)}), places: map[string]int{}}
	p.m.Start()
	var err error
	if p.s, err = p.m.Open("room", member.JoinOptions{Handler: member.HandlerFunc(p.deliver)}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pointer) deliver(batch []member.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range batch {
		f := &e.Frame
		if f.Type != wire.TypeMsg {
			continue
		}
		if !f.Volatile {
			p.counted = append(p.counted, string(f.Payload))
			continue
		}
		if f.From == p.name {
			p.t.Errorf("%s hears its own %s", p.name, e.Line)
		}
		if p.unreliable++; !f.Unreliable {
			p.unreliable--
			p.volatile++
		}
		cursor := string(f.From) + " " + f.Key
		x, err := strconv.Atoi(string(f.Payload))
		if last, ok := p.places[cursor]; err != nil || ok && x <= last {
			p.t.Errorf("%s: %s at %d after %d, %v", p.name, cursor, x, last, err)
		}
		p.places[cursor] = x
	}
}

// look returns how many cursors have come in datagrams and as lines, and where one is.
func (p *pointer) look(cursor string) (unreliable, volatile, at int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unreliable, p.volatile, p.places[cursor]
}

func (p *pointer) point(key string, x int) error {
	_, err := p.s.Post(strconv.AppendInt(nil, int64(x), 10), member.SendOptions{Unreliable: true, Key: key})
	return err
}

// TestCursors has members with and without datagrams point at things while connections are cut: each
// gets them as its connection can, and nobody sees one go back.
func TestCursors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, relay.Options{}, `{"id":"room"}`)
		w.net.Datagrams = true
		narrow := &membertest.Net{Host: "host", Serve: w.serve} // the same host over something else
		ann, bob, cem := newPointer(t, w.net, "ann"), newPointer(t, w.net, "bob"), newPointer(t, narrow, "cem")
		all := []*pointer{ann, bob, cem}
		defer func() {
			for _, p := range all {
				p.m.Close()
			}
			w.stop()
			w.net.Close()
			narrow.Close()
		}()
		for _, p := range all {
			if err := p.s.Joined(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		x := 0
		for round := range 5 {
			for range 20 {
				x++
				for _, p := range all {
					for _, key := range []string{"left", "right"} {
						if err := p.point(key, x); err != nil && round == 0 {
							t.Errorf("%s: %v", p.name, err)
						}
					}
				}
				time.Sleep(20 * time.Millisecond)
			}
			synctest.Wait()
			if u, v, at := bob.look("ann left"); u == 0 || v == 0 || at != x {
				t.Errorf("round %d: bob has %d datagrams and %d lines, ann's cursor at %d, want %d", round, u, v, at, x)
			}
			if _, _, at := bob.look("cem right"); at != x {
				t.Errorf("round %d: cem's cursor is at %d, want %d", round, at, x)
			}
			if u, _, at := cem.look("ann left"); u != 0 || at != x {
				t.Errorf("round %d: cem has %d datagrams, ann's cursor at %d, want none and %d", round, u, at, x)
			}
			if _, err := ann.s.Send(t.Context(), []byte(strconv.Itoa(round)), member.SendOptions{}); err != nil {
				t.Fatal(err)
			}
			if round%2 == 0 {
				w.net.Cut()
			} else {
				narrow.Cut()
			}
			time.Sleep(5 * time.Second) // they come back
		}
		for _, p := range all[1:] {
			p.mu.Lock()
			if len(p.counted) != 5 {
				t.Errorf("%s: got the messages %q, want five", p.name, p.counted)
			}
			p.mu.Unlock()
		}
	})
}
