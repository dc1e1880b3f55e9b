package store

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"goop/shared/group"
	"goop/shared/wire"
)

// faultyVFS is the system's file system, with faults that a test switches on.
type faultyVFS struct {
	vfs.VFSFilename
	write, sync atomic.Pointer[error]
}

func (v *faultyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := v.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, out, err
	}
	return &faultyFile{f, v}, out, nil
}

type faultyFile struct {
	vfs.File
	v *faultyVFS
}

func (f *faultyFile) Unwrap() vfs.File               { return f.File }
func (f *faultyFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *faultyFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *faultyFile) SizeHint(size int64) error      { return vfsutil.WrapSizeHint(f.File, size) }

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.v.write.Load(); err != nil {
		// A disk that fills up takes a part.
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, *err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultyFile) Sync(flags vfs.SyncFlag) error {
	if err := f.v.sync.Load(); err != nil {
		return *err
	}
	return f.File.Sync(flags)
}

// TestDiskFull lets the disk fill up under writers that share commits: each gets storage_full, nothing
// of theirs is told or kept, reading goes on, and so does writing when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	var full error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.ENOSPC}
	var broken error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.EIO}
	tests := []struct {
		name        string
		write, sync *error
		code        wire.Code // "" for a fault that means nothing to a stranger
	}{
		{"write", &full, nil, wire.StorageFull},
		{"sync", nil, &full, wire.StorageFull},
		{"broken disk", &broken, &broken, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
			name := "faulty " + tt.name
			registerDisk(name, v)
			t.Cleanup(func() { vfs.Unregister(name) })
			o := Options{Dir: t.TempDir(), vfs: name}
			db := openTest(t, o)
			told := 0
			db.onCommit(func(c Commit) { told += len(c.Changes) })
			l := db.Log()
			mustOpen(t, l, match("g"))
			mustAppend(t, l, "g", msg(alice, "before", "1"), state(alice, "s", `{"k":1}`))
			mustExec(t, db, "CREATE TABLE a (n INTEGER)")

			wantCode := func(err error) {
				t.Helper()
				got := wire.Code("")
				if e, ok := errors.AsType[*wire.Error](err); ok {
					got = e.Code
				}
				if err == nil || got != tt.code {
					t.Errorf("got %v, want code %q", err, tt.code)
				}
			}
			round := func(check func(error)) {
				release := hold(t, db)
				var wg sync.WaitGroup
				for i := range 10 {
					wg.Go(func() {
						check(db.Write(t.Context(), func(tx *Tx) error {
							tx.Changed(Change{Table: "a", ID: int64(i)})
							_, err := tx.Exec("INSERT INTO a VALUES (?)", i)
							return err
						}))
					})
				}
				wg.Go(func() {
					_, err := l.Append(t.Context(), "g", []group.Draft{msg(bob, "during", "2"), state(bob, "t", `{"k":2}`)})
					check(err)
				})
				waitQueued(t, db, 11)
				if err := release(); err != nil {
					check(err)
				} // else the machine was so slow that it was alone in its commit, with nothing to write
				wg.Wait()
			}
			for range 3 {
				v.write.Store(tt.write)
				v.sync.Store(tt.sync)
				round(wantCode)
				if got := number(t, db, "SELECT count(*) FROM a"); got != 0 || told != 0 {
					t.Errorf("with a full disk: got %d rows and %d changes told, want none", got, told)
				}
				v.write.Store(nil)
				v.sync.Store(nil)
				if err := db.Write(t.Context(), func(*Tx) error { return nil }); err != nil {
					t.Errorf("with room again: %v", err)
				}
			}
			if head := mustOpen(t, l, match("g")); head.Seq != 2 || string(head.State.Text()) != `{"k":1}` {
				t.Errorf("got head %+v, want it at 2", head)
			}
			round(func(err error) {
				if err != nil {
					t.Error(err)
				}
			})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openTest(t, o)
			if got := number(t, db, "SELECT count(*) FROM a"); got != 10 || told != 10 {
				t.Errorf("at last: got %d rows and %d changes told, want 10", got, told)
			}
			if head := mustOpen(t, db.Log(), match("g")); head.Seq != 4 || string(head.State.Text()) != `{"k":2}` {
				t.Errorf("got head %+v and state %s, want it at 4", head, head.State.Text())
			}
		})
	}
}

// TestRepeatsOnAFullDisk sends again what is in the log when nothing can be appended: it is answered as the
// first time, because a sender that is refused would send it anew.
func TestRepeatsOnAFullDisk(t *testing.T) {
	t.Parallel()
	v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	registerDisk("faulty repeats", v)
	t.Cleanup(func() { vfs.Unregister("faulty repeats") })
	db := openTest(t, Options{Dir: t.TempDir(), vfs: "faulty repeats"})
	l := db.Log()
	mustOpen(t, l, match("g"))
	mustAppend(t, l, "g", msg(alice, "one", "1"), msg(bob, "two", "2"))
	var full error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.ENOSPC}
	v.write.Store(&full)
	results, err := l.Append(t.Context(), "g", []group.Draft{msg(bob, "three", "3"), msg(alice, "one", "1"), msg(bob, "two", "other"), msg(bob, "", "4")})
	if err != nil || len(results) != 4 {
		t.Fatalf("got %v, %v", results, err)
	}
	if r := results[1]; r.Err != nil || !r.Dup || r.Seq != 1 {
		t.Errorf("a repeat: got %+v, want it as 1", r)
	}
	for i, want := range []wire.Code{0: wire.StorageFull, 2: wire.IDConflict, 3: wire.StorageFull} {
		if i != 1 && !errors.Is(results[i].Err, want) {
			t.Errorf("draft %d: got %+v, want %s", i, results[i], want)
		}
	}
	if _, err := l.Append(t.Context(), "g", []group.Draft{msg(bob, "three", "3")}); !errors.Is(err, wire.StorageFull) {
		t.Errorf("no repeat: got %v, want storage_full", err)
	}
	v.write.Store(nil)
	if r := mustAppend(t, l, "g", msg(bob, "three", "3")); r[0].Seq != 3 {
		t.Errorf("with room again: got %+v, want 3", r[0])
	}
}

// TestDiskFullIsLoggedOnce wants one line when the disk has filled up, not one for each write, and one when
// there is room again.
func TestDiskFullIsLoggedOnce(t *testing.T) {
	t.Parallel()
	v := &faultyVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	registerDisk("faulty log", v)
	t.Cleanup(func() { vfs.Unregister("faulty log") })
	var text strings.Builder // written by one goroutine, which has ended when it is read
	log := slog.New(slog.NewTextHandler(&text, nil))
	db := openTest(t, Options{Dir: t.TempDir(), vfs: "faulty log", Logger: log})
	write := func() error {
		return db.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO a VALUES (1)")
			return err
		})
	}
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	var full error = &fs.PathError{Op: "write", Path: "goop.db-wal", Err: syscall.ENOSPC}
	v.write.Store(&full)
	for range 5 {
		if err := write(); !errors.Is(err, wire.StorageFull) {
			t.Errorf("got %v, want storage_full", err)
		}
	}
	v.write.Store(nil)
	for range 2 {
		if err := write(); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	begin, end := strings.Count(text.String(), "nothing can be committed"), strings.Count(text.String(), "commits go through again")
	if begin != 1 || end != 1 || !strings.Contains(text.String(), "refused=5") {
		t.Errorf("logged %d and %d times:\n%s", begin, end, text.String())
	}
}

// TestSizeLimit fills a database up to Limits.Size, also with calls too large for SQLite's cache, which
// meet the bound before COMMIT and take their transaction down.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Limits: Limits{Size: 12 << 20}})
	mustExec(t, db, "CREATE TABLE a (n INTEGER PRIMARY KEY, b BLOB)")
	stored := int64(0)
	insert := func(size int) error {
		release := hold(t, db)
		var small, large error
		var wg sync.WaitGroup
		wg.Go(func() {
			small = db.Write(t.Context(), func(tx *Tx) error { _, err := tx.Exec("INSERT INTO a (b) VALUES ('')"); return err })
		})
		wg.Go(func() {
			large = db.Write(t.Context(), func(tx *Tx) error {
				for range 10 {
					if _, err := tx.Exec("INSERT INTO a (b) VALUES (?)", bytes.Repeat([]byte("x"), size/10)); err != nil {
						return err
					}
				}
				return nil
			})
		})
		waitQueued(t, db, 2)
		mustRelease(t, release)
		wg.Wait()
		if small != nil {
			t.Errorf("a small call beside one of %d bytes: %v", size, small)
		} else {
			stored++
		}
		if large == nil {
			stored += 10
		} else if !errors.Is(large, wire.StorageFull) || !strings.Contains(large.Error(), "full") {
			t.Errorf("a call of %d bytes: got %v, want storage_full", size, large)
		}
		return large
	}
	if err := insert(20 << 20); err == nil {
		t.Error("20 MiB fitted into 12 MiB")
	}
	fitted := 0
	for insert(1<<20) == nil {
		fitted++
	}
	if fitted < 8 || fitted > 12 {
		t.Errorf("got %d MiB into 12 MiB", fitted)
	}
	mustExec(t, db, "DELETE FROM a WHERE n % 2 = 0")
	stored = number(t, db, "SELECT count(*) FROM a")
	if err := insert(1 << 20); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := number(t, db, "SELECT count(*) FROM a"); got != stored {
		t.Errorf("got %d rows, want %d", got, stored)
	}
}
