package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// san is what a row says beside its place.
const san = "Nf3xe5+ and a word or two about why"

// patience bounds everything that should take a moment.
const patience = 2 * time.Minute

// part is what one kind of load came to.
type part struct {
	perSecond float64
	cpu       time.Duration // of the host, for 1,000 operations
	p50, p99  time.Duration
}

// result is one round of one host.
type result struct{ insert, get, query, live part }

// measure puts one host under all kinds of load.
func measure(ctx context.Context, s system, l load) (r result, err error) {
	dir, err := os.MkdirTemp("", "goop-bench")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	p, err := s.start(ctx, dir)
	if err != nil {
		return r, err
	}
	defer p.stop()
	clients, closeAll, err := connect(ctx, s, l.clients)
	if err != nil {
		return r, err
	}
	defer closeAll()

	ids := make([][]string, l.clients)
	r.insert, err = phase(ctx, p, clients, l.phase, func(ctx context.Context, i int, c client) error {
		n := len(ids[i])
		id, err := c.insert(ctx, row{gameOf(i, n), n % rowsOfGame})
		ids[i] = append(ids[i], id)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("insert: %w", err)
	}
	// The last game of each client gets the rows that it lacks; a game is there for each.
	for i, c := range clients {
		for len(ids[i]) == 0 || len(ids[i])%rowsOfGame != 0 {
			n := len(ids[i])
			id, err := c.insert(ctx, row{gameOf(i, n), n % rowsOfGame})
			if err != nil {
				return r, err
			}
			ids[i] = append(ids[i], id)
		}
	}
	r.get, err = phase(ctx, p, clients, l.phase, func(ctx context.Context, _ int, c client) error {
		mine := ids[rand.IntN(len(ids))]
		return c.get(ctx, mine[rand.IntN(len(mine))])
	})
	if err != nil {
		return r, fmt.Errorf("get: %w", err)
	}
	r.query, err = phase(ctx, p, clients, l.phase, func(ctx context.Context, _ int, c client) error {
		i := rand.IntN(len(ids))
		return c.query(ctx, gameOf(i, rand.IntN(len(ids[i]))))
	})
	if err != nil {
		return r, fmt.Errorf("query: %w", err)
	}
	r.live, err = live(ctx, p, s, clients[:l.writers], l)
	if err != nil {
		return r, fmt.Errorf("live: %w", err)
	}
	return r, nil
}

// gameOf names the game of a client's row.
func gameOf(client, n int) string { return fmt.Sprint("game-", client, "-", n/rowsOfGame) }

// connect makes clients, some at a time.
func connect(ctx context.Context, s system, n int) (all []client, closeAll func(), err error) {
	all = make([]client, n)
	closeAll = func() {
		var wg sync.WaitGroup
		for _, c := range all {
			if c != nil {
				wg.Go(c.close)
			}
		}
		wg.Wait()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	errs := make([]error, n)
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i], errs[i] = s.client(ctx)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			all[i] = nil
			closeAll()
			return nil, nil, err
		}
	}
	return all, closeAll, nil
}

// phase has all clients do the same thing, again and again, for a while.
func phase(ctx context.Context, p *process, clients []client, d time.Duration, do func(ctx context.Context, i int, c client) error) (part, error) {
	ctx, cancel := context.WithTimeout(ctx, d+patience)
	defer cancel()
	took := make([][]time.Duration, len(clients))
	errs := make([]error, len(clients))
	before, err := p.cpu()
	if err != nil {
		return part{}, err
	}
	begun := time.Now()
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for errs[i] == nil && time.Since(begun) < d {
				at := time.Now()
				errs[i] = do(ctx, i, c)
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begun)
	after, err := p.cpu()
	if err != nil {
		return part{}, err
	}
	for _, err := range errs {
		if err != nil {
			return part{}, err
		}
	}
	return summary(slices.Concat(took...), elapsed, after-before), nil
}

// summary makes a part of the times that its operations took.
func summary(took []time.Duration, elapsed, cpu time.Duration) part {
	slices.Sort(took)
	return part{
		perSecond: float64(len(took)) / elapsed.Seconds(),
		cpu:       cpu * 1000 / time.Duration(max(1, len(took))),
		p50:       took[len(took)/2],
		p99:       took[len(took)*99/100],
	}
}

// live has watchers follow games into which others write, one game after another: each time every watcher
// gets every row, and only then the next burst begins. An event is one row that one watcher got; its time is
// that from when the request for it was made.
func live(ctx context.Context, p *process, s system, writers []client, l load) (part, error) {
	watchers, closeAll, err := connect(ctx, s, l.watchers)
	if err != nil {
		return part{}, err
	}
	defer closeAll()
	var took []time.Duration
	var elapsed, cpu time.Duration
	for n := 0; elapsed < l.live; n++ {
		b := burst{game: "live-" + strconv.Itoa(n), rows: l.burst, begun: make([]atomic.Int64, l.burst), done: make(chan struct{})}
		b.missing.Store(int64(l.burst * l.watchers))
		t, e, c, err := b.run(ctx, p, writers, watchers)
		if err != nil {
			return part{}, err
		}
		took, elapsed, cpu = append(took, t...), elapsed+e, cpu+c
	}
	return summary(took, elapsed, cpu), nil
}

// burst is a number of rows that are written into one game and watched.
type burst struct {
	game    string
	rows    int
	begun   []atomic.Int64 // when the request for each row was made, in nanoseconds of the epoch
	missing atomic.Int64   // rows that watchers have not got yet, of all
	done    chan struct{}  // closed when there are none
}

func (b *burst) run(ctx context.Context, p *process, writers, watchers []client) (took []time.Duration, elapsed, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	times := make([][]time.Duration, len(watchers)) // each is its watcher's until done
	for i, w := range watchers {
		times[i] = make([]time.Duration, b.rows)
		err := w.watch(ctx, b.game, func(ply int) {
			if ply < 0 || ply >= b.rows || times[i][ply] != 0 {
				return
			}
			times[i][ply] = time.Duration(time.Now().UnixNano() - b.begun[ply].Load())
			if b.missing.Add(-1) == 0 {
				close(b.done)
			}
		})
		if err != nil {
			return nil, 0, 0, err
		}
	}
	before, err := p.cpu()
	if err != nil {
		return nil, 0, 0, err
	}
	begun := time.Now()
	var next atomic.Int64
	errs := make([]error, len(writers))
	var wg sync.WaitGroup
	for i, c := range writers {
		wg.Go(func() {
			for errs[i] == nil {
				ply := int(next.Add(1)) - 1
				if ply >= b.rows {
					return
				}
				b.begun[ply].Store(time.Now().UnixNano())
				_, errs[i] = c.insert(ctx, row{b.game, ply})
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, 0, 0, err
		}
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil, 0, 0, fmt.Errorf("%d of %d rows have not come to those who watch", b.missing.Load(), b.rows*len(watchers))
	}
	elapsed = time.Since(begun)
	after, err := p.cpu()
	return slices.Concat(times...), elapsed, after - before, err
}
