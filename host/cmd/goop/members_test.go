package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

// sender is one member of a group in these tests, and what it knows.
type sender struct {
	m      *member.Member
	s      *member.Session
	events *eventLog
	peer   wire.PeerID
	start  int64 // position of the first welcome
	acked  []member.Receipt
}

var transports = []string{node.QUIC, node.TCP, node.WebTransport, node.WebSocket}

// gather has n members join a group, over all transports in turn.
func gather(t *testing.T, p *process, id wire.GroupID, n int) []*sender {
	t.Helper()
	all := make([]*sender, n)
	for i := range all {
		s := &sender{m: p.member(transports[i%len(transports)])}
		s.s, s.events = join(t, s.m, id)
		w := s.s.Welcome()
		s.peer, s.start = w.You.Peer, w.Seq
		all[i] = s
	}
	return all
}

// send sends n messages, all at once, and waits for their receipts. Each names its sender.
func (s *sender) send(ctx context.Context, n int, onAck func()) error {
	pending := make([]*member.Pending, n)
	for i := range pending {
		var err error
		payload := fmt.Sprintf(`{"by":%q,"n":%d}`, s.peer, i)
		if pending[i], err = s.s.Post([]byte(payload), member.SendOptions{}); err != nil {
			return fmt.Errorf("post %d: %w", i, err)
		}
	}
	for i, p := range pending {
		r, err := p.Wait(ctx)
		if err != nil {
			return fmt.Errorf("receipt %d: %w", i, err)
		}
		s.acked = append(s.acked, r)
		onAck()
	}
	return nil
}

// sendAll has all send at once.
func sendAll(t *testing.T, ctx context.Context, all []*sender, each int, onAck func()) {
	t.Helper()
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			if err := s.send(ctx, each, onAck); err != nil {
				t.Errorf("%s: %v", s.peer, err)
			}
		})
	}
	wg.Wait()
}

// check wants every member to have seen the same entries: gap-free, each once, from whom they say they
// are, at the places that their senders were told.
func check(t *testing.T, ctx context.Context, all []*sender, each int) {
	t.Helper()
	if t.Failed() {
		t.FailNow()
	}
	type key struct {
		by string
		n  int64
	}
	var first []member.Event
	for i, s := range all {
		seen := s.events.await(ctx, len(all)*each)
		if len(seen) != len(all)*each {
			t.Fatalf("member %d has %d entries, want %d", i, len(seen), len(all)*each)
		}
		if other := s.events.others(); len(other) > 0 {
			t.Fatalf("member %d was told of %q, want entries alone", i, other[0].Line)
		}
		at := map[key]int64{}
		for j, e := range seen {
			if e.Frame.Seq != s.start+int64(j)+1 {
				t.Fatalf("member %d: entry %d has the number %d, want %d", i, j, e.Frame.Seq, s.start+int64(j)+1)
			}
			k := key{stringOf(t, e.Frame.Payload, "by"), intOf(t, e.Frame.Payload, "n")}
			if string(e.Frame.From) != k.by {
				t.Fatalf("member %d: entry %d is from %s and says %s", i, j, e.Frame.From, k.by)
			}
			if e.Own != (e.Frame.From == s.peer) {
				t.Fatalf("member %d: entry %d of %s: own is %v", i, j, e.Frame.From, e.Own)
			}
			if _, twice := at[k]; twice {
				t.Fatalf("member %d: message %d of %s came twice", i, k.n, k.by)
			}
			at[k] = e.Frame.Seq
		}
		for n, r := range s.acked {
			if got := at[key{string(s.peer), int64(n)}]; got != r.Seq {
				t.Fatalf("member %d was told %d as the number of its message %d, and it came as %d", i, r.Seq, n, got)
			}
		}
		// Those who joined later start at a higher number only if something was sent meanwhile.
		if first == nil {
			first = seen
		}
		for j := range seen {
			if seen[j].Frame.Seq != first[j].Frame.Seq || string(seen[j].Frame.Payload) != string(first[j].Frame.Payload) {
				t.Fatalf("members 0 and %d differ at entry %d: %s and %s", i, j, first[j].Line, seen[j].Line)
			}
		}
	}
}

func stringOf(t *testing.T, object []byte, key string) string {
	t.Helper()
	s, err := jsontext.Str(fieldOf(object, key))
	if err != nil {
		t.Fatalf("%q of %s: %v", key, object, err)
	}
	return s
}

func intOf(t *testing.T, object []byte, key string) int64 {
	t.Helper()
	n, err := jsontext.Int(fieldOf(object, key))
	if err != nil {
		t.Fatalf("%q of %s: %v", key, object, err)
	}
	return n
}

func fieldOf(object []byte, key string) []byte {
	members := jsontext.MembersOf(object)
	for members.Next() {
		if string(members.Key) == key {
			return members.Value
		}
	}
	return nil
}

// TestTwentyMembers has twenty members, over all native transports, send at once.
func TestTwentyMembers(t *testing.T) {
	p := startHost(t)
	const members, each = 20, 200 // fewer in all than what either kind of group keeps, so that nobody misses one for being slow
	for _, id := range []wire.GroupID{"kept", "lobby"} {
		t.Run(string(id), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			all := gather(t, p, id, members)
			begun := time.Now()
			sendAll(t, ctx, all, each, func() {})
			check(t, ctx, all, each)
			t.Logf("%d messages to %d members in %v", members*each, members, time.Since(begun).Round(time.Millisecond))
			for _, s := range all {
				s.m.Close()
			}
		})
	}
	// Each message of the group with a record table is a row, of whoever sent it.
	m := p.member(node.QUIC)
	if n := string(call(t, m, `{"op":"count","table":"moves"}`, "count")); n != strconv.Itoa(members*each) {
		t.Errorf("the record table has %s rows, want %d", n, members*each)
	}
	if took := p.terminate(); took > 5*time.Second {
		t.Errorf("SIGTERM took %v, want at most 5s", took)
	}
}

// TestKilledHost kills the host in the middle of a durable group's traffic, twice. What was
// acknowledged is there afterwards, and nothing is there twice.
func TestKilledHost(t *testing.T) {
	t.Parallel()
	p := startHost(t)
	const members, each, kills, between = 8, 300, 2, 400
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	all := gather(t, p, "kept", members)
	epoch := all[0].s.Position().Epoch

	var acks, target atomic.Int64
	target.Store(between)
	reached := make(chan struct{}, 1)
	onAck := func() {
		n, at := acks.Add(1), target.Load()
		if at > 0 && n >= at && target.CompareAndSwap(at, 0) {
			reached <- struct{}{}
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { sendAll(t, ctx, all, each, onAck) })
	for range kills {
		select {
		case <-reached:
		case <-ctx.Done():
			t.Fatal("the members do not get their receipts")
		}
		p.kill()
		p.restart()
		n := acks.Load() // all that the first host has said, for its process has ended a while ago
		t.Logf("killed and started again after %d of %d receipts", n, members*each)
		target.Store(n + between)
	}
	wg.Wait()
	check(t, ctx, all, each)

	for i, s := range all {
		if got := s.s.Position().Epoch; got != epoch || got == "" {
			t.Errorf("member %d is in epoch %q, and the log began in %q", i, got, epoch)
		}
	}
	if n := string(call(t, all[0].m, `{"op":"count","table":"moves"}`, "count")); n != strconv.Itoa(members*each) {
		t.Errorf("the record table has %s rows, want %d", n, members*each)
	}
}
