package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// benchTables are those of the benchmarks of writes: one where everybody may insert, and one with a
// condition on the row that is referenced.
const benchTables = `"notes":{"columns":{"room":{"type":"text"},"text":{"type":"text","required":true,"maxLength":500},"n":{"type":"integer","default":0}},
	"indexes":[["room"]],"access":{"read":"open","insert":"open","update":"author","remove":"author"}}`

// BenchmarkInsert has 64 callers insert one row at a time, each waiting for its answer.
func BenchmarkInsert(b *testing.B) {
	w := newWorld(b, benchTables)
	shape := w.table("notes")
	benchCallers(b, w, func(c group.Caller, k data.WriteKey) error {
		row, err := shape.NewRow([]byte(`{"room":"a-room","text":"a message of about a hundred bytes, as somebody may write it","n":12}`))
		if err != nil {
			return err
		}
		_, err = w.tables.Do(b.Context(), c, k, []data.Write{{Op: data.OpInsert, Table: shape, Rows: [][]data.Value{row}}})
		return err
	})
}

// benchCallers has 64 peers call do until the benchmark has had its number of calls.
func benchCallers(b *testing.B, w *world, do func(group.Caller, data.WriteKey) error) {
	var n atomic.Int64
	before := w.db.Commits()
	b.ResetTimer()
	var wg sync.WaitGroup
	for p := range 64 {
		c := group.Caller{Peer: wire.PeerID(fmt.Sprintf("12D3KooWpeer-of-the-benchmark-of-writes-%02d", p))}
		wg.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				k := data.WriteKey{Key: fmt.Sprintf("%011x%021x", time.Now().UnixMilli(), i), Request: []byte(`["insert","notes","",null,{"room":"a-room","text":"…"},null,null]`)}
				if err := do(c, k); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(b.N)/float64(w.db.Commits()-before), "calls/commit")
}
