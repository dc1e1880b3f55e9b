package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// TestJoin makes changes together with a message: both or neither, and once.
func TestJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"moves":{"columns":{"game":{"type":"text"},"san":{"type":"text","maxLength":7},"of":{"type":"integer","references":"games"}},"memberOf":"game","access":{"read":"open"}},
		"games":{"columns":{"name":{"type":"text","unique":true},"n":{"type":"integer","default":0}},"access":{"read":"open","insert":"open","update":"author","remove":"author"}}`)
	cfg, err := group.ParseConfig([]byte(`{"id":"chess","type":"persistent","record":"moves"}`))
	if err != nil {
		t.Fatal(err)
	}
	l := w.db.Log()
	mustOpen(t, l, cfg)
	told := 0
	w.db.onCommit(func(c Commit) { told += len(c.Changes) })
	game := w.mustInsert(anna, "games", `{"name":"g"}`)
	told = 0
	send := `{"op":"send","group":"chess","payload":{"san":"e4"}}`
	// appended appends a message with changes, as the relay would.
	appended := func(k data.WriteKey, payload string, operations ...string) (group.Result, [][]byte) {
		t.Helper()
		j, err := w.tables.Join(t.Context(), anna, k, w.writes(anna, operations...))
		if err != nil {
			t.Fatal(err)
		}
		if a := j.Answers(); a != nil {
			return group.Result{Dup: true}, a
		}
		rs, err := l.Append(t.Context(), cfg.ID, []group.Draft{
			{From: "ben", Kind: wire.TypeMsg, Payload: []byte(`{"san":"other"}`)},
			{From: "anna", Kind: wire.TypeMsg, Payload: []byte(payload), With: j},
		})
		if err != nil || rs[0].Err != nil {
			t.Fatal(err, rs[0].Err)
		}
		return rs[1], j.Answers()
	}
	k := w.key()
	add := fmt.Sprintf(`{"op":"increment","table":"games","row":%d,"values":{"n":1}}`, game)
	r, answers := appended(k, `{"san":"e4"}`, add, send, `{"op":"insert","table":"games","values":{"name":"h"}}`)
	want := fmt.Sprintf(`{"seq":2,"time":%d}`, r.Time)
	if r.Err != nil || r.Seq != 2 || string(answers[1]) != want || !strings.Contains(string(answers[0]), `"n":1`) {
		t.Errorf("got %+v and %s, want %s", r, answers, want)
	}
	if got := w.column("moves", "san") + "|" + w.column("games", "name") + "|" + w.column("games", "n"); got != "other e4|g h|1 0" || told != 4 {
		t.Errorf("got %s, and %d changes were told", got, told)
	}
	// Again: at once, and when both come to the log before either is done.
	if r, again := appended(k, `{"san":"e4"}`, add, send, `{"op":"insert","table":"games","values":{"name":"h"}}`); !r.Dup || !slices.EqualFunc(again, answers, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("again: got %+v, %s", r, again)
	}
	k = w.key()
	one, err := w.tables.Join(t.Context(), anna, k, w.writes(anna, send, add))
	two, err2 := w.tables.Join(t.Context(), anna, k, w.writes(anna, send, add))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	draft := func(with data.Joined) group.Draft {
		return group.Draft{From: "anna", Kind: wire.TypeMsg, Payload: []byte(`{"san":"e5"}`), With: with}
	}
	rs, err := l.Append(t.Context(), cfg.ID, []group.Draft{draft(one), draft(two)})
	if err != nil || rs[0].Seq != 3 || rs[1].Seq != 3 || !rs[1].Dup || rs[1].Time != rs[0].Time || string(one.Answers()[1]) != string(two.Answers()[1]) {
		t.Errorf("two at once: got %+v, %v", rs, err)
	}
	// Neither: the message does not fit, or one of the changes does not.
	told = 0
	for _, tt := range []struct {
		payload, operation string
		code               wire.Code
	}{
		{`{"san":"too long a move"}`, add, wire.InvalidValue},
		{`{"san":"d4","of":12345}`, add, wire.InvalidValue},
		{`{"san":"d4"}`, `{"op":"insert","table":"games","values":{"name":"g"}}`, wire.Conflict},
		{`{"san":"d4"}`, `{"op":"remove","table":"games","row":12345}`, wire.NotFound},
	} {
		r, _ := appended(w.key(), tt.payload, add, send, tt.operation)
		wantCode(t, tt.operation, r.Err, tt.code)
		if tt.code != wire.InvalidValue && !strings.Contains(r.Err.Error(), "operation 2: ") {
			t.Errorf("got %v", r.Err)
		}
	}
	if got := w.column("moves", "san") + "|" + w.column("games", "n"); got != "other e4 e5 other other other other|2 0" || told != 4 {
		t.Errorf("got %s, and %d changes were told", got, told)
	}
	if es, err := l.Read(t.Context(), cfg.ID, 0, 99); err != nil || len(es) != 7 {
		t.Errorf("got %d entries, %v, want 7", len(es), err)
	}
	// What references a game goes with it, and so does it when the message is taken away.
	r, _ = appended(w.key(), fmt.Sprintf(`{"san":"d4","of":%d}`, game), add, send)
	if r.Err != nil || !strings.HasSuffix(w.column("moves", "of"), fmt.Sprint(game)) {
		t.Errorf("got %+v, %s", r, w.column("moves", "of"))
	}
	if err := w.remove(anna, "games", game); err != nil || strings.Contains(w.column("moves", "of"), fmt.Sprint(game)) {
		t.Errorf("got %v, %s", err, w.column("moves", "of"))
	}
}

// TestRedactRemovesWhatHangs on the row that was recorded.
func TestRedactRemovesWhatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"posts":{"columns":{"text":{"type":"text"}},"access":{"read":"open"}},
		"likes":{"columns":{"post":{"type":"integer","references":"posts","onRemove":"cascade"}},"access":{"read":"open","insert":"open"}}`)
	cfg := match("g")
	cfg.Record = "posts"
	l := w.db.Log()
	mustOpen(t, l, cfg)
	mustAppend(t, l, "g", msg(bob, "1", `{"text":"a"}`), msg(bob, "2", `{"text":"b"}`))
	for id := range strings.FieldsSeq(w.column("posts", "_id")) {
		w.mustInsert(anna, "likes", `{"post":`+id+`}`)
	}
	told := 0
	w.db.onCommit(func(c Commit) { told += len(c.Changes) })
	mustAppend(t, l, "g", takeAway(1))
	if got := w.column("posts", "text") + "|" + w.column("likes", "post"); got != "b|"+w.column("posts", "_id") || told != 2 {
		t.Errorf("got %s, and %d changes were told", got, told)
	}
}

// A fault in what comes with one message is no other message's, nor the host's.
func TestJoinThatPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"games":{"columns":{"name":{"type":"text"}},`+open+`}`)
	cfg, err := group.ParseConfig([]byte(`{"id":"chess","type":"persistent"}`))
	if err != nil {
		t.Fatal(err)
	}
	l := w.db.Log()
	mustOpen(t, l, cfg)
	j, err := w.tables.Join(t.Context(), anna, w.key(), w.writes(anna, `{"op":"insert","table":"games","values":{"name":"a"}}`,
		`{"op":"updateWhere","table":"games","where":{},"values":{"name":"b"}}`, `{"op":"send","group":"chess","payload":1}`))
	if err != nil {
		t.Fatal(err)
	}
	j.(*joint).steps[1].test.rows = nil
	rs := mustAppend(t, l, cfg.ID, msg(bob, "1", "1"), group.Draft{From: "anna", Kind: wire.TypeMsg, Payload: []byte("1"), With: j}, msg(bob, "2", "2"))
	if rs[0].Err != nil || !errors.Is(rs[1].Err, wire.Internal) || rs[2].Seq != 2 {
		t.Errorf("got %+v", rs)
	}
	if got := w.column("games", "name"); got != "" {
		t.Errorf("there is %s", got)
	}
}
