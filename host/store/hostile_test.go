package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// The author of a row must not carry it into a group in which it could not have been inserted.
func TestAuthorCannotMoveARowIntoAnothersGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"moves":{"columns":{"game":{"type":"text"},"san":{"type":"text"}},"memberOf":"game",
		"access":{"read":"member","insert":"member","update":"author","remove":"author"}}`)
	mallory, alice := group.Caller{Peer: "mallory"}, group.Caller{Peer: "alice"}
	w.members.set("mallory", "public", wire.RoleMember, true)
	w.members.set("mallory", "second", wire.RoleMember, true)
	w.members.set("alice", "private", wire.RoleMember, true)
	id := w.mustInsert(mallory, "moves", `{"game":"public","san":"spam"}`)
	_, err := w.update(mallory, "moves", id, `{"game":"private"}`)
	wantCode(t, "moving it into a group of others", err, wire.Forbidden)
	if rows, err := w.rows(alice, "moves", ""); err != nil || rows != "" {
		t.Errorf("alice sees %s, %v in her group", rows, err)
	}
	if _, err := w.update(mallory, "moves", id, `{"game":"second"}`); err != nil {
		t.Errorf("moving it into another own group: %v", err)
	}
	if _, err := w.update(mallory, "moves", id, `{"game":"second","san":"e4"}`); err != nil {
		t.Errorf("an update that leaves it where it is: %v", err)
	}
	owner := group.Caller{Peer: "boss", Owner: true}
	if _, err := w.update(owner, "moves", id, `{"game":"private"}`); err != nil {
		t.Errorf("moved by the site's owner: %v", err)
	}
}

// A query is ended when its time is over, however long the texts are that its conditions look into.
func TestConditionsOnLongTextsAreInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, Limits{ReadTimeout: 500 * time.Millisecond},
		`"notes":{"columns":{"text":{"type":"text"}},"access":{"read":"open","insert":"open"}}`)
	c := group.Caller{Peer: "mallory"}
	for range 4 {
		w.mustInsert(c, "notes", `{"text":"`+strings.Repeat("a", 250_000)+`"}`)
	}
	like := `{"text":{"like":"%` + strings.Repeat("a", 250) + `b%"}},`
	for _, tt := range []struct{ name, where string }{
		{"like", `{"or":[` + strings.TrimSuffix(strings.Repeat(like, 100), ",") + `]}`},
		{"contains", `{"text":{"contains":"` + strings.Repeat("a", 120_000) + `b"}}`},
	} {
		start := time.Now()
		_, err := w.rows(c, "notes", `"columns":["_id"],"where":`+tt.where)
		if took := time.Since(start); took > time.Minute { // the first would take three on a machine that does nothing else
			t.Errorf("%s took %s", tt.name, took)
		}
		if err != nil {
			wantCode(t, tt.name, err, wire.Timeout)
		}
	}
}

// Who has the writer look through long texts is interrupted, and has to rest, while others write; the site's owner
// has the time of every write.
func TestLongLooksInTheWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"text":{"type":"text"},"n":{"type":"integer"}},"access":{"read":"open","insert":"open","update":"open"}}`)
	mallory, alice := group.Caller{Peer: "mallory"}, group.Caller{Peer: "alice"}
	for range 8 {
		w.mustInsert(mallory, "notes", `{"text":"`+strings.Repeat("a", 250_000)+`"}`)
	}
	like := `{"text":{"like":"%` + strings.Repeat("a", 250) + `b%"}},`
	heavy := `{"op":"updateWhere","table":"notes","where":{"or":[` + strings.TrimSuffix(strings.Repeat(like, 100), ",") + `]},"values":{"n":1}}`
	if got := w.batch(mallory, heavy); got != string(wire.Timeout) {
		t.Fatalf("got %s, want timeout", got)
	}
	if got := w.column("notes", "n"); strings.Contains(got, "1") {
		t.Errorf("some rows were changed: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if done, err := w.tables.turns.take(ctx, "mallory"); err == nil {
		done(0)
		t.Error("mallory need not rest")
	}
	if got := w.batch(alice, `{"op":"updateWhere","table":"notes","where":{"n":{"null":true}},"values":{"n":2}}`); got != `{"updated":8}` {
		t.Errorf("alice got %s", got)
	}
}

// newWorldWith is newWorld with limits.
func newWorldWith(t testing.TB, l Limits, tables string) *world {
	t.Helper()
	w := &world{t: t, db: openTest(t, Options{Limits: l}), site: parseSite(t, tables), members: &members{}}
	if err := w.db.OpenTables(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	w.tables = w.db.Tables(w.members)
	t.Cleanup(w.tables.Close)
	return w
}
