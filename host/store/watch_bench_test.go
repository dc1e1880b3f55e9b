package store

import (
	"context"
	"fmt"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
)

// BenchmarkEvaluation measures what one commit costs a live query, whoever watches.
func BenchmarkEvaluation(b *testing.B) {
	for _, n := range []int{20, 1000} {
		b.Run(fmt.Sprint("rows=", n), func(b *testing.B) {
			w := newWorld(b, notes)
			row, err := w.table("notes").NewRow([]byte(`{"text":"some text that is as long as a short note","n":1}`))
			if err != nil {
				b.Fatal(err)
			}
			for i := range n {
				if i%100 == 0 {
					many := data.Write{Op: data.OpInsertMany, Table: w.table("notes")}
					for range min(100, n-i) {
						many.Rows = append(many.Rows, row)
					}
					if _, err := w.do(anna, w.key(), many); err != nil {
						b.Fatal(err)
					}
				}
			}
			q := w.query("notes", fmt.Sprintf(`"order":["-_id"],"limit":%d`, n))
			watcher := watcher{ts: w.tables, plan: func() (group.Caller, *data.Query, error) { return ben, q, nil }}
			if _, err := watcher.look(context.Background()); err != nil {
				b.Fatal(err)
			}
			var last *finding
			b.ReportAllocs()
			for b.Loop() {
				err := w.db.Read(context.Background(), func(tx *ReadTx) (err error) {
					last, err = watcher.eval.ask(tx, last)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
