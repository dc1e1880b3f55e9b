// Package together_test runs members and a relay against each other over a network that is cut at
// random bytes, and holds what every member saw against what the log really took in. The two sides do
// not import each other, so this is neither's own test.
package together_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

var seedFlag = flag.Uint64("seed", 0, "the seed of the random cuts; 0 for a new one")

// patience is how long, in the bubble's time, everything may take to come to rest.
const patience = 2 * time.Hour

// entry is what a log took in, or what a member saw of it.
type entry struct {
	seq  int64
	from wire.PeerID
	text string // the payload or patch
}

// truth is a Log that remembers all that it took in.
type truth struct {
	relay.Log

	// mu guards the following.
	mu      sync.Mutex
	entries []entry
}

func (l *truth) Append(ctx context.Context, id wire.GroupID, drafts []group.Draft) ([]group.Result, error) {
	results, err := l.Log.Append(ctx, id, drafts)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range results {
		if r.Err == nil && !r.Dup {
			l.entries = append(l.entries, entry{r.Seq, drafts[i].From, string(drafts[i].Payload) + string(drafts[i].Patch)})
		}
	}
	return results, err
}

func (l *truth) all() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// world is a host whose relay can be restarted, and its network.
type world struct {
	t    *testing.T
	net  *membertest.Net
	opts relay.Options
	cfg  group.Config

	// mu guards the following.
	mu    sync.Mutex
	relay *relay.Relay
}

func newWorld(t *testing.T, opts relay.Options, config string) *world {
	t.Helper()
	cfg, err := group.ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, opts: opts, cfg: cfg}
	w.net = &membertest.Net{Host: "host", Serve: w.serve}
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	r, err := relay.Open(context.Background(), w.opts)
	if err == nil {
		err = r.Ensure(context.Background(), w.cfg)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.relay = r
}

func (w *world) current() *relay.Relay {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.relay
}

// stop ends the relay, after a cut so that nobody hears its last words.
func (w *world) stop() {
	w.t.Helper()
	w.net.Down(wire.E(wire.Offline, "the host restarts"))
	w.net.Cut()
	if err := w.current().Shutdown(context.Background()); err != nil {
		w.t.Errorf("shutdown: %v", err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
	w.net.Down(nil)
}

func (w *world) serve(peer wire.PeerID, protocol string, s link.Stream) {
	if protocol == wire.GroupProtocol {
		w.current().Serve(context.Background(), peer, s)
		return
	}
	answerTime(s)
}

// answerTime works on a data stream of which only heartbeats are wanted.
func answerTime(s link.Stream) {
	r := link.NewReader(s, wire.MaxLine)
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		m := jsontext.MembersOf(line)
		m.Next() // the member writes the id first
		answer := `{"id":` + string(m.Value) + `,"time":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + "}\n"
		if _, err := s.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// player is one member with what it saw.
type player struct {
	t    *testing.T
	name wire.PeerID
	m    *member.Member
	s    *member.Session
	view member.View
	next int // number of the next post

	// mu guards the following.
	mu    sync.Mutex
	stall func() // called before each batch
	saw
}

// saw is what a player saw.
type saw struct {
	seen  []entry // of the epoch, from first on
	first int64   // the position of the epoch's first welcome
	last  int64
	epoch wire.Epoch
	gaps  int
	lives int // epochs seen
}

func (p *player) look() saw {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saw
}

func newPlayer(t *testing.T, w *world, name wire.PeerID) *player {
	t.Helper()
	p := &player{t: t, name: name}
	p.m = member.New(member.Options{Dialer: w.net.Dialer(name)})
	p.m.Start()
	p.view.Next = member.HandlerFunc(p.deliver)
	var err error
	if p.s, err = p.m.Open(w.cfg.ID, member.JoinOptions{Handler: &p.view}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *player) deliver(batch []member.Event) {
	p.mu.Lock()
	stall := p.stall
	p.mu.Unlock()
	if stall != nil {
		stall()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range batch {
		f := &e.Frame
		switch {
		case f.Type == member.TypeGap:
			p.gaps++
			if e.From != p.last {
				p.t.Errorf("%s: a gap from %d at %d", p.name, e.From, p.last)
			}
			p.last = e.To
		case f.Type == wire.TypeWelcome:
			if w := e.Welcome; w.Epoch != p.epoch {
				p.epoch, p.first, p.last, p.seen = w.Epoch, w.Seq, w.Seq, nil
				p.lives++
			} else if w.Seq != p.last {
				p.t.Errorf("%s: welcomed at %d after %d without a gap", p.name, w.Seq, p.last)
			}
		case f.Type == wire.TypeState && len(f.Payload) > 0:
			if f.Seq != p.last {
				p.t.Errorf("%s: a whole state of %d at %d", p.name, f.Seq, p.last)
			}
		case f.Type == wire.TypeState && len(f.Patch) == 0:
			p.last = f.Seq
		case f.Type == wire.TypeMsg || f.Type == wire.TypeState:
			if f.Seq != p.last+1 {
				p.t.Errorf("%s: entry %d after %d", p.name, f.Seq, p.last)
			}
			p.last = f.Seq
			if own := f.From == p.name; own != e.Own {
				p.t.Errorf("%s: entry %d from %s is own: %v", p.name, f.Seq, f.From, e.Own)
			}
			p.seen = append(p.seen, entry{f.Seq, f.From, string(f.Payload) + string(f.Patch)})
		case f.Type == wire.TypeClose || f.Type == wire.TypeError:
			p.t.Errorf("%s: %s", p.name, e.Line)
		}
	}
}

// sent is a posted entry with its text.
type sent struct {
	*member.Pending
	text string
}

// play posts n entries with short pauses, and returns them.
func (p *player) play(rng *random, n int) []sent {
	var out []sent
	for range n {
		text := fmt.Sprintf(`{"%s":%d}`, p.name, p.next)
		p.next++
		var pending *member.Pending
		var err error
		if rng.below(4) == 0 {
			pending, err = p.s.PostState([]byte(text), nil)
		} else {
			pending, err = p.s.Post([]byte(text), member.SendOptions{})
		}
		if err != nil {
			p.t.Errorf("%s: post %s: %v", p.name, text, err)
			return out
		}
		out = append(out, sent{pending, text})
		time.Sleep(time.Duration(rng.below(20)) * time.Millisecond)
	}
	return out
}

// run lets n players post each entries each while disturb does its worst, waits until all is
// answered and everybody has seen the end, and returns the players with what they posted. The caller
// closes them.
func run(t *testing.T, w *world, rng *random, n, each int, disturb func(ctx context.Context)) ([]*player, [][]sent) {
	t.Helper()
	players := make([]*player, n)
	posted := make([][]sent, n)
	for i := range players {
		players[i] = newPlayer(t, w, wire.PeerID("p"+strconv.Itoa(i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var disturbing, playing sync.WaitGroup
	disturbing.Go(func() { disturb(ctx) })
	for i, p := range players {
		playing.Go(func() { posted[i] = p.play(rng, each) })
	}
	playing.Wait()
	end, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for i, p := range players {
		for _, s := range posted[i] {
			select {
			case <-s.Done():
			case <-end.Done():
				t.Fatalf("%s: no answer to %s at %v", p.name, s.text, p.s.Position())
			}
		}
	}
	cancel()
	disturbing.Wait()
	return players, posted
}

// settle waits until all players are at the same position.
func settle(t *testing.T, players []*player, seq int64) {
	t.Helper()
	for begin := time.Now(); ; {
		behind := slices.IndexFunc(players, func(p *player) bool { return p.s.Position().Seq != seq })
		if behind < 0 {
			return
		}
		if time.Since(begin) > patience {
			t.Fatalf("%s is at %v, want %d", players[behind].name, players[behind].s.Position(), seq)
		}
		time.Sleep(time.Second)
	}
}

// closeAll ends everything, so that the bubble finds no goroutine left.
func closeAll(w *world, players []*player) {
	for _, p := range players {
		p.m.Close()
	}
	w.stop()
	w.net.Close()
}

func inBubble(t *testing.T, fn func(t *testing.T, rng *random)) {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) { fn(t, &random{rng: rand.New(rand.NewPCG(seed, 0))}) })
}

// random is a source of random numbers for many goroutines.
type random struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.IntN(n)
}

const lobby = `{"id":"lobby","type":"open"}`
const diary = `{"id":"diary","type":"persistent"}`

// checkReceipts holds what the log has against what was posted: each entry once, under the number of
// its receipt, and those of one player in the order in which it posted them.
func checkReceipts(t *testing.T, log []entry, players []*player, posted [][]sent) {
	t.Helper()
	total := 0
	for i, p := range players {
		last := int64(0)
		for _, s := range posted[i] {
			total++
			r, err := s.Wait(t.Context())
			if err != nil {
				t.Errorf("%s: %s: %v", p.name, s.text, err)
				continue
			}
			if r.Seq <= last || r.Seq > int64(len(log)) {
				t.Fatalf("%s: the receipt of %s is %d, after %d", p.name, s.text, r.Seq, last)
			}
			last = r.Seq
			if got, want := log[r.Seq-1], (entry{r.Seq, p.name, s.text}); got != want {
				t.Errorf("the log has %v, the receipt says %v", got, want)
			}
		}
	}
	if len(log) != total {
		t.Errorf("the log has %d entries, %d were posted", len(log), total)
	}
}

// checkStates holds the players' folded states and rosters against each other.
func checkStates(t *testing.T, players []*player) {
	t.Helper()
	want := players[0].view.State()
	for _, p := range players {
		if got := p.view.State(); string(got) != string(want) {
			t.Errorf("%s has the state %s, %s has %s", p.name, got, players[0].name, want)
		}
		if err := p.view.Err(); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if list, count := p.view.Members(); len(list) != len(players) || count != len(players) {
			t.Errorf("%s sees %d members and a count of %d, want %d", p.name, len(list), count, len(players))
		}
	}
}

func TestCutsAtRandomBytes(t *testing.T) {
	t.Parallel()
	for _, config := range []string{lobby, diary} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, rng *random) {
				log := &truth{Log: relay.NewMemLog(relay.MemLimits{})}
				w := newWorld(t, relay.Options{Memory: log, Durable: log}, config)
				w.net.Budget = func(wire.PeerID) int { return 200 + rng.below(20_000) }
				players, posted := run(t, w, rng, 8, 100, func(ctx context.Context) {
					for ctx.Err() == nil {
						time.Sleep(time.Duration(rng.below(3000)) * time.Millisecond)
						w.net.Cut()
					}
				})
				settle(t, players, int64(len(log.all())))
				time.Sleep(time.Minute) // past the roster's grace and everything that is on its way
				settle(t, players, int64(len(log.all())))
				checkReceipts(t, log.all(), players, posted)
				for _, p := range players {
					saw := p.look()
					if !slices.Equal(saw.seen, log.all()[saw.first:]) || saw.gaps > 0 {
						t.Errorf("%s saw %d entries after %d with %d gaps, not those of the log", p.name, len(saw.seen), saw.first, saw.gaps)
					}
				}
				checkStates(t, players)
				dials, twice := w.net.Dials()
				t.Logf("%d entries, %d connections", len(log.all()), len(dials))
				if twice {
					t.Error("a member dialled twice at once")
				}
				closeAll(w, players)
			})
		})
	}
}

// A log that forgets quickly, and windows that hold little: whoever is away misses entries, is told so,
// and still ends with the right state; and each entry is taken in once although its receipt may have
// been among what was missed.
func TestCutsWithALogThatForgets(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, rng *random) {
		log := &truth{Log: relay.NewMemLog(relay.MemLimits{Entries: 20})}
		w := newWorld(t, relay.Options{Memory: log, Limits: relay.Limits{WindowBytes: 1000}}, lobby)
		var calm atomic.Bool
		w.net.Budget = func(wire.PeerID) int {
			if calm.Load() {
				return -1
			}
			return 200 + rng.below(20_000)
		}
		players, posted := run(t, w, rng, 8, 100, func(context.Context) {})
		calm.Store(true)
		time.Sleep(time.Minute)
		all := log.all()
		settle(t, players, int64(len(all)))
		checkReceipts(t, all, players, posted)
		gaps := 0
		for _, p := range players {
			saw := p.look()
			gaps += saw.gaps
			for _, e := range saw.seen {
				if e != all[e.seq-1] {
					t.Errorf("%s saw %v, the log has %v", p.name, e, all[e.seq-1])
				}
			}
		}
		if gaps == 0 {
			t.Error("nobody had a gap, so this test has shown nothing")
		}
		checkStates(t, players)
		t.Logf("%d entries, %d gaps", len(all), gaps)
		closeAll(w, players)
	})
}

// A host that restarts under load, with a log that survives: to the members it is one log.
func TestRestartOfADurableGroup(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, rng *random) {
		log := &truth{Log: relay.NewMemLog(relay.MemLimits{})}
		w := newWorld(t, relay.Options{Durable: log}, diary)
		w.net.Budget = func(wire.PeerID) int { return 2000 + rng.below(50_000) }
		restarts := 0
		players, posted := run(t, w, rng, 6, 300, func(ctx context.Context) {
			for ctx.Err() == nil {
				time.Sleep(time.Duration(50+rng.below(600)) * time.Millisecond)
				w.restart()
				restarts++
			}
		})
		time.Sleep(time.Minute)
		settle(t, players, int64(len(log.all())))
		checkReceipts(t, log.all(), players, posted)
		for _, p := range players {
			saw := p.look()
			if !slices.Equal(saw.seen, log.all()[saw.first:]) || saw.gaps > 0 || saw.lives != 1 {
				t.Errorf("%s saw %d entries after %d with %d gaps in %d logs, want all %d of one", p.name, len(saw.seen), saw.first, saw.gaps, saw.lives, len(log.all()))
			}
		}
		checkStates(t, players)
		t.Logf("%d entries, %d restarts", len(log.all()), restarts)
		closeAll(w, players)
	})
}

// A group in memory begins anew with the host: what was on its way is refused, and nothing of it may
// appear in the new log.
func TestRestartOfAMemoryGroup(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, rng *random) {
		var logs []*truth
		fresh := func() relay.Log {
			logs = append(logs, &truth{Log: relay.NewMemLog(relay.MemLimits{})})
			return logs[len(logs)-1]
		}
		w := newWorld(t, relay.Options{Memory: fresh()}, lobby)
		players, posted := run(t, w, rng, 6, 300, func(ctx context.Context) {
			for ctx.Err() == nil {
				time.Sleep(time.Duration(50+rng.below(600)) * time.Millisecond)
				w.stop()
				w.opts.Memory = fresh()
				w.start()
				w.net.Down(nil)
			}
		})
		time.Sleep(time.Minute)
		for i, p := range players { // and now in peace
			posted[i] = append(posted[i], p.play(rng, 10)...)
		}
		time.Sleep(time.Minute)
		last := logs[len(logs)-1].all()
		settle(t, players, int64(len(last)))
		if len(last) < len(players)*10 {
			t.Errorf("the last log has %d entries", len(last))
		}
		found := map[string]int{}
		for _, log := range logs {
			for _, e := range log.all() {
				found[e.text]++
			}
		}
		refused := 0
		for i, p := range players {
			for _, s := range posted[i] {
				_, err := s.Wait(t.Context())
				if e, ok := err.(*wire.Error); err != nil && (!ok || e.Code != wire.EpochChanged) {
					t.Errorf("%s: %s: got %v, want epoch_changed", p.name, s.text, err)
				}
				if n := found[s.text]; n > 1 || n == 0 && err == nil {
					t.Errorf("%s: %s is in %d logs, its sender got %v", p.name, s.text, n, err)
				}
				if err != nil {
					refused++
				}
			}
			if saw := p.look(); !slices.Equal(saw.seen, last[saw.first:]) {
				t.Errorf("%s saw %d entries of the last log after %d, not the %d that it has", p.name, len(saw.seen), saw.first, len(last))
			}
		}
		if refused == 0 {
			t.Error("nothing was refused, so this test has shown little")
		}
		checkStates(t, players)
		t.Logf("%d logs, %d refused, %d entries in the last log", len(logs), refused, len(last))
		closeAll(w, players)
	})
}
