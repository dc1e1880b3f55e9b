package store

import (
	"fmt"
	"sync"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

const benchPayload = `{"move":"e2e4","clock":{"white":598211,"black":600000},"note":"a message of about a hundred bytes"}`

// BenchmarkAppend measures so many groups at once, each of whose senders waits for its entries: with one group and
// one draft, the price of one fsync.
func BenchmarkAppend(b *testing.B) {
	for _, tt := range []struct{ groups, drafts int }{{1, 1}, {1, 64}, {64, 1}, {64, 16}} {
		b.Run(fmt.Sprint("groups=", tt.groups, "/drafts=", tt.drafts), func(b *testing.B) { benchGroups(b, tt.groups, tt.drafts) })
	}
}

func benchGroups(b *testing.B, groups, perCall int) {
	db := openTest(b, Options{})
	for g := range groups {
		mustOpen(b, db.Log(), match(wire.GroupID(fmt.Sprint("g", g))))
	}
	calls := 0
	before := db.commits.Load()
	b.ReportAllocs()
	for b.Loop() { // one round: each group has ten calls, one after the other
		var wg sync.WaitGroup
		for g := range groups {
			wg.Go(func() {
				for c := range 10 {
					ds := make([]group.Draft, perCall)
					for i := range ds {
						ds[i] = msg(alice, fmt.Sprint(calls, c, i), benchPayload)
					}
					mustAppend(b, db.Log(), wire.GroupID(fmt.Sprint("g", g)), ds...)
				}
			})
		}
		wg.Wait()
		calls += groups * 10
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls*perCall), "ns/row")
	b.ReportMetric(float64(calls*perCall)/float64(db.commits.Load()-before), "rows/commit")
}

// BenchmarkCommit measures transactions without work: so many callers at once, each of which waits for its own.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			db := openTest(b, Options{})
			before := db.commits.Load()
			b.ReportAllocs()
			for b.Loop() {
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						err := db.Write(b.Context(), func(tx *Tx) error {
							_, err := tx.Exec("UPDATE _position SET n = n")
							return err
						})
						if err != nil {
							b.Error(err)
						}
					})
				}
				wg.Wait()
			}
			b.ReportMetric(float64(b.N*callers)/float64(db.commits.Load()-before), "calls/commit")
		})
	}
}

// BenchmarkAppendState measures small changes of a large state.
func BenchmarkAppendState(b *testing.B) {
	db := openTest(b, Options{})
	mustOpen(b, db.Log(), match("g"))
	for i := range 200 {
		mustAppend(b, db.Log(), "g", state(alice, "", fmt.Sprintf(`{"k%d":"%01000d"}`, i, i)))
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		mustAppend(b, db.Log(), "g", state(alice, fmt.Sprint(n), fmt.Sprintf(`{"cursor":%d}`, n)))
	}
}

// BenchmarkRead measures how a member catches up.
func BenchmarkRead(b *testing.B) {
	db := openTest(b, Options{})
	mustOpen(b, db.Log(), match("g"))
	for n := range 1000 {
		mustAppend(b, db.Log(), "g", msg(alice, fmt.Sprint(n), benchPayload))
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := db.Log().Read(b.Context(), "g", 500, 100); len(got) != 100 || err != nil {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/row")
}
