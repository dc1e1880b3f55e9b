package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"goop/host/bench/load"
)

// atOnce is how many connect at a time.
const atOnce = 16

// settled is how long a server is left alone before its memory counts.
const settled = 2 * time.Second

// server is a peer's process.
type server struct {
	*load.Process
	page string
}

// heap has the server collect its garbage, and returns what is left.
func (s *server) heap(ctx context.Context) (int64, error) {
	text, err := get(ctx, s.page+"heap")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}

// memory is what a server holds after a collection.
func (s *server) memory(ctx context.Context) (rss, heap int64, err error) {
	if heap, err = s.heap(ctx); err != nil {
		return 0, 0, err
	}
	select {
	case <-time.After(settled):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	rss, err = s.resident()
	return rss, heap, err
}

// resident is the memory that the process has now.
func (s *server) resident() (int64, error) {
	rss, ok := s.RSS()
	if !ok {
		return 0, errUnknown
	}
	return rss, nil
}

// spent is the CPU time that the process has used so far.
func (s *server) spent() (time.Duration, error) {
	d, ok := s.CPU()
	if !ok {
		return 0, errUnknown
	}
	return d, nil
}

var errUnknown = errors.New("what the server uses cannot be found out on this system")

// idle measures what members cost that do nothing.
func idle(ctx context.Context, sys *system, srv *server, members int, d time.Duration) (result, host map[string]any, err error) {
	rss, heap, err := srv.memory(ctx)
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	clients, err := connectAll(ctx, sys, sys.address, members, func(int, event) {})
	defer closeAll(clients)
	if err != nil {
		return nil, nil, err
	}
	elapsed := time.Since(began)
	laterRSS, laterHeap, err := srv.memory(ctx)
	if err != nil {
		return nil, nil, err
	}
	before, err := srv.spent()
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	after, err := srv.spent()
	n := int64(members)
	return map[string]any{"elapsedMs": milli(elapsed)}, map[string]any{
		"rss": laterRSS, "heap": laterHeap, "rssPerMember": (laterRSS - rss) / n, "heapPerMember": (laterHeap - heap) / n,
		"busy": float64(after-before) / float64(d),
	}, err
}

// join measures how long it takes, and what it costs the server, until all know of all.
func join(ctx context.Context, sys *system, srv *server, members int) (result, host map[string]any, err error) {
	if !sys.roster {
		return nil, nil, errors.New("it does not tell who is there")
	}
	address := sys.address + "?roster=1"
	if strings.Contains(sys.address, "?") {
		address = sys.address + "&roster=1"
	}
	before, err := srv.spent()
	if err != nil {
		return nil, nil, err
	}
	var missing atomic.Int64
	missing.Store(int64(members))
	done := make(chan struct{})
	began := time.Now()
	clients, err := connectAll(ctx, sys, address, members, func(_ int, e event) {
		if e.joined == members && missing.Add(-1) == 0 {
			close(done)
		}
	})
	defer closeAll(clients)
	// A thousand who leave, each of whom is told to the others, take longer than they took to come.
	defer srv.Kill()
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("%d do not know of all: %w", missing.Load(), ctx.Err())
	}
	elapsed := time.Since(began)
	after, err := srv.spent()
	return map[string]any{"elapsedMs": milli(elapsed), "hostCpuMs": milli(after - before)}, nil, err
}

// connectAll makes members, some at a time.
func connectAll(ctx context.Context, sys *system, address string, n int, got func(i int, e event)) ([]load.Client, error) {
	clients := make([]load.Client, n)
	errs := make([]error, n)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range clients {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			clients[i], errs[i] = sys.connect(ctx, address, func(e event) { got(i, e) })
		})
	}
	wg.Wait()
	return clients, errors.Join(errs...)
}

// milli is a time in milliseconds.
func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func closeAll(clients []load.Client) {
	_ = load.Each(len(clients), func(i int) error { // the other side is about to be ended
		if clients[i] == nil {
			return nil
		}
		return clients[i].Close()
	})
}
