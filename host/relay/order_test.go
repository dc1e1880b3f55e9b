package relay_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

var seedFlag = flag.Uint64("seed", 0, "seed of TestOrderThroughCuts; 0 takes a new one")

// talker is a member that sends its messages one after the other, again after each cut until they are
// acknowledged, and keeps what it sees by seq.
type talker struct {
	w     *world
	peer  wire.PeerID
	rnd   *rand.Rand
	cuts  int // how often it still loses its connection
	todo  []string
	epoch wire.Epoch
	pos   int64
	seen  map[int64]string // id of the entry at each seq; "" for one that was not for us
	acks  map[string]int64
	fault error
}

func (a *talker) run(done *sync.WaitGroup, total int) {
	defer done.Done()
	for a.fault == nil && (len(a.acks) < len(a.todo) || len(a.seen) < total) {
		a.fault = a.life(total)
	}
}

// life is one connection. It returns nil when it was cut and when everything is there.
func (a *talker) life(total int) error {
	m := a.w.dial(a.peer)
	defer m.stream.Close()
	join := `{"type":"join","group":"lobby","session":"one","caps":["delta"]}`
	if a.epoch != "" {
		join = fmt.Sprintf(`{"type":"join","group":"lobby","session":"one","caps":["delta"],"since":{"epoch":%q,"seq":%d}}`, a.epoch, a.pos)
	}
	m.send(join)
	f, err := m.read()
	if err != nil || f.Type != wire.TypeWelcome {
		return fmt.Errorf("instead of a welcome: %s, %w", f.text, err)
	}
	welcome, err := wire.ParseWelcome(f.Payload)
	if err != nil {
		return err
	}
	if a.epoch != "" && (!welcome.Resumed || welcome.Seq != a.pos) {
		return fmt.Errorf("not resumed at %d: %s", a.pos, f.text)
	}
	a.epoch, a.pos = welcome.Epoch, welcome.Seq
	var left int // lines until the cut
	if a.cuts > 0 {
		a.cuts--
		left = 1 + a.rnd.IntN(60)
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	defer func() { _ = m.stream.Reset() }()
	var unsettled []string
	for _, id := range a.todo {
		if _, ok := a.acks[id]; !ok {
			unsettled = append(unsettled, id)
		}
	}
	sending.Go(func() {
		for _, id := range unsettled {
			line := fmt.Sprintf(`{"type":"msg","id":%q,"payload":%q}`+"\n", id, id)
			if len(id)%5 == 0 {
				line = fmt.Sprintf(`{"type":"msg","id":%q,"to":"nobody","payload":%q}`+"\n", id, id)
			}
			if _, err := m.stream.Write([]byte(line)); err != nil {
				return
			}
		}
	})
	for len(a.acks) < len(a.todo) || len(a.seen) < total {
		f, err := m.read()
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if err := a.take(f); err != nil {
			return fmt.Errorf("%w in %s", err, f.text)
		}
		if left--; left == 0 {
			return nil
		}
	}
	return nil
}

// take checks one line against all that came before.
func (a *talker) take(f frame) error {
	switch {
	case f.Type == wire.TypeMembers:
		return nil
	case f.Type == wire.TypeError || f.Type == wire.TypeClose:
		return fmt.Errorf("unexpected")
	case f.Type == wire.TypeState && f.Payload == nil && f.Patch == nil && !f.Ack:
		if f.Seq <= a.pos {
			return fmt.Errorf("position %d goes back", a.pos)
		}
		for a.pos < f.Seq {
			a.pos++
			a.seen[a.pos] = ""
		}
		return nil
	case f.Ack && f.Seq <= a.pos: // of a repeat
		if seq, ok := a.acks[f.ID]; ok && seq != f.Seq {
			return fmt.Errorf("acknowledged with %d before", seq)
		}
		a.acks[f.ID] = f.Seq
		return nil
	case f.Seq != a.pos+1:
		return fmt.Errorf("gap after %d", a.pos)
	}
	a.pos = f.Seq
	id := f.ID
	if f.Ack {
		a.acks[id] = f.Seq
	} else {
		id = string(f.Payload[1 : len(f.Payload)-1])
		if f.From == a.peer {
			return fmt.Errorf("own message not acknowledged")
		}
	}
	a.seen[f.Seq] = id
	return nil
}

// TestOrderThroughCuts has many members talk at once while their connections are cut at random places,
// and checks that all of them saw one and the same order: gap-free, each message once, each one
// acknowledged with its place.
func TestOrderThroughCuts(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed=%d", seed)
	synctest.Test(t, func(t *testing.T) {
		const talkers, each = 12, 40
		w := open(t, relay.Options{Limits: relay.Limits{WindowBytes: 4 << 10, WriteBytes: 1 << 10, BatchSize: 7}})
		w.create(lobby)
		var done sync.WaitGroup
		all := make([]*talker, talkers)
		for i := range all {
			a := &talker{
				w: w, peer: wire.PeerID(fmt.Sprintf("P%02d", i)), rnd: rand.New(rand.NewPCG(seed, uint64(i))),
				cuts: 8, seen: map[int64]string{}, acks: map[string]int64{},
			}
			for n := range each {
				a.todo = append(a.todo, fmt.Sprintf("%s-%d", a.peer, n*n*n))
			}
			all[i] = a
		}
		// All join before the first message, so that each has to see all of them.
		for _, a := range all {
			m := w.join(a.peer, `{"type":"join","group":"lobby","session":"one"}`)
			a.epoch = m.welcome.Epoch
			_ = m.stream.Reset()
		}
		for _, a := range all {
			done.Add(1)
			go a.run(&done, talkers*each)
		}
		done.Wait()
		order := map[int64]string{}
		for _, a := range all {
			if a.fault != nil {
				t.Fatalf("%s: %v", a.peer, a.fault)
			}
			for seq, id := range a.seen {
				if id == "" {
					continue
				}
				if other, ok := order[seq]; ok && other != id {
					t.Fatalf("entry %d is %s to one and %s to another", seq, other, id)
				}
				order[seq] = id
			}
		}
		places := map[string]int64{}
		for seq, id := range order {
			if other, ok := places[id]; ok {
				t.Fatalf("%s stands at %d and at %d", id, other, seq)
			}
			places[id] = seq
		}
		if len(order) != talkers*each {
			t.Errorf("got %d entries, want %d", len(order), talkers*each)
		}
		for _, a := range all {
			last := int64(0)
			for _, id := range a.todo {
				if a.acks[id] != places[id] {
					t.Errorf("%s acknowledged with %d, stands at %d", id, a.acks[id], places[id])
				}
				if places[id] < last {
					t.Errorf("%s stands before what was sent before it", id)
				}
				last = places[id]
			}
		}
		time.Sleep(time.Minute) // every grace is over
		for _, s := range w.Stats() {
			if s.Members != 0 || s.Sessions != 0 {
				t.Errorf("left behind: %+v", s)
			}
		}
	})
}
