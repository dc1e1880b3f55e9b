package store

import (
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

func (w *world) aggregate(c group.Caller, table, fields string) (string, error) {
	w.t.Helper()
	r, err := data.DecodeRequest([]byte(`{"id":1,"op":"aggregate","table":"` + table + `",` + fields + `}`))
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.table(table).Aggregate(&r)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := w.tables.Aggregate(w.t.Context(), c, a)
	return joined(rows), err
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"g":{"type":"text"},"i":{"type":"integer"},"r":{"type":"real"},"b":{"type":"boolean"},"at":{"type":"time"}},
		"access":{"read":"author","insert":"open"}}`)
	for _, row := range []string{`{"g":"x","i":1,"r":0.5,"b":true}`, `{"g":"x","i":3,"at":5}`, `{"g":"y"}`, `{"i":10,"r":2}`} {
		w.mustInsert(anna, "t", row)
	}
	w.mustInsert(ben, "t", `{"g":"x","i":1000}`)
	for _, tt := range []struct {
		c            group.Caller
		fields, want string
	}{
		{anna, `"compute":{"n":"count","given":{"count":"i"},"sum":{"sum":"i"},"mean":{"avg":"i"},"least":{"min":"g"},"most":{"max":"r"},"at":{"max":"at"},"b":{"min":"b"}}`,
			`{"n":4,"given":3,"sum":14,"mean":4.666666666666667,"least":"x","most":2,"at":5,"b":true}` + "\n"},
		{anna, `"by":["g"],"compute":{"n":"count","sum":{"sum":"r"}}`,
			`{"g":null,"n":1,"sum":2}` + "\n" + `{"g":"x","n":2,"sum":0.5}` + "\n" + `{"g":"y","n":1,"sum":null}` + "\n"},
		{anna, `"by":["g"],"compute":{"n":"count"},"order":["-n","-g"],"limit":2`, `{"g":"x","n":2}` + "\n" + `{"g":"y","n":1}` + "\n"},
		{anna, `"where":{"i":{">":1}},"compute":{"n":"count"}`, `{"n":2}` + "\n"},
		{anna, `"where":{"i":{">":100}},"compute":{"n":"count","most":{"max":"i"}}`, `{"n":0,"most":null}` + "\n"},
		{anna, `"where":{"i":{">":100}},"by":["g"],"compute":{"n":"count"}`, ``},
		{owner, `"compute":{"n":"count"}`, `{"n":5}` + "\n"},
	} {
		if got, err := w.aggregate(tt.c, "t", tt.fields); err != nil || got != tt.want {
			t.Errorf("%s for %s: got %s, %v, want %s", tt.fields, tt.c.Peer, got, err, tt.want)
		}
	}
	for range 2 {
		w.mustInsert(anna, "t", `{"g":"big","i":9007199254740991}`)
	}
	if got, err := w.aggregate(anna, "t", `"where":{"g":"big"},"compute":{"sum":{"sum":"i"}}`); err != nil || got != `{"sum":18014398509481982}`+"\n" {
		t.Errorf("a sum beyond what a page has exactly: got %s, %v", got, err)
	}
	for range 1100 {
		w.mustInsert(anna, "t", `{"g":"big","i":9007199254740991}`)
	}
	_, err := w.aggregate(anna, "t", `"compute":{"sum":{"sum":"i"}}`)
	wantCode(t, "a sum beyond 64 bits", err, wire.LimitExceeded)
}
