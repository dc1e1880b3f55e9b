package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/wire"
)

// TestPositions has readers look at a table that many change, and holds the number of rows that each
// snapshot has against what the commits up to its position have told.
func TestPositions(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	mustExec(t, db, "CREATE TABLE quiet (n INTEGER)")
	var mu sync.Mutex
	rows := []int64{0} // after each position
	db.onCommit(func(c Commit) {
		mu.Lock()
		defer mu.Unlock()
		if c.Position != int64(len(rows)) {
			t.Errorf("got position %d after %d", c.Position, len(rows)-1)
		}
		rows = append(rows, rows[len(rows)-1]+int64(len(c.Changes)))
	})
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 100 {
				if err := db.Write(t.Context(), func(tx *Tx) error {
					if w == 0 { // changes that nobody waits for
						_, err := tx.Exec("INSERT INTO quiet VALUES (?)", i)
						return err
					}
					tx.Changed(Change{Table: "a", ID: int64(i), Kind: Inserted})
					_, err := tx.Exec("INSERT INTO a VALUES (?)", i)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	type snapshot struct{ position, rows int64 }
	var seen []snapshot
	done := make(chan bool)
	for r := range 3 {
		readers.Go(func() {
			for {
				var s snapshot
				if err := db.Read(t.Context(), func(tx *ReadTx) (err error) {
					if s.rows, err = tx.Number("SELECT count(*) FROM a"); err != nil {
						return err
					}
					if r == 0 { // the snapshot stays while the writers go on
						time.Sleep(time.Millisecond)
					}
					s.position, err = tx.Position()
					return err
				}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen = append(seen, s)
				mu.Unlock()
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	for _, s := range seen {
		if s.position >= int64(len(rows)) || rows[s.position] != s.rows {
			t.Fatalf("got %d rows at position %d of %v", s.rows, s.position, rows)
		}
	}
	if last := rows[len(rows)-1]; last != 300 {
		t.Errorf("got %d changes told, want 300", last)
	}
	t.Logf("%d snapshots at %d positions", len(seen), len(rows))
}

func TestPositionSurvivesRestart(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir()}
	var got []int64
	for range 3 {
		db := openTest(t, o)
		db.onCommit(func(c Commit) { got = append(got, c.Position) })
		mustWrite(t, db, func(tx *Tx) error { tx.Changed(Change{Table: "a"}); return nil })
		mustWrite(t, db, func(*Tx) error { return nil })
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int64{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("got positions %v, want %v", got, want)
	}
}

// TestReaderSeesOneSnapshot checks that a long read neither sees nor stops a write.
func TestReaderSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for want := range int64(3) {
			got, err := tx.Number("SELECT count(*) FROM a")
			if err != nil {
				return err
			}
			if got != 0 {
				t.Errorf("got %d rows in a snapshot of none", got)
			}
			mustExec(t, db, "INSERT INTO a VALUES (1)")
			if got := number(t, db, "SELECT count(*) FROM a"); got != want+1 {
				t.Errorf("got %d rows in a new snapshot, want %d", got, want+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Limits: Limits{Readers: 1, ReadTimeout: 100 * time.Millisecond}})
	endless := func(tx *ReadTx) error {
		_, err := tx.Number("SELECT max(i) FROM (" + forever + ")")
		return err
	}
	if err := db.Read(t.Context(), endless); !errors.Is(err, wire.Timeout) {
		t.Errorf("a query without an end: got %v, want timeout", err)
	}
	gone := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := db.Read(ctx, func(tx *ReadTx) error {
		cancel(gone)
		return endless(tx)
	}); err != gone {
		t.Errorf("a query whose caller has gone: got %v", err)
	}
	if err := db.Read(ctx, endless); err != gone {
		t.Errorf("a caller who has gone already: got %v", err)
	}
	// All connections are taken.
	err := db.Read(t.Context(), func(*ReadTx) error {
		return db.Read(t.Context(), endless)
	})
	if !errors.Is(err, wire.Timeout) {
		t.Errorf("no connection is free: got %v, want timeout", err)
	}
	if got := number(t, db, "SELECT 7"); got != 7 {
		t.Errorf("got %d afterwards, want 7", got)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	for _, sql := range []string{
		"DELETE FROM _owner",
		"CREATE TABLE a (n)",
		"PRAGMA user_version = 9",
		"PRAGMA query_only = 0", // no error, but what follows still is one
		"DELETE FROM _owner",
	} {
		err := db.Read(t.Context(), func(tx *ReadTx) error {
			for _, err := range tx.Query(sql) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if sql != "PRAGMA query_only = 0" && !errors.Is(err, sqlite3.READONLY) {
			t.Errorf("%s: got %v, want readonly", sql, err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE v (n INTEGER, v ANY) STRICT")
	tests := []struct {
		in   any
		kind sqlite3.Datatype
		want any
	}{
		{nil, sqlite3.NULL, ""},
		{[]byte(nil), sqlite3.NULL, ""},
		{[]byte{}, sqlite3.BLOB, ""},
		{[]byte{0, 255}, sqlite3.BLOB, "\x00\xff"},
		{true, sqlite3.INTEGER, int64(1)},
		{7, sqlite3.INTEGER, int64(7)},
		{int64(-1 << 53), sqlite3.INTEGER, int64(-1 << 53)},
		{1.5, sqlite3.FLOAT, 1.5},
		{"", sqlite3.TEXT, ""},
		{"a\x00é", sqlite3.TEXT, "a\x00é"},
		{Text(`{"a":1}`), sqlite3.TEXT, `{"a":1}`},
		{wire.PeerID("p"), sqlite3.TEXT, "p"},
	}
	for i, tt := range tests {
		mustExec(t, db, "INSERT INTO v VALUES (?, ?)", i, tt.in)
	}
	i := 0
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("SELECT v FROM v ORDER BY n") {
			if err != nil {
				return err
			}
			tt := tests[i]
			var got any = string(row.Bytes(0))
			switch tt.want.(type) {
			case int64:
				got = row.Int(0)
			case float64:
				got = row.Float(0)
			}
			if row.Kind(0) != tt.kind || got != tt.want || row.Null(0) != (tt.kind == sqlite3.NULL) {
				t.Errorf("%T %v: got %v %#v, want %v %#v", tt.in, tt.in, row.Kind(0), got, tt.kind, tt.want)
			}
			i++
		}
		return nil
	})
	if err != nil || i != len(tests) {
		t.Errorf("got %d rows, %v", i, err)
	}
	for _, bad := range []any{struct{}{}, uint64(1), wire.Code("x")} {
		if err := db.Write(t.Context(), func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO v VALUES (0, ?)", bad)
			return err
		}); err == nil {
			t.Errorf("a %T was stored", bad)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for _, sql := range []string{"SELECT 1; SELECT 2", "", "SELECT ?", "SELEKT 1"} {
			if _, err := tx.Number(sql); err == nil {
				t.Errorf("no error for %q", sql)
			}
		}
		// One text, walked over by itself inside itself.
		const three = "SELECT * FROM (VALUES (1), (2), (3))"
		sum := int64(0)
		for a, err := range tx.Query(three) {
			if err != nil {
				return err
			}
			for b, err := range tx.Query(three) {
				if err != nil {
					return err
				}
				sum += a.Int(0) * b.Int(0)
			}
		}
		if sum != 36 {
			t.Errorf("got %d for a walk in a walk, want 36", sum)
		}
		// More texts than are kept.
		for i := range int64(3 * maxStmts) {
			if got, err := tx.Number(fmt.Sprint("SELECT ", i)); got != i || err != nil {
				return fmt.Errorf("got %d, %w, want %d", got, err, i)
			}
		}
		if got := len(tx.c.stmts); got > maxStmts {
			t.Errorf("got %d statements kept, want at most %d", got, maxStmts)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
