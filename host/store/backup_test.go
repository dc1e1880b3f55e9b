package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/data"
	"goop/shared/wire"
)

// noteSite has a table that is searched.
func noteSite() *data.Site {
	open := data.Rule{Who: data.Everybody}
	t := data.NewTable("notes", []data.Column{{Name: "text", Type: data.Text}}, nil, "",
		data.Access{Read: open, Insert: open, Update: open, Remove: open})
	t.Search = []string{"text"}
	return &data.Site{Tables: []*data.Table{t}}
}

func openNotes(t testing.TB, o Options) *DB {
	t.Helper()
	db := openTest(t, o)
	if err := db.OpenTables(t.Context(), noteSite()); err != nil {
		t.Fatal(err)
	}
	return db
}

// addNotes puts rows of which each is as long as size into notes, in one transaction.
func addNotes(t testing.TB, db *DB, n, size int) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *Tx) error {
		for range n {
			_, err := tx.InsertWithID(func(id int64) error {
				_, err := tx.Exec("INSERT INTO notes (_id, text, _owner, _created_at, _updated_at) VALUES (?, ?, 'p', 0, 0)", id, strings.Repeat("note ", size/5))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A backup that is made while four writers write pairs of rows has whole pairs, and what was there before.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	db := openNotes(t, Options{Dir: t.TempDir()})
	addNotes(t, db, 500, 4000)
	file := filepath.Join(t.TempDir(), "copy.db")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var slowest, written atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				begun := time.Now()
				addNotes(t, db, 2, 100)
				took := int64(time.Since(begun))
				for last := slowest.Load(); took > last && !slowest.CompareAndSwap(last, took); last = slowest.Load() {
				}
				written.Add(2)
			}
		})
	}
	b, err := db.Backup(t.Context(), file, false)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes in %v; meanwhile %d rows were written, the slowest write took %v", b.Size, b.Took, written.Load(), time.Duration(slowest.Load()))
	if n := b.Tables["notes"]; n < 500 || n%2 != 0 || b.Rows() != n {
		t.Errorf("got %d rows", n)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() != b.Size {
		t.Errorf("got %v, %v", info, err)
	}
	wantFiles(t, filepath.Dir(file), "copy.db")

	dir := t.TempDir()
	if _, err := Restore(t.Context(), dir, file); err != nil {
		t.Fatal(err)
	}
	again := openNotes(t, Options{Dir: dir})
	if n := number(t, again, "SELECT count(*) FROM notes"); n != b.Rows() {
		t.Errorf("restored: got %d rows, want %d", n, b.Rows())
	}
	if n := number(t, again, `SELECT count(*) FROM "_fts.notes.words" WHERE "_fts.notes.words" MATCH 'note'`); n != b.Rows() {
		t.Errorf("restored: got %d rows with a word, want %d", n, b.Rows())
	}
}

// wantFiles wants a folder to have files and nothing else.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != strings.Join(want, " ") {
		t.Errorf("got files %s, want %s", got, want)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openNotes(t, Options{Dir: dir})
	out := t.TempDir()
	there := filepath.Join(out, "there.db")
	write(t, there, []byte("precious"))
	for _, tt := range []struct {
		name, file string
		code       wire.Code
	}{
		{"there is one", there, wire.Conflict},
		{"a folder", out, wire.InvalidValue},
		{"in no folder", filepath.Join(out, "none", "x.db"), wire.InvalidValue},
		{"the database", filepath.Join(dir, "goop.db"), wire.InvalidValue},
		{"the WAL", filepath.Join(dir, "goop.db-wal"), wire.InvalidValue},
		{"the lock", filepath.Join(dir, "goop.lock"), wire.InvalidValue},
	} {
		for _, force := range []bool{false, true} {
			if force && tt.file == there {
				continue
			}
			_, err := db.Backup(t.Context(), tt.file, force)
			if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != tt.code {
				t.Errorf("%s: got %v, want code %s", tt.name, err, tt.code)
			}
		}
	}
	if b, err := os.ReadFile(there); err != nil || string(b) != "precious" {
		t.Errorf("got %q, %v", b, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	asked := errors.New("asked to stop")
	cancel(asked)
	if _, err := db.Backup(ctx, filepath.Join(out, "cut.db"), false); !errors.Is(err, asked) {
		t.Errorf("got %v", err)
	}
	wantFiles(t, out, "there.db")
	if _, err := db.Backup(t.Context(), there, true); err != nil {
		t.Error(err)
	}
	db.Close()
	if _, err := BackupFolder(t.Context(), dir, filepath.Join(out, "closed.db"), false); err != nil {
		t.Error(err)
	}
	wantFiles(t, out, "closed.db", "there.db")
}

func TestBackupDiskFull(t *testing.T) {
	t.Parallel()
	v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	registerDisk("faulty backup", v)
	t.Cleanup(func() { vfs.Unregister("faulty backup") })
	db := openNotes(t, Options{Dir: t.TempDir(), vfs: "faulty backup"})
	addNotes(t, db, 100, 4000)
	out := t.TempDir()
	var full error = &fs.PathError{Op: "write", Path: "copy.db.tmp", Err: syscall.ENOSPC}
	v.write.Store(&full)
	_, err := db.Backup(t.Context(), filepath.Join(out, "copy.db"), false)
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.StorageFull || !strings.Contains(e.Message, "copy.db") {
		t.Errorf("got %v, want code storage_full", err)
	}
	wantFiles(t, out)
	v.write.Store(nil)
	if b, err := db.Backup(t.Context(), filepath.Join(out, "copy.db"), false); err != nil || b.Rows() != 100 {
		t.Errorf("with room again: got %+v, %v", b, err)
	}
	if err := roomFor(out, 1<<60); err == nil || !strings.Contains(err.Error(), "MiB are needed") {
		t.Errorf("got %v", err)
	}
}
