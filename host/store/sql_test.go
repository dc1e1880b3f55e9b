package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

func (w *world) sql(c group.Caller, text string, params ...data.Value) (string, error) {
	b, err := w.tables.SQL(w.t.Context(), c, w.key(), text, params)
	return string(b), err
}

func TestOwnersSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"text":{"type":"text","required":true},"n":{"type":"integer"},"tag":{"type":"text","unique":true},
		"j":{"type":"json"},"b":{"type":"boolean"}},"search":["text"],"access":{"read":"open","insert":"open"}}`)
	id := w.mustInsert(anna, "notes", `{"text":"one","n":1}`)
	w.mustInsert(anna, "notes", `{"text":"two","n":2}`)
	var told []Change
	w.db.onCommit(func(c Commit) { told = append(told, c.Changes...) })
	for _, tt := range []struct {
		text   string
		params []data.Value
		want   string
	}{
		{"SELECT text, n, NULL, x'00ff', 1.5 AS r FROM notes ORDER BY _id", nil,
			`{"columns":["text","n","NULL","x'00ff'","r"],"rows":[["one",1,null,"AP8=",1.5],["two",2,null,"AP8=",1.5]],"changes":0}`},
		{"SELECT count(*) AS c FROM notes WHERE n > ? AND text <> ?;", []data.Value{data.IntegerValue(1), data.TextValue("x")}, `{"columns":["c"],"rows":[[1]],"changes":0}`},
		{"WITH RECURSIVE k(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM k WHERE i < 3) SELECT sum(i) s FROM k", nil, `{"columns":["s"],"rows":[[6]],"changes":0}`},
		{"UPDATE notes SET n = n + 10, text = 'uno' WHERE _id = ?", []data.Value{data.IntegerValue(id)}, `{"columns":[],"rows":[],"changes":1}`},
		{"UPDATE notes SET n = 5 RETURNING n", nil, `{"columns":["n"],"rows":[[5],[5]],"changes":2}`},
		{"DELETE FROM notes", nil, `{"columns":[],"rows":[],"changes":2}`},
		{"INSERT INTO notes (_id, text, _owner, _created_at, _updated_at) VALUES (77, 'three', 'anna', 1, 1)", nil, `{"columns":[],"rows":[],"changes":1}`},
		{"INSERT OR REPLACE INTO notes (_id, text, _owner, _created_at, _updated_at) VALUES (77, 'four', 'anna', 1, 1)", nil, `{"columns":[],"rows":[],"changes":1}`},
	} {
		if got, err := w.sql(owner, tt.text, tt.params...); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.text, got, err, tt.want)
		}
	}
	kinds := map[ChangeKind]int{}
	for _, c := range told {
		if c.Table != "notes" {
			t.Errorf("told of table %s", c.Table)
		}
		kinds[c.Kind]++
	}
	if kinds[Updated] != 3 || kinds[Removed] != 2 || kinds[Inserted] != 2 {
		t.Errorf("got changes %v", told)
	}
	for _, tt := range []struct {
		text string
		code wire.Code
	}{
		{"SELECT * FROM nothing", wire.BadQuery},
		{"SELEC 1", wire.BadQuery},
		{"", wire.BadQuery},
		{"SELECT 1; SELECT 2", wire.BadQuery},
		{"SELECT ?", wire.BadQuery},
		{"SELECT $me", wire.BadQuery},
		{"SELECT * FROM _owner", wire.Forbidden},
		{"SELECT * FROM sqlite_schema", wire.Forbidden},
		{"SELECT * FROM pragma_table_list", wire.Forbidden},
		{"PRAGMA user_version", wire.Forbidden},
		{"PRAGMA writable_schema = 1", wire.Forbidden},
		{"ATTACH 'x.db' AS x", wire.Forbidden},
		{"VACUUM", wire.Forbidden},
		{"VACUUM INTO 'x.db'", wire.Forbidden},
		{"BEGIN", wire.Forbidden},
		{"COMMIT", wire.Forbidden},
		{"SAVEPOINT x", wire.Forbidden},
		{"ROLLBACK TO s", wire.Forbidden},
		{"REINDEX", wire.Forbidden},
		{"ANALYZE", wire.Forbidden},
		{"CREATE TABLE x (y)", wire.Forbidden},
		{"CREATE TEMP TABLE x (y)", wire.Forbidden},
		{"DROP TABLE notes", wire.Forbidden},
		{"ALTER TABLE notes RENAME TO x", wire.Forbidden},
		{"DELETE FROM _owner", wire.Forbidden},
		{"UPDATE notes SET text = (SELECT peer FROM _owner)", wire.Forbidden},
		{"INSERT INTO notes (text) SELECT sql FROM sqlite_schema", wire.Forbidden},
		{`DELETE FROM "_fts.notes.words"`, wire.Forbidden},
		{`INSERT INTO "_fts.notes.words" ("_fts.notes.words") VALUES ('delete-all')`, wire.Forbidden},
		{`UPDATE "_fts.notes.words_data" SET block = NULL`, wire.Forbidden},
		{"SELECT load_extension('x')", wire.BadQuery},
		{"INSERT INTO notes (text) VALUES ('x')", wire.InvalidValue},
		{"UPDATE notes SET text = NULL", wire.InvalidValue},
		{"UPDATE notes SET n = 'x'", wire.InvalidValue},
		{"UPDATE notes SET n = 9007199254740992", wire.InvalidValue},
		{"UPDATE notes SET b = 2", wire.InvalidValue},
		{"UPDATE notes SET j = '{'", wire.InvalidValue},
		{"UPDATE notes SET j = '[' || char(10) || ']'", wire.InvalidValue},
		{"WITH RECURSIVE k(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM k WHERE i < 2000) SELECT i FROM k", wire.LimitExceeded},
		{"SELECT printf('%2000000s', 'x')", wire.TooLarge},
		{"SELECT randomblob(900000)", wire.TooLarge},
	} {
		_, err := w.sql(owner, tt.text)
		wantCode(t, tt.text, err, tt.code)
	}
	if got, err := w.sql(owner, "SELECT text, n, j, b FROM notes"); err != nil || !strings.Contains(got, `[["four",null,null,null]]`) {
		t.Errorf("after what was refused: got %s, %v", got, err)
	}
	_, err := w.sql(anna, "SELECT 1")
	wantCode(t, "sql by a member", err, wire.Forbidden)
}

// What an owner's statement changed is not changed again under the same key.
func TestOwnersSQLOnceForAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"n":{"type":"integer"}},"access":{"insert":"open"}}`)
	w.mustInsert(anna, "t", `{"n":1}`)
	key := w.key()
	for range 2 {
		got, err := w.tables.SQL(t.Context(), owner, key, "UPDATE t SET n = n + 1 RETURNING n", nil)
		if err != nil || string(got) != `{"columns":["n"],"rows":[[2]],"changes":1}` {
			t.Errorf("got %s, %v", got, err)
		}
	}
}

func TestOwnersSQLIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, Limits{ReadTimeout: 200 * time.Millisecond, WriteTimeout: 200 * time.Millisecond},
		`"t":{"columns":{"n":{"type":"integer"}},"access":{"insert":"open"}}`)
	w.mustInsert(anna, "t", `{"n":1}`)
	const forever = "WITH RECURSIVE k(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM k) SELECT max(i) FROM k"
	_, err := w.sql(owner, forever)
	wantCode(t, "a read without end", err, wire.Timeout)
	_, err = w.sql(owner, "UPDATE t SET n = ("+forever+")")
	wantCode(t, "a write without end", err, wire.Timeout)
	if got, err := w.sql(owner, "SELECT n FROM t"); err != nil || !strings.Contains(got, "[[1]]") {
		t.Errorf("afterwards: got %s, %v", got, err)
	}
}

// A statement that needs more memory than there is costs neither the host nor the next statement anything.
func TestOwnersSQLOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"t":{"columns":{"s":{"type":"text"}},"access":{"insert":"open"}}`)
	w.mustInsert(anna, "t", `{"s":"x"}`)
	for _, text := range []string{"SELECT length(hex(zeroblob(500000000)))", "UPDATE t SET s = hex(zeroblob(500000000))"} {
		if got, err := w.sql(owner, text); err == nil {
			t.Errorf("%s: got %s", text, got)
		}
		if got, err := w.sql(owner, "SELECT s FROM t"); err != nil || !strings.Contains(got, `[["x"]]`) {
			t.Errorf("after %s: got %s, %v", text, got, err)
		}
		w.mustInsert(anna, "t", `{"s":"y"}`)
		if _, err := w.sql(owner, "DELETE FROM t WHERE s = 'y'"); err != nil {
			t.Error(err)
		}
	}
}

// Rows that reference what the owner's SQL removes do what their columns say.
func TestOwnersSQLFollowsReferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"games":{"columns":{"n":{"type":"integer"}},"access":{"insert":"open"}},
		"moves":{"columns":{"game":{"type":"integer","references":"games","onRemove":"cascade"}},"access":{"insert":"open"}},
		"notes":{"columns":{"move":{"type":"integer","references":"moves"}},"access":{"insert":"open"}}`)
	game := w.mustInsert(owner, "games", `{"n":1}`)
	move := w.mustInsert(owner, "moves", fmt.Sprintf(`{"game":%d}`, game))
	w.mustInsert(owner, "notes", fmt.Sprintf(`{"move":%d}`, move))
	var told []string
	w.db.onCommit(func(c Commit) {
		for _, change := range c.Changes {
			told = append(told, change.Table)
		}
	})
	if got, err := w.sql(owner, "DELETE FROM games WHERE n = 1"); err != nil || !strings.Contains(got, `"changes":1`) {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := w.sql(owner, "SELECT (SELECT count(*) FROM moves), (SELECT move FROM notes)"); err != nil || !strings.Contains(got, `[[0,null]]`) {
		t.Errorf("afterwards: got %s, %v", got, err)
	}
	if got := strings.Join(told, " "); got != "games moves notes" {
		t.Errorf("told of %s", got)
	}
}
