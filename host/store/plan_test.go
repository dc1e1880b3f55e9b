package store

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
)

// oldFolder is a data folder as an earlier version has left it, with a table of two rows.
func oldFolder(t *testing.T, version int) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, dbName)
	write(t, path, nil)
	registerDisk(vfsName, vfs.Find(""))
	c, err := openConn(t.Context(), path, vfsName, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	names, err := migrationNames(migrations)
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{}
	for _, name := range names[:version] {
		sql, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: sql}
	}
	if err := migrate(c, old); err != nil {
		t.Fatal(err)
	}
	err = c.db.Exec(`CREATE TABLE notes (_id INTEGER PRIMARY KEY, text TEXT, gone TEXT, _owner TEXT NOT NULL, _created_at INTEGER NOT NULL, _updated_at INTEGER NOT NULL, _seq INTEGER) STRICT;
		INSERT INTO notes VALUES (1, 'one', 'x', 'p', 0, 0, NULL), (2, 'two', NULL, 'p', 0, 0, NULL);
		INSERT INTO _tables (name, definition) VALUES ('notes', '{"text":"text","gone":"text"}')`)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMigrateOldFolder(t *testing.T) {
	t.Parallel()
	dir := oldFolder(t, 3)
	backups := filepath.Join(dir, BackupFolderName)
	path := filepath.Join(dir, dbName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	site := func(constraint string) *data.Site {
		return parseSite(t, `"notes":{"columns":{"text":{"type":"text"`+constraint+`}},"search":["text"]}`)
	}
	plan := func(site *data.Site, apply bool) *Plan {
		t.Helper()
		p, err := Migrate(t.Context(), dir, backups, site, []byte("{}"), apply)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := plan(site(""), false)
	if len(p.Changes) != 1 || !strings.HasPrefix(p.Changes[0], "the host's own tables become those of version ") ||
		!slices.Equal(p.Losses, []string{"tables.notes.columns.gone is gone, and 1 row has a value in it"}) || p.Blocks != nil || p.Backup != nil {
		t.Errorf("got %+v", p)
	}
	p = plan(site(`,"maxLength":2`), true)
	if want := []string{"tables.notes.columns.text has at most 2 characters, and 2 rows have more in it, such as the one with _id 1"}; !slices.Equal(p.Blocks, want) || p.Backup != nil {
		t.Errorf("got %+v", p)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(before) {
		t.Errorf("looking has changed the file: %v", err)
	}
	wantFiles(t, dir, "goop.db", "goop.lock")

	p = plan(site(""), true)
	if p.Backup == nil || p.Backup.Rows() != 2 || filepath.Dir(p.Backup.File) != backups {
		t.Fatalf("got %+v", p)
	}
	db := openTest(t, Options{Dir: dir})
	if err := db.OpenTables(t.Context(), site("")); err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, `SELECT count(*) FROM "_fts.notes.words" WHERE "_fts.notes.words" MATCH 'two'`); n != 1 {
		t.Error("the words were not read")
	}
	if kept, err := db.KeptSite(t.Context()); err != nil || len(kept.Tables) != 0 {
		t.Errorf("got %+v, %v", kept, err)
	}
	db.Close()
	if p := plan(site(""), true); len(p.Changes)+len(p.Losses) != 0 || p.Backup != nil {
		t.Errorf("nothing is left to do, and got %+v", p)
	}

	// The backup is of the version from before, and comes back.
	r, err := Restore(t.Context(), dir, p.Backup.File)
	if err != nil || r.Rows() != 2 {
		t.Fatal(r, err)
	}
	if p := plan(site(""), false); len(p.Losses) != 1 {
		t.Errorf("got %+v", p)
	}
}
