package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

// A message tells its sender nothing about rows that he may not read: a reference to one is taken, and so is one to
// none.
func TestRecordedReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"games":{"columns":{"n":{"type":"integer"}},"access":{"read":"open"}},
		"drafts":{"columns":{"n":{"type":"integer"}},"access":{"read":{"who":"open","if":{"n":{">":5}}}}},
		"moves":{"columns":{"game":{"type":"integer","references":"games"},"draft":{"type":"integer","references":"drafts"}},"access":{"read":"open"}}`)
	boss := group.Caller{Peer: "boss", Owner: true}
	game, draft := w.mustInsert(boss, "games", `{}`), w.mustInsert(boss, "drafts", `{"n":1}`)
	log := w.db.Log()
	cfg, err := group.ParseConfig([]byte(`{"id":"play","type":"persistent","record":"moves"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		payload string
		code    wire.Code
	}{
		{fmt.Sprintf(`{"game":%d}`, game), ""},
		{fmt.Sprintf(`{"game":%d}`, game+1), wire.InvalidValue},
		{fmt.Sprintf(`{"draft":%d}`, draft), ""},
		{fmt.Sprintf(`{"draft":%d}`, draft+1), ""},
	} {
		results, err := log.Append(t.Context(), cfg.ID, []group.Draft{{From: "anna", Kind: wire.TypeMsg, Payload: []byte(tt.payload)}})
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, tt.payload, results[0].Err, tt.code)
	}
}

func TestMessagesBecomeRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"moves":{"columns":{"game":{"type":"text","required":true},"san":{"type":"text","maxLength":7},"ply":{"type":"integer","unique":true},"rest":{"type":"json"}},
		"memberOf":"game","access":{"read":"open","insert":"none"}}`)
	log := w.db.Log()
	cfg, err := group.ParseConfig([]byte(`{"id":"chess-42","type":"persistent","record":"moves"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	drafts := []group.Draft{
		{From: "anna", ID: "1", Kind: wire.TypeMsg, Payload: []byte(`{"san":"e4","ply":1}`)},
		{From: "ben", ID: "2", Kind: wire.TypeMsg, Payload: []byte(`{"san":"e5","ply":2,"clock":{"white":[1,2]},"game":"another"}`)},
		{From: "anna", ID: "3", Kind: wire.TypeMsg, Payload: []byte(`{"san":4}`)},             // a wrong type
		{From: "anna", ID: "4", Kind: wire.TypeMsg, Payload: []byte(`{"san":"Nf3","ply":2}`)}, // the ply is taken
		{From: "anna", ID: "5", Kind: wire.TypeMsg, Payload: []byte(`{"_owner":"ben"}`)},
		{From: "anna", ID: "6", Kind: wire.TypeMsg, To: "ben", Payload: []byte(`{"san":"to one"}`)},
		{From: "anna", ID: "7", Kind: wire.TypeState, Patch: []byte(`{"san":"a state"}`)},
		{From: "anna", ID: "1", Kind: wire.TypeMsg, Payload: []byte(`{"san":"e4","ply":1}`)}, // a repeat
		{From: "ben", ID: "8", Kind: wire.TypeMsg, Payload: []byte(`"resigns"`)},
	}
	results, err := log.Append(t.Context(), cfg.ID, drafts)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]wire.Code{2: wire.InvalidValue, 3: wire.Conflict, 4: wire.InvalidValue}
	for i, r := range results {
		wantCode(t, fmt.Sprintf("draft %d", i), r.Err, codes[i])
	}
	got, err := w.rows(anna, "moves", "")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, part := range []struct{ owner, values string }{
		{"anna", `"game":"chess-42","san":"e4","ply":1,"rest":null`},
		{"ben", `"game":"chess-42","san":"e5","ply":2,"rest":{"clock":{"white":[1,2]}}`},
		{"ben", `"game":"chess-42","san":null,"ply":null,"rest":"resigns"`},
	} {
		r := results[[]int{0, 1, 8}[i]]
		want = append(want, fmt.Sprintf(`%s,"_owner":"%s","_created_at":%d,"_updated_at":%d,"_seq":%d}`, part.values, part.owner, r.Time, r.Time, r.Seq))
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got %d rows, want %d:\n%s", len(lines), len(want), got)
	}
	for i, line := range lines {
		if !strings.HasSuffix(line, want[i]) || !json.Valid([]byte(line)) {
			t.Errorf("got  %s\nwant %s", line, want[i])
		}
	}
	if _, err := w.insert(owner, "moves", `{"game":"chess-42"}`); !errors.Is(err, wire.Forbidden) {
		t.Errorf("insert under none: got %v", err)
	}

	// The rows outlast the group.
	if err := w.db.Registry().Remove(t.Context(), cfg.ID, nil); err != nil {
		t.Fatal(err)
	}
	if after, err := w.rows(anna, "moves", ""); err != nil || after != got {
		t.Errorf("when the group is closed: got %s, %v, want %s", after, err, got)
	}

	cfg.ID, cfg.Record = "other", "nosuch"
	if _, err := log.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	results, err = log.Append(t.Context(), cfg.ID, drafts[:1])
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, "a table that is not there", results[0].Err, wire.NoSuchTable)
}
