package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"goop/shared/wire"
)

// openTest opens a database in dir, or in a folder of its own for "", and closes it with the test.
func openTest(t testing.TB, o Options) *DB {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// mustWrite runs fn in a transaction that has to succeed.
func mustWrite(t testing.TB, db *DB, fn func(*Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// mustExec runs one statement that has to succeed.
func mustExec(t testing.TB, db *DB, sql string, args ...any) {
	t.Helper()
	mustWrite(t, db, func(tx *Tx) error {
		_, err := tx.Exec(sql, args...)
		return err
	})
}

// number reads one number.
func number(t testing.TB, db *DB, sql string, args ...any) (n int64) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *ReadTx) (err error) {
		n, err = tx.Number(sql, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hold makes the writer wait until the returned function is called, so that calls of Write pile up.
func hold(t testing.TB, db *DB) (release func()) {
	t.Helper()
	begun, end, wg := make(chan bool), make(chan bool), sync.WaitGroup{}
	wg.Go(func() {
		if err := db.Write(context.Background(), func(*Tx) error {
			close(begun)
			<-end
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-begun
	return func() { close(end); wg.Wait() }
}

func TestWritersShareCommits(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	const writers, each = 64, 50
	before := db.commits.Load()
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				err := db.Write(t.Context(), func(tx *Tx) error {
					_, err := tx.Exec("INSERT INTO a VALUES (?)", i)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	commits := db.commits.Load() - before
	if got := number(t, db, "SELECT count(*) FROM a"); got != writers*each {
		t.Errorf("got %d rows, want %d", got, writers*each)
	}
	t.Logf("%d writes in %d commits: %.1f each", writers*each, commits, float64(writers*each)/float64(commits))
	if commits*8 > writers*each {
		t.Errorf("got %d commits for %d writes, want at least 8 writes in each", commits, writers*each)
	}
}

func TestFailedWriteUndoesOnlyItself(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	var told []Commit
	db.onCommit(func(c Commit) { told = append(told, c) })
	release := hold(t, db)
	before := db.commits.Load()
	const calls = 20
	errs := make([]error, calls)
	var after [calls]bool
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			errs[i] = db.Write(t.Context(), func(tx *Tx) error {
				tx.Changed(Change{"a", int64(i), Inserted})
				tx.AfterCommit(func() { after[i] = true })
				if _, err := tx.Exec("INSERT INTO a VALUES (?)", i); err != nil {
					return err
				}
				if i%2 == 1 {
					return wire.E(wire.Conflict, "odd")
				}
				return tx.Savepoint(func() error { // undone by itself; the call goes on
					return nil
				})
			})
		})
	}
	release()
	wg.Wait()
	if got := db.commits.Load() - before; got > calls {
		t.Errorf("got %d commits for %d calls", got, calls)
	}
	var ids []int64
	for i, c := range told {
		if want := int64(i + 1); c.Position != want {
			t.Errorf("commit %d: got position %d, want %d", i, c.Position, want)
		}
		for _, ch := range c.Changes {
			ids = append(ids, ch.ID)
		}
	}
	slices.Sort(ids)
	var want []int64
	for i := range calls {
		if i%2 == 0 {
			want = append(want, int64(i))
		}
		if got, want := errors.Is(errs[i], wire.Conflict), i%2 == 1; got != want {
			t.Errorf("call %d: got error %v", i, errs[i])
		}
		if got, want := after[i], i%2 == 0; got != want {
			t.Errorf("call %d: got after-commit %v, want %v", i, got, want)
		}
	}
	if !slices.Equal(ids, want) {
		t.Errorf("got changes %v, want %v", ids, want)
	}
	if got := number(t, db, "SELECT group_concat(n) IS NOT NULL AND count(*) = 10 AND sum(n % 2) = 0 FROM a"); got != 1 {
		t.Errorf("the table does not hold exactly the even numbers")
	}
}
