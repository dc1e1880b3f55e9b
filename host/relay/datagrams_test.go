package relay_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/link"
	"goop/shared/wire"
)

// air is one end of a connection's datagrams: what is sent is at the far end at once.
type air struct {
	demux link.Demux
	far   *air
	most  int // bytes of a packet
}

func (a *air) Demux() *link.Demux { return &a.demux }

func (a *air) Send(packet []byte) error {
	if len(packet) > a.most {
		return link.ErrPacketTooLarge
	}
	a.far.demux.Take(slices.Clone(packet))
	return nil
}

// aired is a stream of a connection with datagrams.
type aired struct {
	link.Stream
	air *air
}

func (s *aired) Datagrams() link.Datagrams { return s.air }

// flyer is a member with datagrams.
type flyer struct {
	*member
	air *air
	// mu guards the following.
	mu  sync.Mutex
	got []wire.Datagram
}

func (w *world) fly(peer wire.PeerID, session string) *flyer {
	w.t.Helper()
	near, far := &air{most: 1200}, &air{most: 1200}
	near.far, far.far = far, near
	a, b := link.Pipe(w.pipe)
	f := &flyer{member: w.dialOver(peer, a, &aired{b, far}), air: near}
	f.member.join(fmt.Sprintf(`{"type":"join","group":"lobby","session":"%s","caps":["delta","datagrams"]}`, session))
	if f.welcome.Datagrams == 0 {
		w.t.Fatal("the welcome has no number for datagrams")
	}
	near.demux.Bind(uint64(f.welcome.Datagrams), func(rest []byte) {
		d, err := wire.ParseDown(rest)
		if err != nil {
			f.t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got = append(f.got, d)
	})
	return f
}

func (f *flyer) emit(seq uint64, key, payload string) {
	f.t.Helper()
	d := wire.Datagram{Session: uint64(f.welcome.Datagrams), Seq: seq, Key: key, Payload: []byte(payload)}
	if err := f.air.Send(d.AppendUp(nil)); err != nil {
		f.t.Error(err)
	}
}

// take returns the payloads that have come since the last call.
func (f *flyer) take() (payloads []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.got {
		payloads = append(payloads, string(d.Payload))
	}
	f.got = nil
	return payloads
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a, b := w.fly(alice, "a"), w.fly(bob, "b")
		c := w.join(carol, fmt.Sprintf(join, "c"))
		if c.welcome.Datagrams != 0 {
			t.Errorf("carol has no datagrams, and the number %d", c.welcome.Datagrams)
		}
		time.Sleep(time.Second)
		a.emit(5, "cursor", `[1,2]`)
		b.mu.Lock()
		if len(b.got) != 1 || b.got[0].From != alice || b.got[0].Key != "cursor" || b.got[0].Seq != 5 || b.got[0].Time != time.Now().UnixMilli() || b.got[0].Sender == 0 {
			t.Errorf("bob got %+v", b.got)
		}
		b.got = nil
		b.mu.Unlock()
		if f := c.skipTo(wire.TypeMsg); !f.Volatile || f.Key != "cursor" || f.From != alice || string(f.Payload) != `[1,2]` {
			t.Errorf("carol got %s, want a volatile line", f.text)
		}
		// What is stale is dropped, by key.
		a.emit(4, "cursor", `"late"`)
		a.emit(5, "cursor", `"twice"`)
		a.emit(4, "typing", `"other"`)
		a.emit(6, "cursor", `"next"`)
		if got := b.take(); !slices.Equal(got, []string{`"other"`, `"next"`}) {
			t.Errorf("bob got %v", got)
		}
		if got := a.take(); got != nil {
			t.Errorf("alice got her own: %v", got)
		}
		// The table of keys is bounded, and the one in use longest ago goes.
		for i := range 64 {
			a.emit(uint64(10+i), fmt.Sprint(i), `0`)
			a.emit(uint64(100+i), "cursor", `0`)
		}
		b.take()
		a.emit(99, "cursor", `"late"`)
		a.emit(1, "typing", `"forgotten"`)
		if got := b.take(); !slices.Equal(got, []string{`"forgotten"`}) {
			t.Errorf("bob got %v", got)
		}
		// One that does not fit a packet on its way down goes as a line.
		b.air.far.most = 50
		a.emit(1000, "large", `"`+strings.Repeat("x", 100)+`"`)
		if f := b.skipTo(wire.TypeMsg); !f.Volatile || f.Key != "large" {
			t.Errorf("bob got %s", f.text)
		}
		// Nothing comes to, or from, who has left.
		b.send(`{"type":"leave"}`)
		b.readsOut()
		synctest.Wait()
		b.emit(1, "", `"gone"`)
		c.send(`{"type":"msg","id":"1","payload":"end"}`)
		for f := c.next(); !f.Ack; f = c.next() {
			if strings.Contains(f.text, "gone") {
				t.Errorf("carol got %s", f.text)
			}
		}
	})
}

// A datagram whose JSON has line breaks in it would not be one line for those who get it as one: their streams
// would break.
func TestDatagramOfSeveralLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		a, b := w.fly(alice, "a"), w.join(bob, fmt.Sprintf(join, "b"))
		time.Sleep(time.Second)
		a.skipTo(wire.TypeMembers) // of bob
		a.emit(1, "", "[1,\n{\"type\":\"close\"}\n]")
		if e := a.refused(); e.Code != wire.BadMessage {
			t.Errorf("alice got %v", e)
		}
		a.emit(2, "", "[1, 2]")
		if f := b.skipTo(wire.TypeMsg); string(f.Payload) != "[1, 2]" {
			t.Errorf("bob got %s", f.text)
		}
	})
}

// TestDatagramsNeedRights: each is checked, and what is refused is told, once a second.
func TestDatagramsNeedRights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","rights":{"send":["moderator"]}}`)
		a, o := w.fly(alice, "a"), w.fly(boss, "o")
		time.Sleep(time.Second)
		for i := range 5 {
			a.emit(uint64(i+1), "", `1`)
		}
		if f := a.skipTo(wire.TypeError); !strings.Contains(f.text, string(wire.Forbidden)) {
			t.Errorf("got %s, want forbidden", f.text)
		}
		time.Sleep(time.Second)
		a.air.Send(append(binary.AppendUvarint(nil, uint64(a.welcome.Datagrams)), 0xff))
		if f := a.next(); !strings.Contains(f.text, string(wire.BadMessage)) {
			t.Errorf("got %s, want one error a second", f.text)
		}
		if got := o.take(); got != nil {
			t.Errorf("the owner got %v", got)
		}
		o.emit(1, "", `1`)
		if got := a.take(); len(got) != 1 {
			t.Errorf("alice got %v", got)
		}
	})
}

// TestDatagramsOverTheRate are dropped, and the sender is told.
func TestDatagramsOverTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Wire: wire.Limits{Rate: 10}, Limits: relay.Limits{LineBurst: 20}})
		w.create(lobby)
		a, b := w.fly(alice, "a"), w.fly(bob, "b")
		time.Sleep(10 * time.Second)
		for i := range 100 {
			a.emit(uint64(i+1), "", fmt.Sprint(i))
		}
		if got := b.take(); len(got) != 20 {
			t.Errorf("bob got %d, want 20", len(got))
		}
		f := a.skipTo(wire.TypeError)
		if e, err := wire.ParseError(f.Payload); err != nil || e.Code != wire.RateLimited || e.Fatal || e.RetryAfter != 100 {
			t.Errorf("got %s", f.text)
		}
		if c := w.Counters(); c.DatagramsIn != 100 || c.DatagramsOut != 20 || c.VolatileDropped != 80 || c.Refused[wire.RateLimited] != 80 {
			t.Errorf("got %+v", c)
		}
	})
}
