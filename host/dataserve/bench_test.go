package dataserve_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"goop/shared/wire"
)

// inParallel spreads requests over 64 streams, each of which has one under way at a time.
func inParallel(b *testing.B, h *host, line func(i int64) string, want string) {
	b.Helper()
	var wg sync.WaitGroup
	clients := make([]*client, 64)
	turns := make(chan int64)
	failed := make(chan struct{}, len(clients))
	for i := range clients {
		clients[i] = h.connect(wire.PeerID(fmt.Sprint("peer", i)))
	}
	for _, c := range clients {
		wg.Go(func() {
			for i := range turns {
				if got := c.ask(line(i)); !strings.Contains(got, want) {
					b.Errorf("got %s", got)
					failed <- struct{}{}
					return
				}
			}
		})
	}
	b.ReportAllocs()
	for i := int64(1); b.Loop(); i++ {
		select {
		case turns <- i:
		case <-failed:
			b.FailNow()
		}
	}
	b.StartTimer() // until the last answer is there
	close(turns)
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	for _, c := range clients {
		_ = c.st.CloseWrite()
	}
}

func benchHost(b *testing.B, filled int) *host {
	h := newHost(b, site(b, notes))
	c := h.connect("filler")
	for i := range filled {
		c.ask(fmt.Sprintf(`{"id":1,"op":"insert","table":"notes","values":{"n":%d,"text":"some text that is as long as a short note"},"key":"fill-%016d"}`, i%100, i))
	}
	_ = c.st.CloseWrite()
	return h
}

func BenchmarkInsert(b *testing.B) {
	h := benchHost(b, 0)
	inParallel(b, h, func(i int64) string {
		return fmt.Sprintf(`{"id":1,"op":"insert","table":"notes","values":{"n":%d,"text":"some text that is as long as a short note"},"key":"key-%016d"}`, i%100, i)
	}, `"row":{`)
}

func BenchmarkGet(b *testing.B) {
	h := benchHost(b, 1)
	c := h.connect("asker")
	_, rest, _ := strings.Cut(c.ask(`{"id":1,"op":"query","table":"notes"}`), `"_id":`)
	_ = c.st.CloseWrite()
	id, _, _ := strings.Cut(rest, ",")
	inParallel(b, h, func(int64) string { return `{"id":1,"op":"get","table":"notes","row":` + id + `}` }, `"row":{`)
}

func BenchmarkQuery(b *testing.B) {
	h := benchHost(b, 2000)
	inParallel(b, h, func(i int64) string {
		return fmt.Sprintf(`{"id":1,"op":"query","table":"notes","where":{"n":%d},"order":["-_id"],"limit":20}`, i%100)
	}, `"rows":[{`)
}

// One insert, until all who watch have its event, or the one whose row it is where each sees its own alone.
func BenchmarkWatch(b *testing.B) {
	for _, watchers := range []int{100, 1000} {
		for _, limit := range []int{20, 1000} {
			b.Run(fmt.Sprint("watchers=", watchers, "/rows=", limit), func(b *testing.B) {
				benchWatch(b, watchers, limit, notes, func(int) bool { return true })
			})
		}
		own := strings.Replace(notes, `"read":"open"`, `"read":"author"`, 1)
		b.Run(fmt.Sprint("watchers=", watchers, "/author"), func(b *testing.B) {
			benchWatch(b, watchers, 20, own, func(i int) bool { return i == 0 })
		})
	}
}

func benchWatch(b *testing.B, n, limit int, tables string, sees func(watcher int) bool) {
	h := newHost(b, site(b, tables))
	h.server.Rates.Writes = 1e6
	watchers := make([]*client, n)
	for i := range watchers {
		watchers[i] = h.connect(wire.PeerID(fmt.Sprint("peer", i)))
	}
	c := h.connect("peer0")
	insert := func(i int) {
		c.ask(fmt.Sprintf(`{"id":1,"op":"insert","table":"notes","values":{"n":1,"text":"some text that is as long as a short note"},"key":"key-%016d"}`, i))
	}
	for i := range limit {
		insert(i)
	}
	for _, w := range watchers {
		w.ask(fmt.Sprintf(`{"id":7,"op":"watch","table":"notes","order":["-_id"],"limit":%d}`, limit))
	}
	events, bytes := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		limit++
		insert(limit)
		for i, w := range watchers {
			if !sees(i) {
				continue
			}
			got := w.recv()
			if !strings.HasPrefix(got, `{"watch":7,"added":[`) {
				b.Fatalf("got %s", got)
			}
			events, bytes = events+1, bytes+len(got)
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(bytes)/float64(events), "bytes/event")
	for _, c := range append(watchers, c) {
		_ = c.st.CloseWrite()
	}
}
