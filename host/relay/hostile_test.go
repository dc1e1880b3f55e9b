package relay_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// What is wrong with a join must not tell a stranger that there is a group that it may not see.
func TestBadJoinDoesNotTellOfAHiddenGroup(t *testing.T) {
	t.Parallel()
	w := open(t, relay.Options{Durable: relay.NewMemLog(relay.MemLimits{})})
	w.create(`{"id":"hidden","type":"invite-only"}`)
	for _, rest := range []string{`"meta":{"label":5}`, `"meta":{"label":"a","label":"b"}`, `"since":{"epoch":"x","seq":0}`} {
		var answers [2]string
		for i, id := range []string{"hidden", "absent"} {
			m := w.dial(alice)
			m.send(`{"type":"join","group":"` + id + `",` + rest + `}`)
			answers[i] = strings.ReplaceAll(m.next().text, id, "ID")
			m.ends()
		}
		if answers[0] != answers[1] {
			t.Errorf("join with %s: a hidden group says %s, and a missing one %s", rest, answers[0], answers[1])
		}
	}
}

// haltedLog stops in Open, when it is told to, until it is let go.
type haltedLog struct {
	relay.Log
	halt    atomic.Bool
	halted  chan struct{}
	release chan struct{}
}

func (l *haltedLog) Open(ctx context.Context, cfg group.Config) (group.Head, error) {
	if l.halt.Load() {
		l.halted <- struct{}{}
		<-l.release
	}
	return l.Log.Open(ctx, cfg)
}

// A member that comes back while its group is being changed must not be told that it is gone.
func TestJoinDuringUpdateWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &haltedLog{Log: relay.NewMemLog(relay.MemLimits{}), halted: make(chan struct{}), release: make(chan struct{})}
		w := open(t, relay.Options{Memory: log})
		defer w.end()
		w.create(`{"id":"lobby"}`)
		log.halt.Store(true)
		updated := make(chan error)
		go func() {
			_, err := w.Update(t.Context(), group.Caller{Peer: boss, Owner: true}, "lobby", []byte(`{"name":"New"}`))
			updated <- err
		}()
		<-log.halted
		m := w.dial(alice)
		m.send(`{"type":"join","group":"lobby"}`)
		synctest.Wait()
		log.release <- struct{}{}
		if err := <-updated; err != nil {
			t.Errorf("Update: %v", err)
		}
		if f := m.next(); f.Type != wire.TypeWelcome || !strings.Contains(f.text, `"name":"New"`) {
			t.Errorf("got %s, want a welcome to the group as it is now", f.text)
		}
		m.stream.Close()
	})
}

// A member that repeats itself and does not read must not fill the host's memory with answers.
func TestRepeatsThatNobodyReadsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{Limits: relay.Limits{WriteWait: time.Hour, LineBurst: 1e6}, Wire: wire.Limits{Rate: 1e6}})
		w.pipe = 512
		defer w.end()
		w.create(`{"id":"lobby"}`)
		m := w.join(alice, `{"type":"join","group":"lobby"}`)
		var taken atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := m.stream.Write([]byte(`{"type":"msg","id":"again","payload":1}` + "\n")); err != nil {
					return
				}
				taken.Add(1)
			}
		}()
		time.Sleep(time.Minute)
		if n := taken.Load(); n > 500 {
			t.Errorf("the host took %d lines of a member that reads no answer", n)
		}
		m.stream.Reset()
		<-done
	})
}

// What is not the payload counts as well: the group's queue is bounded in bytes whatever its entries are
// made of.
func TestRecipientIsBounded(t *testing.T) {
	t.Parallel()
	w := open(t, relay.Options{})
	w.create(`{"id":"lobby"}`)
	m := w.join(alice, `{"type":"join","group":"lobby"}`)
	m.send(fmt.Sprintf(`{"type":"msg","id":"1","to":%q,"payload":1}`, strings.Repeat("x", 100_000)))
	m.send(`{"type":"leave"}`)
	f := m.next()
	for f.Type == wire.TypeMembers {
		f = m.next()
	}
	if f.Type != wire.TypeError || !strings.Contains(f.text, string(wire.BadMessage)) {
		t.Errorf("got %.200s, want bad_message", f.text)
	}
	m.readsOut()
}

// An owner from whom the site was taken is one no longer, in the groups that it is in as well.
func TestFormerOwnerLosesItsRights(t *testing.T) {
	t.Parallel()
	var removed atomic.Bool
	w := open(t, relay.Options{IsOwner: func(p wire.PeerID) bool { return p == boss && !removed.Load() }})
	w.create(`{"id":"lobby","rights":{"send":["owner"],"state":["owner"]}}`)
	m := w.join(boss, `{"type":"join","group":"lobby"}`)
	removed.Store(true)
	w.OwnersChanged()
	m.send(`{"type":"msg","id":"1","payload":1}`)
	m.send(`{"type":"state","id":"2","patch":{"a":1}}`)
	m.send(`{"type":"leave"}`)
	for _, id := range []string{"1", "2"} {
		f := m.next()
		for f.Type == wire.TypeMembers {
			f = m.next()
		}
		e, err := wire.ParseError(f.Payload)
		if f.Type != wire.TypeError || err != nil || e.Code != wire.Forbidden || e.ID != id {
			t.Errorf("got %s, want forbidden for %s", f.text, id)
		}
	}
	m.readsOut()
}

// A closed group keeps its last roster; that somebody owned the site then gives no rights later.
func TestFormerOwnerInAClosedGroup(t *testing.T) {
	t.Parallel()
	var removed atomic.Bool
	e := newEngine()
	w := open(t, relay.Options{Durable: e, Registry: e, IsOwner: func(p wire.PeerID) bool { return p == boss && !removed.Load() }})
	w.create(`{"id":"match","type":"persistent"}`)
	m := w.join(boss, `{"type":"join","group":"match"}`)
	if err := w.Close(t.Context(), group.Caller{Peer: boss, Owner: true}, "match"); err != nil {
		t.Fatal(err)
	}
	m.goodbye()
	if role, in := w.Role(boss, "match"); role != wire.RoleOwner || !in {
		t.Errorf("the owner is %q, %v", role, in)
	}
	removed.Store(true)
	if role, in := w.Role(boss, "match"); role == wire.RoleOwner || !in {
		t.Errorf("who was the owner is %q, %v", role, in)
	}
}
