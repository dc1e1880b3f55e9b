package store

import (
	"fmt"
	"testing"

	"goop/shared/data"
	"goop/shared/wire"
)

// benchWorld has a thousand rows of which anna has written half, in ten groups.
func benchWorld(b *testing.B) (*world, []int64) {
	w := newWorld(b, `"posts":{"columns":{"title":{"type":"text","required":true},"body":{"type":"text"},"score":{"type":"integer"},"room":{"type":"text"}},
		"indexes":[["score"]],"memberOf":"room","access":{"read":"open","insert":"open"}},
		"rooms":{"columns":{"title":{"type":"text"},"room":{"type":"text"}},"memberOf":"room","access":{"read":"member","insert":"open"}},
		"mine":{"columns":{"title":{"type":"text"}},"access":{"read":"author","insert":"open"}}`)
	var ids []int64
	for i := range 1000 {
		c := anna
		if i%2 == 0 {
			c = ben
		}
		ids = append(ids, w.mustInsert(c, "posts", fmt.Sprintf(`{"title":"title %d","body":"a body of some words that is about as long as a remark","score":%d,"room":"r%d"}`, i, i*7919%1000, i%10)))
		w.mustInsert(c, "mine", `{"title":"mine"}`)
		w.mustInsert(c, "rooms", fmt.Sprintf(`{"title":"in a room","room":"r%d"}`, i%10))
	}
	w.members.set("anna", "r1", wire.RoleMember, true)
	return w, ids
}

func BenchmarkGet(b *testing.B) {
	w, ids := benchWorld(b)
	q := w.query("posts", "")
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if _, err := w.tables.Get(b.Context(), anna, q, data.IntegerValue(ids[n%len(ids)])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	w, _ := benchWorld(b)
	for _, tt := range []struct{ name, table, fields string }{
		{"filtered", "posts", `"where":{"score":{">":500}},"order":["-score"],"limit":20`},
		{"author", "mine", `"order":["-_id"],"limit":20`},
		{"member", "rooms", `"where":{"room":"r1"},"order":["-_id"],"limit":20`},
		{"groups", "rooms", `"order":["-_id"],"limit":20`},
	} {
		b.Run(tt.name, func(b *testing.B) {
			q := w.query(tt.table, tt.fields)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.tables.Query(b.Context(), anna, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
