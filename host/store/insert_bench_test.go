package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// benchTables are those of the benchmarks of writes: one where everybody may insert, and one with a
// condition on the row that is referenced, which only members may read.
const benchTables = `"notes":{"columns":{"room":{"type":"text"},"text":{"type":"text","required":true,"maxLength":500},"n":{"type":"integer","default":0}},
		"indexes":[["room"]],"access":{"read":"open","insert":"open","update":"author","remove":"author"}},
	"questions":{"columns":{"session":{"type":"text"},"closes_at":{"type":"time"}},"memberOf":"session","access":{"read":"member"}},
	"answers":{"columns":{"question":{"type":"integer","required":true,"references":"questions"},"choice":{"type":"integer","min":0,"max":3}},
		"indexes":[["question"]],"access":{"read":"author","insert":{"who":"open","if":{"question.closes_at":{">":"$now"}}}}}`

const benchNote = `{"op":"insert","table":"notes","values":{"room":"a-room","text":"a message of about a hundred bytes, as somebody may write it","n":12}}`

// BenchmarkInsert has 64 callers insert one row at a time, each waiting for its answer.
func BenchmarkInsert(b *testing.B) {
	w := newWorld(b, benchTables)
	benchCallers(b, w, func(n int64) []string { return []string{benchNote} })
}

// BenchmarkInsertIf is BenchmarkInsert with a condition on another row, as in a quiz.
func BenchmarkInsertIf(b *testing.B) {
	w := newWorld(b, benchTables)
	for p := range benchPeers {
		w.members.set(benchPeer(p), "a-session", wire.RoleMember, true)
	}
	var questions []int64
	for range 10 {
		questions = append(questions, w.mustInsert(owner, "questions", `{"session":"a-session","closes_at":99999999999999}`))
	}
	benchCallers(b, w, func(n int64) []string {
		return []string{fmt.Sprintf(`{"op":"insert","table":"answers","values":{"question":%d,"choice":%d}}`, questions[n%10], n%4)}
	})
}

// BenchmarkBatch has the callers insert ten rows at once.
func BenchmarkBatch(b *testing.B) {
	w := newWorld(b, benchTables)
	batch := slices.Repeat([]string{benchNote}, 10)
	benchCallers(b, w, func(int64) []string { return batch })
}

const benchPeers = 64

func benchPeer(p int) wire.PeerID {
	return wire.PeerID(fmt.Sprintf("12D3KooWpeer-of-the-benchmark-of-writes-%012d", p))
}

// benchCallers has peers do what operations says for each call, until the benchmark has had its number of
// them. The requests are read from their lines, as those of members are.
func benchCallers(b *testing.B, w *world, operations func(n int64) []string) {
	before := w.db.Commits()
	var wg sync.WaitGroup
	turns := make(chan int64)
	failed := make(chan struct{}, benchPeers)
	for p := range benchPeers {
		c := group.Caller{Peer: benchPeer(p)}
		wg.Go(func() {
			for i := range turns {
				ops := operations(i)
				line := fmt.Sprintf(`{"id":%d,"key":"%011x%021x",%s`, i, time.Now().UnixMilli(), i, ops[0][1:])
				if len(ops) > 1 {
					line = fmt.Sprintf(`{"id":%d,"key":"%011x%021x","op":"batch","operations":[%s]}`, i, time.Now().UnixMilli(), i, strings.Join(ops, ","))
				}
				r, err := data.DecodeRequest([]byte(line))
				if err != nil {
					b.Error(err)
					failed <- struct{}{}
					return
				}
				writes, err := w.site.Writes(&r, c)
				if err == nil {
					_, err = w.tables.Do(b.Context(), c, r.WriteKey(), writes)
				}
				if err != nil {
					b.Error(err)
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
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(b.N)/float64(w.db.Commits()-before), "calls/commit")
}
