package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// crowd is members that read what they are sent, and count what of it is rosters.
type crowd struct {
	w  *world
	wg sync.WaitGroup
	// mu guards the following.
	mu  sync.Mutex
	all []*onlooker
}

// onlooker is one of a crowd.
type onlooker struct {
	*folded
	lazy bool // it takes in only the counts: a thousand who know a thousand names is much to do
	// mu guards the following, and what is folded.
	mu      sync.Mutex
	at      []time.Time // of the members lines
	bytes   int         // of the welcome and the members lines
	longest int         // of the members lines
	known   map[wire.PeerID]bool
	strange []wire.PeerID // senders of whom it had not been told
}

func (c *crowd) join(peer wire.PeerID, line string, lazy bool) *onlooker {
	o := &onlooker{folded: fold(c.w.join(peer, line)), known: map[wire.PeerID]bool{}, lazy: lazy}
	o.bytes = len(o.m.welcome.Append(nil))
	o.note(o.m.welcome.Members)
	c.mu.Lock()
	c.all = append(c.all, o)
	c.mu.Unlock()
	c.wg.Go(o.read)
	return o
}

func (o *onlooker) note(members []wire.Member) {
	for i := range members {
		o.known[members[i].Peer] = true
	}
}

func (o *onlooker) read() {
	names := len(o.peers) > 0
	welcomed := o.m.welcome.More // the rest of its roster is no news, which come at a pace
	for {
		line, err := o.m.lines.ReadLine()
		if err != nil {
			if err != io.EOF {
				o.m.t.Errorf("%s: %v", o.m.peer, err)
			}
			return
		}
		if !bytes.Contains(line[:40], []byte(`"members"`)) {
			if f, err := wire.Decode(line); err != nil || names && f.From != "" && !o.known[f.From] {
				o.mu.Lock()
				o.strange = append(o.strange, f.From)
				o.mu.Unlock()
			}
			continue
		}
		o.mu.Lock()
		if !welcomed {
			o.at = append(o.at, time.Now())
		}
		welcomed = welcomed && bytes.HasSuffix(line, []byte(`"more":true}}`))
		o.bytes += len(line)
		o.longest = max(o.longest, len(line))
		if o.lazy && len(line) > 500 {
			o.count = -1
			o.mu.Unlock()
			continue
		}
		f, err := wire.Decode(line)
		if err != nil {
			o.m.t.Error(err)
			return
		}
		r, err := wire.ParseRoster(f.Payload)
		if err != nil {
			o.m.t.Error(err)
			return
		}
		for _, list := range [][]wire.Member{r.Members, r.Joined, r.Updated} { // they alias the line
			for i := range list {
				list[i].Meta = nil
			}
		}
		o.take(r)
		o.note(r.Members)
		o.note(r.Joined)
		names = len(o.peers) > 0
		o.mu.Unlock()
	}
}

// busiest returns the most members lines within a second.
func (o *onlooker) busiest() int {
	most, first := 0, 0
	for i, at := range o.at {
		for at.Sub(o.at[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// leave has some go.
func (c *crowd) leave(some []*onlooker) {
	for _, o := range some {
		o.m.send(`{"type":"leave"}`)
	}
	synctest.Wait()
}

// TestJoinersThatSpeak: many join at once, and each sends a message with its first breath. There are no more
// members lines for that, and nobody hears from somebody of whom it was not told.
func TestJoinersThatSpeak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		w := open(t, relay.Options{})
		w.create(lobby)
		c := crowd{w: w}
		var joins sync.WaitGroup
		for i := range n {
			joins.Go(func() {
				time.Sleep(time.Duration(rand.N(2000)) * time.Millisecond)
				o := c.join(wire.PeerID(fmt.Sprintf("P%03d", i)), fmt.Sprintf(join, "s"), false)
				if i%2 == 0 {
					o.m.send(`{"type":"msg","id":"1","payload":1}`)
				} else {
					o.m.send(`{"type":"msg","volatile":true,"payload":1}`)
				}
			})
		}
		joins.Wait()
		time.Sleep(time.Second)
		for _, o := range c.all {
			o.mu.Lock()
			if b := o.busiest(); b > 10 {
				t.Errorf("%s got %d members lines in a second", o.m.peer, b)
			}
			if len(o.strange) > 0 {
				t.Errorf("%s heard of %v by a message", o.m.peer, o.strange)
			}
			if len(o.peers) != n || o.count != n {
				t.Errorf("%s knows %d and the count %d, want %d", o.m.peer, len(o.peers), o.count, n)
			}
			o.mu.Unlock()
		}
		c.leave(c.all)
		c.wg.Wait()
	})
}

// TestJoinStorm has 2,000 join one group, counts what each is sent of the roster, and checks that in the end
// they all know the same: the count while there are many, and the names when there are fewer again.
func TestJoinStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("2,000 members")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, names := 2000, 1000
		if racing { // with 6,000 goroutines the race detector would take a quarter of an hour
			n, names = 200, 100
		}
		const over = 4 // seconds
		r, err := relay.Open(t.Context(), relay.Options{
			Logger: slog.New(slog.DiscardHandler), Limits: relay.Limits{RosterNames: names},
		})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Relay: r, t: t}
		w.create(lobby)
		c := crowd{w: w}
		began := time.Now()
		var joins sync.WaitGroup
		for i := range n {
			joins.Go(func() {
				time.Sleep(time.Duration(rand.N(over*1000)) * time.Millisecond)
				o := c.join(wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i)),
					fmt.Sprintf(`{"type":"join","group":"lobby","session":"s","caps":["delta"],"meta":{"label":"Visitor %d"}}`, i), i%20 != 0)
				if i%100 == 0 {
					o.m.send(`{"type":"msg","id":"1","payload":1}`)
				}
			})
		}
		joins.Wait()
		time.Sleep(time.Second)
		// An entry here is about 170 bytes. Each member gets at most names of them twice, and the counts.
		const entry, line = 200, 120
		seconds := int(time.Since(began)/time.Second) + 1
		mostLines, mostBytes := 0, 0
		for _, o := range c.all {
			o.mu.Lock()
			if b := o.busiest(); b > 10 {
				t.Errorf("%s got %d members lines in a second", o.m.peer, b)
			}
			mostLines, mostBytes = max(mostLines, len(o.at)), max(mostBytes, o.bytes)
			if o.longest > 256<<10 {
				t.Errorf("%s got a line of %d bytes", o.m.peer, o.longest)
			}
			if !o.lazy && len(o.peers) != 0 || o.count != n {
				t.Errorf("%s knows %d and the count %d, want only the count", o.m.peer, len(o.peers), o.count)
			}
			o.mu.Unlock()
		}
		t.Logf("%d joined in %d s; a member got at most %d members lines, and %d bytes of the roster", n, over, mostLines, mostBytes)
		if mostLines > 10*seconds || mostBytes > 2*names*entry+10*seconds*line {
			t.Errorf("a member got up to %d lines and %d bytes in %d s", mostLines, mostBytes, seconds)
		}

		// At the edge nothing changes; a tenth below it, there are names again.
		edge := names - names/20
		c.leave(c.all[:n-edge])
		time.Sleep(time.Second)
		rest := c.all[n-edge:]
		for _, o := range rest {
			o.mu.Lock()
			if !o.lazy && len(o.peers) != 0 || o.count != len(rest) {
				t.Errorf("%s knows %d and the count %d, want only %d", o.m.peer, len(o.peers), o.count, len(rest))
			}
			o.mu.Unlock()
		}
		late := c.join(alice, fmt.Sprintf(join, "a"), false)
		if len(late.m.welcome.Members) != 0 || late.m.welcome.Count != len(rest)+1 {
			t.Errorf("a late one is welcomed with %d names and the count %d", len(late.m.welcome.Members), late.m.welcome.Count)
		}
		c.leave(rest[:names/10])
		rest = append(slices.Clone(rest[names/10:]), late)
		time.Sleep(time.Second)
		want := map[wire.PeerID]bool{}
		for _, o := range rest {
			want[o.m.peer] = true
		}
		for _, o := range rest {
			o.mu.Lock()
			got := map[wire.PeerID]bool{}
			for peer := range o.peers {
				got[peer] = true
			}
			if !o.lazy && (!maps.Equal(got, want) || o.count != len(rest)) {
				t.Errorf("%s knows %d and the count %d, want all %d", o.m.peer, len(got), o.count, len(rest))
			}
			o.mu.Unlock()
		}
		c.leave(rest)
		if err := w.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		c.wg.Wait()
		w.serving.Wait()
	})
}
