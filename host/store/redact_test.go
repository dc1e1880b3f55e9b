package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

func takeAway(seq int64) group.Draft {
	return group.Draft{From: alice, Session: "s", Role: wire.RoleModerator, ID: fmt.Sprint("r", seq), Kind: wire.TypeMsg, Redact: seq}
}

// TestRedactRemovesTheRow that a message was recorded as, and no other; watchers hear of it. A fault undoes
// all of it.
func TestRedactRemovesTheRow(t *testing.T) {
	t.Parallel()
	for _, memberOf := range []string{`"memberOf":"game",`, ``} {
		t.Run(memberOf, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `"moves":{"columns":{"game":{"type":"text"},"san":{"type":"text"}},`+memberOf+
				`"access":{"read":"open","insert":"open"}}`)
			l := w.db.Log()
			begin := func(id string) wire.GroupID {
				cfg, err := group.ParseConfig([]byte(`{"id":"` + id + `","type":"persistent","record":"moves"}`))
				if err != nil {
					t.Fatal(err)
				}
				mustOpen(t, l, cfg)
				return cfg.ID
			}
			san := func(id, san string) group.Draft { return msg(bob, id, `{"san":"`+san+`"}`) }
			lines := func() string {
				t.Helper()
				var all []string
				err := w.db.Read(t.Context(), func(tx *ReadTx) error {
					all = nil
					for row, err := range tx.Query("SELECT san FROM moves ORDER BY _id") {
						if err != nil {
							return err
						}
						all = append(all, row.Text(0))
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return strings.Join(all, " ")
			}
			var told []Change
			w.db.onCommit(func(c Commit) { told = append(told, c.Changes...) })

			old := begin("lobby") // its rows outlive it
			mustAppend(t, l, old, san("1", "old"))
			if err := l.Drop(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			id, other := begin("lobby"), begin("other")
			mustAppend(t, l, other, san("1", "other"))
			direct := san("4", "direct")
			direct.To = alice
			mustAppend(t, l, id, san("1", "e4"), san("2", "e5"), san("3", "Nf3"), direct)
			if got := lines(); got != "old other e4 e5 Nf3" {
				t.Fatalf("got rows %q", got)
			}

			mustExec(t, w.db, "CREATE TRIGGER fault BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'fault'); END")
			told = nil
			if _, err := l.Append(t.Context(), id, []group.Draft{takeAway(1)}); err == nil {
				t.Error("a row that cannot be removed: got no error")
			}
			mustExec(t, w.db, "DROP TRIGGER fault")
			if es, err := l.Read(t.Context(), id, 0, 9); err != nil || len(es) != 4 || es[0].Redacted || string(es[0].Payload) != `{"san":"e4"}` {
				t.Errorf("after the fault: got %+v, %v", es, err)
			}
			if got := outcome(mustAppend(t, l, id, san("1", "d4"))[0]); got != "id_conflict for 1" || len(told) > 0 {
				t.Errorf("after the fault: got %s, and %v was told", got, told)
			}

			row := number(t, w.db, "SELECT _id FROM moves WHERE san = 'e4'")
			if got := outcome(mustAppend(t, l, id, takeAway(1))[0]); got != "5" {
				t.Errorf("got %s", got)
			}
			if got := lines(); got != "old other e5 Nf3" {
				t.Errorf("got rows %q, want all but e4", got)
			}
			if len(told) != 1 || told[0] != (Change{"moves", row, Removed, "bob"}) {
				t.Errorf("told was %+v", told)
			}
			// Somebody has removed the row already; a direct message never was one.
			mustExec(t, w.db, "DELETE FROM moves WHERE san = 'e5'")
			for i, d := range []group.Draft{takeAway(2), takeAway(4)} {
				if got := outcome(mustAppend(t, l, id, d)[0]); got != fmt.Sprint(6+i) {
					t.Errorf("redact of %d: got %s", d.Redact, got)
				}
			}
			if got := lines(); got != "old other Nf3" {
				t.Errorf("got rows %q", got)
			}
			if e := mustAppend(t, l, id, takeAway(5))[0].Err; !errors.Is(e, wire.NotFound) {
				t.Errorf("redact of a redact: got %v", e)
			}
		})
	}
}

// TestRedactErasesTheBytes looks for what was taken away in the files: small, and so large that SQLite
// keeps it on pages of its own, in the log and in the table.
func TestRedactErasesTheBytes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 5000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			o, site := Options{Dir: t.TempDir()}, parseSite(t, `"notes":{"columns":{"text":{"type":"text"}},"access":{"read":"open"}}`)
			kept, gone := strings.Repeat("to be kept; ", size), strings.Repeat("to be gone; ", size)
			draft := func(id, text string) group.Draft { return msg(bob, id, `{"text":"`+text+`"}`) }
			secret := draft("2", gone)
			hash := secret.Hash()
			// run appends, and returns what is in the file when the database is closed.
			run := func(drafts ...group.Draft) string {
				t.Helper()
				db := openTest(t, o)
				if err := db.OpenTables(t.Context(), site); err != nil {
					t.Fatal(err)
				}
				cfg := match("g")
				cfg.Record = "notes"
				mustOpen(t, db.Log(), cfg)
				for _, r := range mustAppend(t, db.Log(), "g", drafts...) {
					if r.Err != nil {
						t.Fatal(r.Err)
					}
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				file, err := os.ReadFile(filepath.Join(o.Dir, dbName))
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(bytes.Count(file, []byte("to be kept; ")) > 0, bytes.Count(file, []byte("to be gone; ")), bytes.Count(file, hash[:]))
			}
			if got := run(draft("1", kept), secret, draft("3", kept)); strings.HasSuffix(got, " 0") || strings.HasPrefix(got, "false") {
				t.Fatalf("before: found %s", got)
			}
			if got := run(takeAway(2)); got != "true 0 0" {
				t.Errorf("afterwards: found %s, want only what is kept", got)
			}
		})
	}
}

// A message whose row takes too many others with it stays, and so does what is known of the log's size.
func TestRedactThatChangesTooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"moves":{"columns":{"san":{"type":"text"}},`+open+`},
		"votes":{"columns":{"move":{"type":"integer","references":"moves","onRemove":"cascade"}},`+open+`}`)
	l := w.db.Log()
	cfg, err := group.ParseConfig([]byte(`{"id":"g","type":"persistent","record":"moves"}`))
	if err != nil {
		t.Fatal(err)
	}
	mustOpen(t, l, cfg)
	mustAppend(t, l, cfg.ID, msg(bob, "1", `{"san":"e4"}`))
	id := w.column("moves", "_id")
	row := `{"move":` + id + `}`
	many := `{"op":"insertMany","table":"votes","rows":[` + strings.Repeat(row+",", 499) + row + `]}`
	for range maxChanged / 500 {
		if got := w.batch(anna, many); !strings.HasPrefix(got, "{") {
			t.Fatal(got)
		}
	}
	size := l.open[cfg.ID].state.bytes
	if r := mustAppend(t, l, cfg.ID, takeAway(1))[0]; !errors.Is(r.Err, wire.LimitExceeded) {
		t.Errorf("got %v", r.Err)
	}
	if got := l.open[cfg.ID].state.bytes; got != size {
		t.Errorf("the log has %d bytes, want %d as before", got, size)
	}
}
