package together_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"goop/host/relay"
	"goop/host/store"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

// BenchmarkAppendDurable measures the way of an entry from its line at the host until its sender has the
// acknowledgement: one group each for so many senders, over the store as it is in use (synchronous=FULL). The streams
// are in memory, so that nothing but the relay and the store is measured. A sender has up to 64 messages on their
// way, which is what a host allows, or one.
func BenchmarkAppendDurable(b *testing.B) {
	for _, tt := range []struct{ groups, window int }{{1, 1}, {1, 64}, {64, 1}, {64, 64}} {
		b.Run(fmt.Sprint("groups=", tt.groups, "/window=", tt.window), func(b *testing.B) {
			benchAppend(b, tt.groups, tt.window)
		})
	}
}

func benchAppend(b *testing.B, groups, window int) {
	db, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	r, err := relay.Open(b.Context(), relay.Options{
		Durable: db.Log(), Registry: db.Registry(),
		Limits: relay.Limits{LineBurst: 1e9, Bytes: 1e12, ByteBurst: 1e12}, Wire: wire.Limits{Rate: 1e9},
	})
	if err != nil {
		b.Fatal(err)
	}
	var serving sync.WaitGroup
	b.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			b.Error(err)
		}
		serving.Wait()
	})
	senders := make([]*appendSender, groups)
	var left, round atomic.Int64
	for i := range senders {
		cfg, err := group.ParseConfig(fmt.Appendf(nil, `{"id":"g%d","name":"G","type":"open","durable":true}`, i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Create(b.Context(), group.Caller{Owner: true}, cfg); err != nil {
			b.Fatal(err)
		}
		near, far := link.Pipe(0)
		peer := wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i))
		serving.Go(func() { r.Serve(context.Background(), peer, far) })
		senders[i] = &appendSender{stream: near, acked: make(chan int, 1<<16)}
		if _, err := fmt.Fprintf(near, `{"type":"join","group":%q,"session":"s","caps":["delta"]}`+"\n", cfg.ID); err != nil {
			b.Fatal(err)
		}
		serving.Go(senders[i].read)
		b.Cleanup(func() { _ = near.Close() })
	}
	before := db.Commits()
	b.ReportAllocs()
	// A round is so long that the senders' start and end are a small part of it.
	perRound, rounds := 16<<10, 0
	if testing.Short() {
		perRound = 1 << 10
	}
	for b.Loop() {
		rounds++
		round.Add(1)
		left.Store(int64(perRound))
		var sending sync.WaitGroup
		for _, s := range senders {
			sending.Go(func() { s.send(b, &left, int(round.Load()), window) })
		}
		sending.Wait()
	}
	n := float64(rounds * perRound)
	b.ReportMetric(n/b.Elapsed().Seconds(), "acks/s")
	b.ReportMetric(n/float64(db.Commits()-before), "acks/commit")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/ack")
	b.ReportMetric(0, "ns/op")
}

// appendSender is the far end of a stream, which writes ready-made lines and counts what comes back.
type appendSender struct {
	stream link.Stream
	acked  chan int
	sent   int
}

// read counts the acknowledgements.
func (s *appendSender) read() {
	buf := make([]byte, 64<<10)
	rest := 0 // bytes of a line that has not come whole
	for {
		n, err := s.stream.Read(buf[rest:])
		text := buf[:rest+n]
		end := bytes.LastIndexByte(text, '\n') + 1
		if c := bytes.Count(text[:end], ackMark); c > 0 {
			s.acked <- c
		}
		rest = copy(buf, text[end:])
		if err != nil {
			return
		}
	}
}

var ackMark = []byte(`"ack":true`)

// send sends its share of what is left, with up to window messages on their way, and waits for all acknowledgements.
func (s *appendSender) send(b *testing.B, left *atomic.Int64, round, window int) {
	flying := 0
	var lines []byte
	for {
		lines = lines[:0]
		for flying < window && left.Add(-1) >= 0 {
			s.sent++
			flying++
			lines = fmt.Appendf(lines, `{"type":"msg","id":"%06x%016x","payload":{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}}`+"\n", round, s.sent)
		}
		if flying == 0 {
			return
		}
		if len(lines) > 0 {
			if _, err := s.stream.Write(lines); err != nil {
				b.Error(err)
				return
			}
		}
		flying -= <-s.acked
	}
}
