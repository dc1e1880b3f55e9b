package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restoreWorld is a folder with two notes, and a backup from when there was one.
func restoreWorld(t *testing.T) (dir, file string) {
	t.Helper()
	dir, file = t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
	db := openNotes(t, Options{Dir: dir})
	l := db.Log()
	mustOpen(t, l, match("g"))
	addNotes(t, db, 1, 100)
	mustAppend(t, l, "g", msg(alice, "before", "1"), state(alice, "s", `{"k":1}`))
	if err := db.addOwner(t); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Backup(t.Context(), file, false); err != nil {
		t.Fatal(err)
	}
	addNotes(t, db, 1, 100)
	mustAppend(t, l, "g", msg(alice, "after", "2"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// addOwner makes a link that nobody has opened yet.
func (db *DB) addOwner(t *testing.T) error {
	_, err := db.CreateOwnerLink(t.Context())
	return err
}

func TestRestore(t *testing.T) {
	t.Parallel()
	dir, file := restoreWorld(t)
	db := openNotes(t, Options{Dir: dir})
	head := mustOpen(t, db.Log(), match("g"))
	if _, err := Restore(t.Context(), dir, file); err == nil || !strings.Contains(err.Error(), "in use by another host") {
		t.Errorf("under a host: got %v", err)
	}
	db.Close()
	r, err := Restore(t.Context(), dir, file)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows() != 1 || r.File != file || !strings.HasPrefix(filepath.Base(r.Aside), "goop.db.before-restore-") {
		t.Errorf("got %+v", r)
	}
	db = openNotes(t, Options{Dir: dir})
	now := mustOpen(t, db.Log(), match("g"))
	if now.Seq != 2 || string(now.State.Text()) != `{"k":1}` || now.Epoch == head.Epoch || now.Epoch == "" {
		t.Errorf("got a log at %+v, was at %+v", now, head)
	}
	if n := number(t, db, "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("got %d notes", n)
	}
	if n := number(t, db, "SELECT count(*) FROM _owner_link"); n != 0 {
		t.Error("an owner link from before is still good")
	}
	db.Close()

	// What was moved aside is a database, which can be put back in the same way.
	if r, err = Restore(t.Context(), dir, r.Aside); err != nil || r.Rows() != 2 {
		t.Errorf("back again: got %+v, %v", r, err)
	}
	db = openNotes(t, Options{Dir: dir})
	if back := mustOpen(t, db.Log(), match("g")); back.Seq != 3 || back.Epoch == head.Epoch || back.Epoch == now.Epoch {
		t.Errorf("back again: got %+v", back)
	}
}

// A restore that is cut off after any of its steps leaves a database, the one from before or the backup.
func TestRestoreCutOff(t *testing.T) {
	t.Parallel()
	for cut := range 5 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			t.Parallel()
			dir, file := restoreWorld(t)
			// A host that was killed leaves a WAL that the database needs.
			path := filepath.Join(dir, dbName)
			restored := filepath.Join(dir, restoredName)
			if err := prepare(t.Context(), file, filepath.Join(dir, restoringName)); err != nil {
				t.Fatal(err)
			}
			want := int64(2)
			step := func(n int, do error) {
				if cut >= n && do != nil {
					t.Fatal(do)
				}
			}
			if cut >= 1 {
				step(1, settle(filepath.Join(dir, restoringName), restored))
				want = 1
			}
			if cut >= 2 {
				step(2, os.WriteFile(path+"-wal", []byte("of the old one"), 0o600))
				step(2, secondName(path+"-wal", filepath.Join(dir, asideName+"x-wal")))
			}
			if cut >= 3 {
				step(3, secondName(path, filepath.Join(dir, asideName+"x")))
			}
			if cut >= 4 {
				step(4, os.Remove(path+"-wal"))
			}
			db := openNotes(t, Options{Dir: dir})
			if n := number(t, db, "SELECT count(*) FROM notes"); n != want {
				t.Errorf("got %d notes, want %d", n, want)
			}
			for _, name := range []string{restoringName, restoredName} {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%s is there still", name)
				}
			}
			if asides, _ := filepath.Glob(filepath.Join(dir, asideName+"*")); cut > 0 && len(asides) == 0 {
				t.Error("the database from before is gone")
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir, file := restoreWorld(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, tt := range []struct {
		name string
		make func(path string)
		want string
	}{
		{"missing", func(string) {}, "cannot be read: no such file"},
		{"folder", func(path string) { os.Mkdir(path, 0o700) }, "is no file"},
		{"text", func(path string) { write(t, path, []byte(strings.Repeat("no database ", 1000))) }, "damaged"},
		{"empty", func(path string) { write(t, path, nil) }, "is no backup that goop has made"},
		{"cut", func(path string) { write(t, path, good[:len(good)/2]) }, "damaged"},
		{"torn", func(path string) {
			write(t, path, good)
			patch(t, path, 3*4096, []byte(strings.Repeat("x", 4096)))
		}, "damaged"},
		{"foreign", func(path string) { write(t, path, good); patch(t, path, 68, []byte("abcd")) }, "belongs to another program"},
		{"newer", func(path string) { write(t, path, good); patch(t, path, 60, []byte{0, 0, 1, 0}) }, "has version 256"},
		{"in use", func(path string) { write(t, path, good); write(t, path+"-wal", []byte("x")) }, "a database in use"},
	} {
		path := filepath.Join(out, tt.name)
		tt.make(path)
		if _, err := Restore(t.Context(), dir, path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	db := openNotes(t, Options{Dir: dir})
	if n := number(t, db, "SELECT count(*) FROM notes"); n != 2 {
		t.Errorf("got %d notes after all that", n)
	}
}

// A start on a damaged database names the newest backup, and touches nothing.
func TestDamagedNamesBackup(t *testing.T) {
	t.Parallel()
	dir, file := restoreWorld(t)
	path := filepath.Join(dir, dbName)
	patch(t, path, 4096, []byte(strings.Repeat("x", 4096)))
	damaged, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string) {
		t.Helper()
		db, err := Open(t.Context(), Options{Dir: dir})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(damaged) {
			t.Errorf("the file was changed, or is gone: %v", err)
		}
	}
	refused("goop restore FILE")
	backups := filepath.Join(dir, BackupFolderName)
	if err := os.Mkdir(backups, 0o700); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{BackupName(time.Now()), "older.db"} {
		write(t, filepath.Join(backups, name), good)
		if err := os.Chtimes(filepath.Join(backups, name), time.Time{}, time.Now().Add(-time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	newest := newestBackup(backups)
	refused("goop restore " + newest)
	if r, err := Restore(t.Context(), dir, newest); err != nil || r.Aside == "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if n := number(t, openNotes(t, Options{Dir: dir}), "SELECT count(*) FROM notes"); n != 1 {
		t.Errorf("got %d notes", n)
	}
}
