package store

import (
	"fmt"
	"sync"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

const benchPayload = `{"move":"e2e4","clock":{"white":598211,"black":600000},"note":"a message of about a hundred bytes"}`

// BenchmarkAppend measures one group whose sender waits for each entry: the price of one fsync.
func BenchmarkAppend(b *testing.B) {
	db := openTest(b, Options{})
	mustOpen(b, db.Log(), match("g"))
	n := 0
	for b.Loop() {
		n++
		mustAppend(b, db.Log(), "g", msg(alice, fmt.Sprint(n), benchPayload))
	}
}

// BenchmarkAppend64Groups measures 64 groups at once, each of whose senders waits for its entries.
func BenchmarkAppend64Groups(b *testing.B) {
	for _, drafts := range []int{1, 16} {
		b.Run(fmt.Sprintf("drafts=%d", drafts), func(b *testing.B) { benchGroups(b, 64, drafts) })
	}
}

func benchGroups(b *testing.B, groups, perCall int) {
	db := openTest(b, Options{})
	for g := range groups {
		mustOpen(b, db.Log(), match(wire.GroupID(fmt.Sprint("g", g))))
	}
	calls := 0
	before := db.commits.Load()
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
	b.ReportMetric(float64(calls*perCall)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(float64(calls*perCall)/float64(db.commits.Load()-before), "appends/commit")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkState measures small changes of a large state.
func BenchmarkState(b *testing.B) {
	db := openTest(b, Options{})
	mustOpen(b, db.Log(), match("g"))
	for i := range 200 {
		mustAppend(b, db.Log(), "g", state(alice, "", fmt.Sprintf(`{"k%d":"%01000d"}`, i, i)))
	}
	n := 0
	for b.Loop() {
		n++
		mustAppend(b, db.Log(), "g", state(alice, fmt.Sprint(n), fmt.Sprintf(`{"cursor":%d}`, n)))
	}
}

func BenchmarkRead(b *testing.B) {
	db := openTest(b, Options{})
	mustOpen(b, db.Log(), match("g"))
	for n := range 1000 {
		mustAppend(b, db.Log(), "g", msg(alice, fmt.Sprint(n), benchPayload))
	}
	for b.Loop() {
		if got, err := db.Log().Read(b.Context(), "g", 500, 100); len(got) != 100 || err != nil {
			b.Fatal(len(got), err)
		}
	}
}
