package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/host/relay"
	"goop/shared/link"
	"goop/shared/wire"
)

// BenchmarkCrowdJoins has 10,000 join one group, a little after each other, with streams in memory, and counts what each of
// them is sent. Time runs four times as fast as in a crowd that comes within a minute, and so do the roster's frames. In the
// group "blind" nobody may see the others: the difference is what the roster costs. With -short it is the first 500.
func BenchmarkCrowdJoins(b *testing.B) {
	for _, bb := range []struct{ name, rights string }{{"roster", ""}, {"blind", `,"rights":{"seeMembers":["owner"]}`}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				joinCrowd(b, `{"id":"lobby","type":"ephemeral"`+bb.rights+`}`)
			}
		})
	}
}

func joinCrowd(b *testing.B, cfg string) {
	const crowd, fast = 10_000, 4
	n := crowd
	if testing.Short() {
		n = 500
	}
	r, err := relay.Open(b.Context(), relay.Options{
		Logger: slog.New(slog.DiscardHandler), Limits: relay.Limits{RosterGap: 100 * time.Millisecond / fast},
	})
	if err != nil {
		b.Fatal(err)
	}
	w := &world{Relay: r, t: b}
	w.create(cfg)
	var lines, sent, most atomic.Int64
	var reading sync.WaitGroup
	before := cpuTime()
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Minute / fast / crowd)))
		near, far := link.Pipe(0)
		peer := wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i))
		w.serving.Go(func() { w.Serve(context.Background(), peer, far) })
		if _, err := fmt.Fprintf(near, join+"\n", "s"); err != nil {
			b.Fatal(err)
		}
		reading.Go(func() {
			var got, size int64
			buf := make([]byte, 4<<10)
			for {
				k, err := near.Read(buf)
				got, size = got+int64(bytes.Count(buf[:k], []byte("\n"))), size+int64(k)
				if err != nil {
					if err != io.EOF {
						b.Error(err)
					}
					break
				}
			}
			_ = near.Close()
			lines.Add(got)
			sent.Add(size)
			for m := most.Load(); size > m && !most.CompareAndSwap(m, size); m = most.Load() {
			}
		})
	}
	w.end()
	reading.Wait()
	b.ReportMetric(cpuTime()-before, "cpu-s")
	b.ReportMetric(float64(lines.Load())/float64(n), "lines/member")
	b.ReportMetric(float64(sent.Load())/float64(n), "bytes/member")
	b.ReportMetric(float64(most.Load()), "most-bytes")
}

// cpuTime is the CPU time of this program in seconds, as the runtime estimates it at the end of a collection.
func cpuTime() float64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/cpu/classes/user:cpu-seconds"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/scavenge/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64() + s[1].Value.Float64() + s[2].Value.Float64()
}
