package relay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

func numbers(entries []group.Entry) []int64 {
	var out []int64
	for _, e := range entries {
		out = append(out, e.Seq)
	}
	return out
}

func TestHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, e := durable(t)
		a, b := w.join(alice, fmt.Sprintf(join, "a")), w.join(bob, fmt.Sprintf(join, "b"))
		for i := 1; i <= 200; i++ {
			line := fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d}`, i, i)
			switch {
			case i%10 == 0:
				line = fmt.Sprintf(`{"type":"state","id":"%d","patch":{"n":%d}}`, i, i)
			case i > 50 && i <= 190: // more than one reading of the log is for somebody else
				line = fmt.Sprintf(`{"type":"msg","id":"%d","payload":%d,"to":%q}`, i, i, bob)
			}
			a.send(line)
			for f := a.next(); !f.Ack; f = a.next() {
			}
		}
		page := func(peer wire.PeerID, before int64, limit int, states bool) []group.Entry {
			t.Helper()
			entries, err := w.History(t.Context(), group.Caller{Peer: peer}, "lobby", before, limit, states)
			if err != nil {
				t.Fatal(err)
			}
			return entries
		}
		for _, tt := range []struct {
			peer   wire.PeerID
			before int64
			limit  int
			states bool
			want   []int64
		}{
			{carol, 0, 3, false, []int64{197, 198, 199}},
			{carol, 0, 3, true, []int64{198, 199, 200}},
			{carol, 192, 4, false, []int64{47, 48, 49, 191}},
			{carol, 192, 3, true, []int64{180, 190, 191}},
			{alice, 192, 3, false, []int64{188, 189, 191}},
			{bob, 190, 1, false, []int64{189}},
			{carol, 3, 10, true, []int64{1, 2}},
			{carol, 1, 10, true, nil},
			{carol, 1000, 1, true, []int64{200}},
			{carol, 0, 0, true, nil},
		} {
			if got := numbers(page(tt.peer, tt.before, tt.limit, tt.states)); !slices.Equal(got, tt.want) {
				t.Errorf("%s, %d before %d, states %t: got %v, want %v", tt.peer, tt.limit, tt.before, tt.states, got, tt.want)
			}
		}
		if one := page(carol, 2, 1, false)[0]; one.ID != "" || one.Session != "" || string(one.Payload) != "1" || one.From != alice || one.Time == 0 {
			t.Errorf("carol sees %+v", one)
		}
		if one := page(alice, 2, 1, false)[0]; one.ID != "1" {
			t.Errorf("alice sees %+v", one)
		}

		// What is being appended has been sent to nobody.
		if _, err := e.MemLog.Append(t.Context(), "lobby", []group.Draft{{From: bob, Kind: wire.TypeMsg, Payload: []byte("1")}}); err != nil {
			t.Fatal(err)
		}
		if got := numbers(page(carol, 0, 1, true)); !slices.Equal(got, []int64{200}) {
			t.Errorf("got %v, want the newest that was sent", got)
		}
		if _, err := w.History(t.Context(), visitor, "nowhere", 0, 1, false); !errors.Is(err, wire.NoSuchGroup) {
			t.Errorf("got %v, want no_such_group", err)
		}
		b.send(`{"type":"leave"}`)
		b.readsOut()
	})
}

func TestGroupStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(lobby)
		w.pipe = 4000
		a := w.join(alice, fmt.Sprintf(join, "a"))
		w.pipe = 0
		b := w.join(bob, fmt.Sprintf(join, "b"))
		for i := range 100 {
			b.send(fmt.Sprintf(`{"type":"msg","id":"%d","payload":"%02000d"}`, i, i))
			b.skipTo(wire.TypeMsg)
		}
		synctest.Wait()
		stats, err := w.GroupStats(visitor, "lobby")
		if err != nil || stats.Epoch != a.welcome.Epoch || stats.Seq != 100 || stats.Members != 2 || stats.Sessions != 2 || stats.Own != 1 || stats.Lag == 0 || stats.Waiting == 0 {
			t.Errorf("alice, who does not read, has %+v, %v", stats, err)
		}
		stats, err = w.GroupStats(group.Caller{Peer: bob}, "lobby")
		if err != nil || stats.Own != 1 || stats.Lag != 0 || stats.Waiting != 0 {
			t.Errorf("bob has %+v, %v", stats, err)
		}
		if stats, err = w.GroupStats(group.Caller{Owner: true}, "lobby"); err != nil || stats.Own != 0 {
			t.Errorf("the operator has %+v, %v", stats, err)
		}
	})
}

// A page of large entries is shorter: the host does not hold more of them than an answer has room for.
func TestHistoryIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	w, e := durable(t)
	large := []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
	var drafts []group.Draft
	for range 60 {
		drafts = append(drafts, group.Draft{From: bob, Kind: wire.TypeMsg, Payload: large})
	}
	if _, err := e.MemLog.Append(t.Context(), "lobby", drafts); err != nil {
		t.Fatal(err)
	}
	w.end()
	w = open(t, relay.Options{Durable: e, Registry: e})
	seen := 0
	for before := int64(0); ; {
		page, err := w.History(t.Context(), group.Caller{Peer: alice}, "lobby", before, 500, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		size := 0
		for i := range page {
			size += len(page[i].Payload)
		}
		if size > 1<<20 {
			t.Errorf("a page before %d has %d bytes", before, size)
		}
		seen += len(page)
		before = page[0].Seq
	}
	if seen != 60 {
		t.Errorf("all pages together have %d entries, want 60", seen)
	}
}
