package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"goop/shared/jsontext"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	const perTx = 3000
	var ids []int64
	low := map[int64]int{}
	for range 3 {
		mustWrite(t, db, func(tx *Tx) error {
			for i := range perTx {
				id := tx.NewID()
				ids = append(ids, id)
				if i == 0 {
					low[id&(1<<idRandom-1)]++
				}
				// A thousand rows in one millisecond run ahead of the clock by few milliseconds.
				ms := id>>idRandom + idEpoch
				if ms < tx.Now() || ms > tx.Now()+int64(perTx*3*idStep>>idRandom)+1 {
					t.Fatalf("id %d is of %d, now is %d", id, ms, tx.Now())
				}
			}
			return nil
		})
	}
	if !slices.IsSortedFunc(ids, func(a, b int64) int { return int(min(1, max(-1, a-b))) }) || len(slices.Compact(ids)) != 3*perTx {
		t.Error("the ids do not rise")
	}
	steps := map[int64]bool{}
	for i := 1; i < perTx; i++ {
		steps[ids[i]-ids[i-1]] = true
	}
	if len(steps) < idStep/2 {
		t.Errorf("got only %d different steps", len(steps))
	}
	last := time.Date(2089, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	if id := (last-idEpoch)<<idRandom | (1<<idRandom - 1); id > jsontext.MaxInt {
		t.Errorf("the ids of 2089 do not fit: %d", id)
	}
}

func TestInsertWithID(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (_id INTEGER PRIMARY KEY, u TEXT UNIQUE)")
	mustWrite(t, db, func(tx *Tx) error {
		// What would be given out next is taken, as after the clock was set back.
		base := (tx.now - idEpoch + 1) << idRandom
		db.lastID = base
		for id := base + 1; id <= base+idStep; id++ {
			if _, err := tx.Exec("INSERT INTO a (_id) VALUES (?)", id); err != nil {
				return err
			}
		}
		attempts := 0
		id, err := tx.InsertWithID(func(id int64) error {
			attempts++
			_, err := tx.Exec("INSERT INTO a VALUES (?, 'x')", id)
			return err
		})
		if err != nil || id <= base+idStep || attempts < 2 {
			t.Errorf("got id %d after %d attempts, %v", id, attempts, err)
		}
		attempts = 0
		_, err = tx.InsertWithID(func(id int64) error {
			attempts++
			_, err := tx.Exec("INSERT INTO a VALUES (?, 'x')", id)
			return err
		})
		if !errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || attempts != 1 {
			t.Errorf("a taken value: got %v after %d attempts", err, attempts)
		}
		return nil
	})
	if got := number(t, db, "SELECT count(*) FROM a"); got != idStep+1 {
		t.Errorf("got %d rows", got)
	}
}
