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
	*counts
}

type counts struct {
	lines, bytes atomic.Int64
	lost         atomic.Bool // whole states instead of entries
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
// sender with 16 messages on their way, appended in memory, to n sessions. What is allocated is counted for each
// delivery, the sender's part in it included.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 100, 300} {
		b.Run(fmt.Sprint("sessions=", n), func(b *testing.B) {
			fast := relay.Limits{LineBurst: 1e9, Bytes: 1e12, ByteBurst: 1e12, Coalesce: -1}
			w := open(b, relay.Options{Limits: fast, Wire: wire.Limits{Rate: 1e9}})
			w.create(lobby)
			var got, acks counts
			join := func(peer wire.PeerID, c *counts) link.Stream {
				near, far := link.Pipe(0)
				w.serving.Go(func() { w.Serve(b.Context(), peer, &counter{far, c}) })
				if _, err := near.Write([]byte(`{"type":"join","group":"lobby","session":"s","caps":["delta"]}` + "\n")); err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = near.Close() })
				return near
			}
			for i := range n {
				join(wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i)), &got)
			}
			sender := join(alice, &acks)
			for w.Stats()[0].Sessions < n+1 {
				runtime.Gosched()
			}
			const form = `{"type":"msg","id":"%08d","payload":{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}}` + "\n"
			var line []byte
			var sent int64
			send := func() {
				for sent-acks.lines.Load() >= 16 {
					runtime.Gosched()
				}
				line = fmt.Appendf(line[:0], form, sent)
				if _, err := sender.Write(line); err != nil {
					b.Fatal(err)
				}
				sent++
			}
			all := func() {
				for got.lines.Load() < sent*int64(n) {
					if got.lost.Load() {
						b.Fatal("a session has fallen behind what the log keeps")
					}
					runtime.Gosched()
				}
			}
			for range 1000 { // what grows once has grown
				send()
			}
			all()
			first, size := sent, got.bytes.Load()
			var before, after runtime.MemStats
			b.ReportAllocs()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				send()
			}
			all()
			runtime.ReadMemStats(&after)
			deliveries := float64((sent - first) * int64(n))
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/deliveries, "allocs/delivery")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/deliveries, "ns/delivery")
			b.ReportMetric(float64(got.bytes.Load()-size)/deliveries, "B/delivery")
		})
	}
}
