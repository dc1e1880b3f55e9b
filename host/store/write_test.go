package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// hold makes the writer wait in a call of its own until the returned function is called, so that calls
// of Write pile up. That one returns when the call has its end, with its error.
func hold(t testing.TB, db *DB) (release func() error) {
	t.Helper()
	begun, end, done := make(chan bool, 2), make(chan bool), make(chan error, 1)
	go func() {
		done <- db.Write(context.Background(), func(*Tx) error {
			begun <- true // twice when it runs again
			<-end
			return nil
		})
	}()
	<-begun
	return func() error { close(end); return <-done }
}

// mustRelease ends a hold whose call has to succeed.
func mustRelease(t testing.TB, release func() error) {
	t.Helper()
	if err := release(); err != nil {
		t.Error(err)
	}
}

// Calls that wait together share a commit. (How many come together by themselves depends on the machine,
// and is the benchmarks' business.)
func TestWritersShareCommits(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	const writers, rounds = 64, 5
	before := db.commits.Load()
	for range rounds {
		release := hold(t, db)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				err := db.Write(t.Context(), func(tx *Tx) error {
					_, err := tx.Exec("INSERT INTO a VALUES (?)", i)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(t, db, writers)
		mustRelease(t, release)
		wg.Wait()
	}
	commits := db.commits.Load() - before
	if got := number(t, db, "SELECT count(*) FROM a"); got != writers*rounds {
		t.Errorf("got %d rows, want %d", got, writers*rounds)
	}
	if commits*8 > writers*rounds {
		t.Errorf("got %d commits for %d writes, want at least 8 writes in each", commits, writers*rounds)
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
				tx.Changed(Change{Table: "a", ID: int64(i), Kind: Inserted})
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
	waitQueued(t, db, calls)
	mustRelease(t, release)
	wg.Wait()
	// The one that held the writer may have used up its transaction's time.
	if got := db.commits.Load() - before; got > 2 {
		t.Errorf("got %d commits for %d calls that came together", got, calls)
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

// forever is a query that does not end by itself.
const forever = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

// TestWriteSurvivesItsNeighbour interrupts a call in the middle of an INSERT, for which SQLite undoes the
// whole transaction. The calls that shared it are run again and lose nothing.
func TestWriteSurvivesItsNeighbour(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Limits: Limits{WriteTimeout: time.Second}})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	mustExec(t, db, "CREATE TABLE b (n INTEGER)")
	var told atomic.Int64
	db.onCommit(func(c Commit) { told.Add(int64(len(c.Changes))) })
	reading, writing := "SELECT max(i) FROM ("+forever+")", "INSERT INTO b "+forever
	tests := []struct {
		name, sql string
		write     func(context.Context, func(*Tx) error) error
	}{
		{"reading", reading, db.Write}, {"writing", writing, db.Write},
		{"reading boldly", reading, db.writeBoldly}, {"writing boldly", writing, db.writeBoldly},
	}
	for _, tt := range tests {
		told.Store(0)
		release := hold(t, db)
		var runs atomic.Int64
		var wg sync.WaitGroup
		const calls = 10
		for i := range calls {
			wg.Go(func() {
				err := tt.write(t.Context(), func(tx *Tx) error {
					runs.Add(1)
					if i == calls/2 {
						tx.Changed(Change{Table: "a", ID: int64(i), Kind: Inserted})
						if _, err := tx.Exec("INSERT INTO a VALUES (?)", i); err != nil {
							return err
						}
						_, err := tx.Exec(tt.sql)
						return err
					}
					tx.Changed(Change{Table: "a", ID: int64(i), Kind: Inserted})
					_, err := tx.Exec("INSERT INTO a VALUES (?)", i)
					return err
				})
				if i == calls/2 && !errors.Is(err, wire.Timeout) {
					t.Errorf("%s: got %v for what took too long, want timeout", tt.name, err)
				}
				if i != calls/2 && err != nil {
					t.Errorf("%s: got %v for its neighbour", tt.name, err)
				}
			})
		}
		waitQueued(t, db, calls)
		mustRelease(t, release)
		wg.Wait()
		if got := number(t, db, "SELECT count(*) || sum(n) FROM a"); got != 940 {
			t.Errorf("%s: got %d rows and sum, want 9 rows with sum 40", tt.name, got)
		}
		if got := told.Load(); got != calls-1 {
			t.Errorf("%s: got %d changes told, want %d", tt.name, got, calls-1)
		}
		t.Logf("%s: %d runs of %d calls", tt.name, runs.Load(), calls)
		mustExec(t, db, "DELETE FROM a")
	}
}

// waitQueued returns when n calls of Write are waiting.
func waitQueued(t testing.TB, db *DB, n int) {
	t.Helper()
	for len(db.jobs) < n {
		if t.Context().Err() != nil {
			t.Fatal("the calls never came")
		}
		runtime.Gosched()
	}
}

func TestWritePanics(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	func() {
		defer func() {
			if p := fmt.Sprint(recover()); !strings.HasPrefix(p, "a mistake") {
				t.Errorf("got panic %q, want that of the function", p)
			}
		}()
		err := db.Write(t.Context(), func(tx *Tx) error {
			if _, err := tx.Exec("INSERT INTO a VALUES (1)"); err != nil {
				return err
			}
			panic("a mistake")
		})
		t.Errorf("Write returned %v", err)
	}()
	mustExec(t, db, "INSERT INTO a VALUES (2)")
	if got := number(t, db, "SELECT sum(n) FROM a"); got != 2 {
		t.Errorf("got sum %d, want 2", got)
	}
}

func TestWriteContext(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	release := hold(t, db)
	gone := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Write(ctx, func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO a VALUES (1)")
			return err
		})
		if err != gone {
			t.Errorf("got %v, want that the caller has gone", err)
		}
	})
	waitQueued(t, db, 1)
	cancel(gone)
	wg.Wait() // while the writer is held
	mustRelease(t, release)

	// Once it has begun, the result is that of the function.
	ctx, cancel = context.WithCancelCause(t.Context())
	if err := db.Write(ctx, func(tx *Tx) error {
		cancel(gone)
		_, err := tx.Exec("INSERT INTO a VALUES (2)")
		return err
	}); err != nil {
		t.Errorf("got %v for a call that was cancelled while it ran", err)
	}
	if got := number(t, db, "SELECT sum(n) FROM a"); got != 2 {
		t.Errorf("got sum %d, want 2", got)
	}
}

func TestSavepoint(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	var told []int64
	db.onCommit(func(c Commit) {
		for _, ch := range c.Changes {
			told = append(told, ch.ID)
		}
	})
	var after []int64
	add := func(tx *Tx, n int64) error {
		tx.Changed(Change{Table: "a", ID: n, Kind: Inserted})
		tx.AfterCommit(func() { after = append(after, n) })
		_, err := tx.Exec("INSERT INTO a VALUES (?)", n)
		return err
	}
	refused := errors.New("refused")
	mustWrite(t, db, func(tx *Tx) error {
		if err := add(tx, 1); err != nil {
			return err
		}
		err := tx.Savepoint(func() error {
			inner := tx.Savepoint(func() error { return add(tx, 2) })
			return errors.Join(inner, add(tx, 4), refused)
		})
		if !errors.Is(err, refused) {
			t.Errorf("got %v, want refused", err)
		}
		return tx.Savepoint(func() error {
			if err := tx.Savepoint(func() error { return errors.Join(add(tx, 8), refused) }); !errors.Is(err, refused) {
				t.Errorf("got %v, want refused", err)
			}
			return add(tx, 16)
		})
	})
	want := []int64{1, 16}
	if !slices.Equal(told, want) || !slices.Equal(after, want) {
		t.Errorf("got changes %v and calls after the commit %v, want %v", told, after, want)
	}
	if got := number(t, db, "SELECT sum(n) FROM a"); got != 17 {
		t.Errorf("got sum %d, want 17", got)
	}
}

func TestTxEnds(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	var kept *Tx
	mustWrite(t, db, func(tx *Tx) error { kept = tx; return nil })
	if _, err := kept.Exec("DELETE FROM _owner"); err != errTxEnded {
		t.Errorf("Exec: got %v", err)
	}
	if _, err := kept.Number("SELECT 1"); err != errTxEnded {
		t.Errorf("Number: got %v", err)
	}
	for _, err := range kept.Query("SELECT 1") {
		if err != errTxEnded {
			t.Errorf("Query: got %v", err)
		}
	}
	if err := kept.Savepoint(func() error { return nil }); err != errTxEnded {
		t.Errorf("Savepoint: got %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	db := openTest(t, o)
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	release := hold(t, db)
	var wg sync.WaitGroup
	const calls = 20
	for range calls {
		wg.Go(func() {
			if err := db.Write(t.Context(), func(tx *Tx) error {
				_, err := tx.Exec("INSERT INTO a VALUES (1)")
				return err
			}); err != nil {
				t.Errorf("a call that was waiting before Close: %v", err)
			}
		})
	}
	waitQueued(t, db, calls)
	reading := make(chan error, 1)
	begun := make(chan bool)
	go func() {
		reading <- db.Read(t.Context(), func(tx *ReadTx) error {
			close(begun)
			_, err := tx.Number("SELECT max(i) FROM (" + forever + ")")
			return err
		})
	}()
	<-begun
	wg.Go(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := <-reading; !errors.Is(err, wire.Closed) {
		t.Errorf("a read under way: got %v, want closed", err)
	}
	mustRelease(t, release)
	wg.Wait()
	if err := db.Write(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, wire.Closed) {
		t.Errorf("Write after Close: got %v", err)
	}
	if err := db.Read(t.Context(), func(*ReadTx) error { return nil }); !errors.Is(err, wire.Closed) {
		t.Errorf("Read after Close: got %v", err)
	}
	if _, err := db.Log().Open(t.Context(), match("g")); !errors.Is(err, wire.Closed) {
		t.Errorf("Log.Open after Close: got %v", err)
	}
	db = openTest(t, o)
	if got := number(t, db, "SELECT count(*) FROM a"); got != calls {
		t.Errorf("got %d rows, want %d", got, calls)
	}
}
