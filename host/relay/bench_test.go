package relay_test

import (
	"bytes"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"goop/host/relay"
	"goop/shared/link"
	"goop/shared/wire"
)

// counter is a stream whose far end reads everything at once and counts the entries.
type counter struct {
	link.Stream
	lines *atomic.Int64
	bytes *atomic.Int64
	lost  *atomic.Bool // whole states instead of entries
}

var (
	entryMark = []byte(`"type":"msg"`)
	stateMark = []byte(`"type":"state"`)
)

func (c *counter) Write(p []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(p, entryMark)))
	c.bytes.Add(int64(len(p)))
	if bytes.Contains(p, stateMark) {
		c.lost.Store(true)
	}
	return len(p), nil
}

// BenchmarkFanOut measures what one message costs from its line at the host to the last write: one
// sender with 16 messages on their way, appended in memory, to n sessions.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fast := relay.Limits{LineBurst: 1e9, Bytes: 1e12, ByteBurst: 1e12}
			w := open(b, relay.Options{Limits: fast, Wire: wire.Limits{Rate: 1e9}})
			w.create(lobby)
			var got, size atomic.Int64
			var lost atomic.Bool
			for i := range n {
				near, far := link.Pipe(0)
				peer := wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i))
				w.serving.Go(func() { w.Serve(b.Context(), peer, &counter{far, &got, &size, &lost}) })
				if _, err := near.Write([]byte(`{"type":"join","group":"lobby","caps":["delta"]}` + "\n")); err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = near.Close() })
			}
			for w.Stats()[0].Sessions < n {
				runtime.Gosched()
			}
			sender := w.join(alice, `{"type":"join","group":"lobby","session":"s","caps":["delta"]}`)
			line := `{"type":"msg","id":"%08d","payload":{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}}`
			got.Store(0)
			size.Store(0)
			sent := 0
			b.ReportAllocs()
			acked := 0
			for b.Loop() {
				if sent-acked >= 16 {
					if sender.skipTo(wire.TypeMsg).Ack {
						acked++
					}
				}
				sender.send(fmt.Sprintf(line, sent))
				sent++
			}
			for ; acked < sent; acked++ {
				sender.skipTo(wire.TypeMsg)
			}
			for got.Load() < int64(sent*n) {
				if lost.Load() {
					b.Fatal("a session has fallen behind what the log keeps")
				}
				runtime.Gosched()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent*n), "ns/delivery")
			b.ReportMetric(float64(size.Load())/float64(sent*n), "B/delivery")
		})
	}
}
