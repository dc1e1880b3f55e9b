package relay_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// theHost is the operator, who is no peer.
var theHost = group.Caller{Owner: true}

func TestInspect(t *testing.T) {
	t.Parallel()
	w := open(t, relay.Options{})
	w.create(`{"id":"hidden","name":"Hidden","type":"invite-only","durable":false}`)
	m := w.join(boss, `{"type":"join","group":"hidden","meta":{"label":"Boss"}}`)
	m.send(`{"type":"state","id":"s","patch":{"a":1}}`)
	m.skipTo(wire.TypeState)
	in, err := w.Inspect(theHost, "hidden")
	if err != nil {
		t.Fatal(err)
	}
	if in.Config.Name != "Hidden" || in.Epoch != m.welcome.Epoch || in.StateSize != len(`{"a":1}`) || in.Stats.Seq != 1 || in.Stats.Sessions != 1 {
		t.Errorf("got %+v", in)
	}
	if len(in.Roster) != 1 || in.Roster[0].Peer != boss || in.Roster[0].Label != "Boss" || in.Roster[0].Sessions != 1 {
		t.Errorf("roster: got %+v", in.Roster)
	}
	for _, tt := range []struct {
		caller group.Caller
		id     wire.GroupID
	}{{theHost, "none"}, {group.Caller{Peer: alice}, "hidden"}} {
		if _, err := w.Inspect(tt.caller, tt.id); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("%+v of %s: got %v", tt.caller, tt.id, err)
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	w := open(t, relay.Options{Memory: relay.NewMemLog(relay.MemLimits{Entries: 40})})
	w.create(`{"id":"lobby","name":"Lobby","type":"open"}`)
	m := w.join(alice, `{"type":"join","group":"lobby"}`)
	tail := func(after int64, limit int, want ...int64) (next int64) {
		t.Helper()
		entries, next, err := w.Tail(t.Context(), theHost, "lobby", after, limit)
		var got []int64
		for _, e := range entries {
			got = append(got, e.Seq)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d after %d: got %v, %v, want %v", limit, after, got, err, want)
		}
		return next
	}
	sent := 0
	send := func(n int) {
		for range n {
			sent++
			m.send(`{"type":"msg","id":"` + strconv.Itoa(sent) + `","payload":"x"}`)
			m.skipTo(wire.TypeMsg)
		}
	}
	if next := tail(-1, 10); next != 0 {
		t.Errorf("an empty log goes on at %d", next)
	}
	send(3)
	if next := tail(-1, 2, 2, 3); next != 3 {
		t.Errorf("it goes on at %d, want 3", next)
	}
	tail(0, 2, 1, 2)
	tail(2, 100, 3)
	if next := tail(3, 100); next != 3 {
		t.Errorf("at the end it goes on at %d, want 3", next)
	}
	if next := tail(-1, 0); next != 3 {
		t.Errorf("without entries it goes on at %d, want 3", next)
	}
	send(97) // of which the last 40 are kept
	tail(0, 3, 61, 62, 63)
	tail(-1, 1000, seqs(61, 100)...)
	tail(59, 1, 61)
	tail(60, 1, 61)

	m.send(`{"type":"msg","id":"secret","payload":"secret","to":"` + string(bob) + `"}`)
	m.skipTo(wire.TypeMsg)
	entries, _, err := w.Tail(t.Context(), theHost, "lobby", 100, 1)
	if err != nil || len(entries) != 1 || entries[0].To != bob || entries[0].Payload != nil {
		t.Errorf("a direct message: got %+v, %v", entries, err)
	}
	if _, _, err := w.Tail(t.Context(), group.Caller{Peer: bob}, "lobby", 0, 1); !errors.Is(err, wire.Forbidden) {
		t.Errorf("a member: got %v", err)
	}
	if _, _, err := w.Tail(t.Context(), theHost, "none", 0, 1); !errors.Is(err, wire.NoSuchGroup) {
		t.Errorf("no group: got %v", err)
	}
}

func seqs(from, to int64) (list []int64) {
	for ; from <= to; from++ {
		list = append(list, from)
	}
	return list
}
