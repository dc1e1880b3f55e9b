package together_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/relay"
	"goop/shared/member"
	"goop/shared/member/membertest"
	"goop/shared/wire"
)

// browser is one peer, whose pages come and go and share a store.
type browser struct {
	t     *testing.T
	w     *world
	rng   *random
	name  wire.PeerID
	store membertest.Store

	// mu guards the following.
	mu    sync.Mutex
	pages int
	must  []string // what has to be in the log in the end
	lines []string // of the pages, in the order of their posts: all that may be
}

// visit is one page: it joins, posts some messages, and ends in one of the ways in which pages end.
func (b *browser) visit(posts int) {
	b.mu.Lock()
	b.pages++
	page := b.pages
	b.mu.Unlock()
	store := b.store.Page()
	m := member.New(member.Options{Dialer: b.w.net.Dialer(b.name), Store: store, OnWarn: func(message string) { b.t.Error(message) }})
	m.Start()
	defer m.Close()
	s, err := m.Join(b.t.Context(), b.w.cfg.ID, member.JoinOptions{Handler: member.HandlerFunc(b.check)})
	if err != nil {
		b.t.Error(err)
		return
	}
	type posted struct {
		text string
		at   time.Time
	}
	var all []posted
	for i := range posts {
		text := fmt.Sprintf(`"%s page %d post %d"`, b.name, page, i)
		b.mu.Lock()
		_, err := s.Post([]byte(text), member.SendOptions{})
		b.lines = append(b.lines, text)
		b.mu.Unlock()
		if err != nil {
			b.t.Error(err)
			return
		}
		all = append(all, posted{text, time.Now()})
		time.Sleep(time.Duration(b.rng.below(60)) * time.Millisecond)
	}
	time.Sleep(time.Duration(b.rng.below(200)) * time.Millisecond)
	sure := time.Now()
	switch b.rng.below(3) {
	case 0: // a reload
		m.Suspend()
		time.Sleep(time.Millisecond)
		store.Kill()
	case 1: // a crash: the last moments may be lost
		sure = sure.Add(-100 * time.Millisecond)
		store.Kill()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range all {
		if p.at.Before(sure) {
			b.must = append(b.must, p.text)
		}
	}
}

func (b *browser) check(batch []member.Event) {
	for _, e := range batch {
		if e.Err != nil {
			b.t.Errorf("%s: %s", b.name, e.Line)
		}
	}
}

// Pages that end in all ways, tabs beside them, cut connections and a host that restarts: what was
// posted is taken in once and in order.
func TestVisits(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, rng *random) {
		log := &truth{Log: relay.NewMemLog(relay.MemLimits{})}
		w := newWorld(t, relay.Options{Durable: log}, diary)
		w.net.Budget = func(wire.PeerID) int { return 1000 + rng.below(20_000) }
		var browsers []*browser
		var visiting sync.WaitGroup
		for i := range 5 {
			b := &browser{t: t, w: w, rng: rng, name: wire.PeerID(fmt.Sprint("p", i))}
			browsers = append(browsers, b)
			for tab := 0; tab == 0 || i > 2 && tab < 2; tab++ {
				visiting.Go(func() {
					for range 12 {
						b.visit(rng.below(30))
						time.Sleep(time.Duration(rng.below(15_000)) * time.Millisecond)
					}
				})
			}
		}
		over := make(chan struct{})
		var disturbing sync.WaitGroup
		disturbing.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(time.Duration(100+rng.below(5_000)) * time.Millisecond):
				}
				if rng.below(3) == 0 {
					w.stop()
					time.Sleep(time.Duration(rng.below(5_000)) * time.Millisecond)
					w.start()
					w.net.Down(nil)
				} else {
					w.net.Cut()
				}
			}
		})
		visiting.Wait()
		close(over)
		disturbing.Wait()

		w.net.Budget = nil
		var last []*member.Member
		for _, b := range browsers { // a last visit, in peace
			m := member.New(member.Options{Dialer: w.net.Dialer(b.name), Store: b.store.Page()})
			m.Start()
			last = append(last, m)
			if _, err := m.Join(t.Context(), w.cfg.ID, member.JoinOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		restored := 0
		for i, b := range browsers {
			if n := b.store.Entries(); n != 0 {
				t.Errorf("%s: %d entries are still stored: %q", b.name, n, b.store.Rows())
			}
			var took []string
			for _, e := range log.all() {
				if e.from == b.name {
					took = append(took, e.text)
				}
			}
			for _, text := range b.must {
				if !slices.Contains(took, text) {
					t.Errorf("%s was lost", text)
				}
			}
			if sorted := slices.Sorted(slices.Values(took)); len(slices.Compact(sorted)) != len(took) {
				t.Errorf("%s: something was taken in twice: %q", b.name, took)
			}
			restored += len(took)
			b.checkOrder(took, i > 2)
		}
		t.Logf("%d entries", restored)
		for _, m := range last {
			m.Close()
		}
		w.stop()
		w.net.Close()
	})
}

// checkOrder holds the order of the log against that of the posts: of each page, where there were several at
// a time.
func (b *browser) checkOrder(took []string, tabs bool) {
	place := map[string]int{}
	for i, text := range b.lines {
		place[text] = i
	}
	last := map[string]string{}
	for _, text := range took {
		page := ""
		if tabs {
			page, _, _ = strings.Cut(text, " post ")
		}
		if before := last[page]; before != "" && place[before] > place[text] {
			b.t.Errorf("%s came after %s", text, before)
		}
		last[page] = text
	}
}
