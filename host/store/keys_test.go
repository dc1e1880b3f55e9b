package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/wire"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(context.Background(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { db.Close() }()
		mustExec(t, db, "CREATE TABLE a (n INTEGER)")
		refused := wire.E(wire.Forbidden, "not this time")
		// once does request under key and answers with the number of rows that it made.
		once := func(peer wire.PeerID, key, request string, fail error) (answer string, err error) {
			err = db.Write(t.Context(), func(tx *Tx) error {
				b, err := tx.Once(peer, key, []byte(request), func() ([]byte, error) {
					if _, err := tx.Exec("INSERT INTO a VALUES (1)"); err != nil {
						return nil, err
					}
					n, err := tx.Number("SELECT count(*) FROM a")
					return fmt.Append(nil, n), errors.Join(err, fail)
				})
				answer = string(b)
				return err
			})
			return answer, err
		}
		steps := []struct {
			wait         time.Duration
			peer         wire.PeerID
			key, request string
			fail         error
			want         string
			code         wire.Code
		}{
			{0, alice, "k", "insert", nil, "1", ""},
			{0, alice, "k", "insert", nil, "1", ""},
			{0, alice, "k", "delete", nil, "", wire.IDConflict},
			{0, bob, "k", "insert", nil, "2", ""},
			{0, alice, "l", "insert", nil, "3", ""},
			{0, alice, "", "insert", nil, "4", ""},
			{0, alice, "", "insert", nil, "5", ""},
			{0, alice, "m", "insert", refused, "", wire.Forbidden}, // not done, not kept
			{0, alice, "m", "insert", nil, "6", ""},
			{0, alice, "m", "insert", refused, "6", ""},
			{23 * time.Hour, alice, "k", "insert", nil, "1", ""},
			{time.Hour, alice, "k", "insert", nil, "7", ""}, // a day after the first
			{0, alice, "k", "insert", nil, "7", ""},
			{0, bob, "k", "delete", nil, "8", ""},
		}
		for i, s := range steps {
			time.Sleep(s.wait)
			got, err := once(s.peer, s.key, s.request, s.fail)
			if s.code != "" {
				if !errors.Is(err, s.code) {
					t.Errorf("step %d: got %q, %v, want code %s", i, got, err, s.code)
				}
				continue
			}
			if err != nil || got != s.want {
				t.Errorf("step %d: got %q, %v, want %q", i, got, err, s.want)
			}
		}
		// After a restart, and then in time, they go.
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = Open(context.Background(), Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		if got, err := once(bob, "k", "delete", nil); got != "8" || err != nil {
			t.Errorf("after a restart: got %q, %v", got, err)
		}
		time.Sleep(25 * time.Hour)
		if _, err := once(bob, "n", "insert", nil); err != nil {
			t.Error(err)
		}
		if got := number(t, db, "SELECT count(*) FROM _write_keys"); got != 1 {
			t.Errorf("got %d keys kept, want the last one", got)
		}
	})
}

// TestOnceTogether sends one request many times at once.
func TestOnceTogether(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	mustExec(t, db, "CREATE TABLE a (n INTEGER)")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			var answer string
			err := db.Write(t.Context(), func(tx *Tx) error {
				b, err := tx.Once(alice, "k", nil, func() ([]byte, error) {
					_, err := tx.Exec("INSERT INTO a VALUES (1)")
					return []byte("done"), err
				})
				answer = string(b)
				return err
			})
			if answer != "done" || err != nil {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
	wg.Wait()
	if got := number(t, db, "SELECT count(*) FROM a"); got != 1 {
		t.Errorf("it was done %d times", got)
	}
}
