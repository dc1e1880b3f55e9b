package data_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"goop/shared/data"
)

func TestResultTellsWhatComesNext(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var now *data.Result
	followers := make([]struct {
		seen *data.Seen
		rows []data.Row
	}, 10)
	for range 500 {
		var rows []data.Row
		for _, id := range rng.Perm(12)[:rng.IntN(10)] {
			rows = append(rows, data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d,"v":%d}`, id, rng.IntN(2))})
		}
		want := show(rows)
		before := now
		if now = data.NewResult(rows, before); show(now.Rows) != want {
			t.Fatalf("got %s, want %s", show(now.Rows), want)
		}
		if before != nil && (now == before) != (show(before.Rows) == want) {
			t.Fatalf("the same: %v, from\n%sto\n%s", now == before, show(before.Rows), want)
		}
		for i := range followers {
			f := &followers[i]
			if rng.IntN(2) == 0 { // some are slow
				continue
			}
			first := f.seen == nil
			rest := now.Next(f.seen)
			line := append(data.AppendHead(nil, 7, first), rest...)
			switch {
			case first:
				if got := string(data.AppendRows(nil, 7, now.Rows)); got != string(line) {
					t.Fatalf("got %s, want %s", line, got)
				}
				f.rows = now.Rows
			case rest != nil:
				f.rows = follow(t, f.rows, line)
			}
			f.seen = now.Seen()
			if got := show(f.rows); got != want {
				t.Fatalf("followed to\n%swant\n%s", got, want)
			}
		}
	}
}

// What is told to a thousand is written once.
func TestResultTextsAreShared(t *testing.T) {
	t.Parallel()
	list := func(n int) (rows []data.Row) {
		for id := range n {
			rows = append(rows, data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d}`, id)})
		}
		return rows
	}
	a := data.NewResult(list(100), nil)
	b := data.NewResult(list(101), a)
	if &a.Rows[7].JSON[0] != &b.Rows[7].JSON[0] {
		t.Error("a row that has not changed is kept twice")
	}
	for range 2 {
		if x, y := b.Next(a.Seen()), b.Next(a.Seen()); &x[0] != &y[0] {
			t.Error("two texts of one event")
		}
		if x, y := b.Next(nil), b.Next(nil); &x[0] != &y[0] {
			t.Error("two texts of one answer")
		}
	}
	if b.Next(b.Seen()) != nil {
		t.Error("an event of nothing")
	}
}

func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{20, 1000} {
		b.Run(fmt.Sprint("rows=", n), func(b *testing.B) {
			before := make([]data.Row, n)
			for id := range before {
				before[id] = data.Row{ID: fmt.Sprint(id), JSON: fmt.Appendf(nil, `{"_id":%d,"text":"some text that is as long as a short note"}`, id)}
			}
			after := append([]data.Row{{ID: "x", JSON: []byte(`{"_id":"x"}`)}}, before[:n-1]...)
			b.ReportAllocs()
			for b.Loop() {
				if d, ok := data.Diff(before, after); !ok || len(d.Added) != 1 {
					b.Fatal("no difference")
				}
			}
		})
	}
}
