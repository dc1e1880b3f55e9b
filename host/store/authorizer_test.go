package store

import (
	"errors"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// The second wall: even if a member's text came into a statement, it would find the site's tables alone, and
// could change nothing.
func TestAuthorizerStopsWhatTheBuilderNeverWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"text":{"type":"text"}},"search":["text"],"access":{"read":"open","insert":"open"}}`)
	w.mustInsert(anna, "notes", `{"text":"some words"}`)
	may := []string{
		`SELECT count(*) FROM notes`,
		`SELECT t0."_id" FROM notes AS t0 WHERE t0._id IN (SELECT value FROM json_each('[1]'))`,
		`SELECT _id FROM notes WHERE _id IN (SELECT rowid FROM "_fts.notes.words" WHERE "_fts.notes.words" MATCH '"som"*')`,
		`SELECT goop_like(text, 'a%'), goop_contains(text, 'b'), min(text), max(text), sum(_id), avg(_id) FROM notes`,
	}
	mayNot := []string{
		`SELECT * FROM _owner`,
		`SELECT count(*) FROM _owner`,
		`SELECT 1 FROM _owner`,
		`SELECT * FROM sqlite_schema`,
		`SELECT * FROM sqlite_master`,
		`SELECT * FROM main.sqlite_master`,
		`SELECT * FROM sqlite_temp_schema`,
		`SELECT * FROM notes WHERE _id IN (SELECT rowid FROM _group_log)`,
		`SELECT (SELECT hash FROM _owner_link) FROM notes`,
		`SELECT * FROM notes UNION ALL SELECT peer, peer, peer, peer, peer, peer FROM _owner`,
		`SELECT * FROM notes JOIN _tables`,
		`SELECT * FROM pragma_table_info('notes')`,
		`SELECT * FROM pragma_user_version`,
		`SELECT * FROM sqlite_dbpage`,
		`SELECT * FROM dbstat`,
		`SELECT load_extension('x')`,
		`SELECT sqlite_version()`,
		`SELECT hex(text) FROM notes`,
		`SELECT zeroblob(1000000000)`,
		`SELECT randomblob(10)`,
		`SELECT fts5_source_id()`,
		`WITH RECURSIVE k(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM k) SELECT * FROM k`,
		`WITH notes AS (SELECT * FROM _owner) SELECT * FROM notes`,
		`WITH _owner AS (SELECT sql FROM sqlite_schema) SELECT * FROM _owner`,
		`INSERT INTO notes (_id, _owner, _created_at, _updated_at) VALUES (1, '', 1, 1)`,
		`UPDATE notes SET text = 'x'`,
		`DELETE FROM notes`,
		`REPLACE INTO notes (_id, _owner, _created_at, _updated_at) VALUES (1, '', 1, 1)`,
		`INSERT INTO "_fts.notes.words" ("_fts.notes.words") VALUES ('optimize')`,
		`CREATE TABLE x (y)`,
		`CREATE TEMP TABLE x (y)`,
		`CREATE TEMP VIEW notes AS SELECT * FROM _owner`,
		`CREATE TEMP TRIGGER x AFTER INSERT ON notes BEGIN SELECT 1; END`,
		`DROP TABLE notes`,
		`ALTER TABLE notes RENAME TO x`,
		`ATTACH 'x.db' AS x`,
		`DETACH main`,
		`PRAGMA user_version`,
		`PRAGMA writable_schema = 1`,
		`PRAGMA query_only = 0`,
		`REINDEX`,
		`ANALYZE`,
		`BEGIN`,
		`COMMIT`,
		`SAVEPOINT x`,
		`RELEASE x`,
		`VACUUM INTO 'x.db'`,
	}
	run := func(m mode, c *conn, sql string) error {
		for _, err := range c.queryAs(m, sql, nil) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	through := func(where string, tx *ReadTx) {
		c := tx.c
		for _, view := range []bool{false, true} {
			q := &query{view: view}
			q.WriteString("SELECT * FROM _owner")
			for _, err := range tx.run(q) {
				if !errors.Is(err, sqlite3.AUTH) {
					t.Errorf("%s: what the builder writes runs as the store's own: %v", where, err)
				}
			}
		}
		for _, sql := range may {
			if err := run(member, c, sql); err != nil {
				t.Errorf("%s: %s: %v", where, sql, err)
			}
		}
		for _, sql := range mayNot {
			// The same text is the store's own right: what it prepares is not what a member gets.
			if err := run(member, c, sql); err == nil {
				t.Errorf("%s: %s went through", where, sql)
			}
		}
		if err := run(internal, c, "SELECT * FROM _owner"); err != nil {
			t.Error(err)
		}
		if err := run(member, c, "SELECT * FROM _owner"); !errors.Is(err, sqlite3.AUTH) {
			t.Errorf("%s: a statement of the store's own was good for a member: %v", where, err)
		}
	}
	err := w.db.Read(t.Context(), func(tx *ReadTx) error {
		through("reader", tx)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = w.db.Write(t.Context(), func(tx *Tx) error {
		through("writer", &tx.ReadTx)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A statement that SQLite prepares again, because the schema has changed, is asked about again as the same
// one.
func TestAuthorizerAfterAChangeOfTheSchema(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, Limits{Readers: 1}, notes)
	w.mustInsert(anna, "notes", `{"text":"a"}`)
	for i := range 3 {
		if rows, err := w.rows(anna, "notes", `"columns":["text"]`); err != nil || rows == "" {
			t.Errorf("got %s, %v", rows, err)
		}
		err := w.db.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec("CREATE TABLE _x" + string(rune('a'+i)) + " (y)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
