package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/wire"
)

// looks has a peer hold the writer for so long, and returns when it began and ended.
func looks(t *testing.T, ts *turns, peer wire.PeerID, took time.Duration) (begin, end time.Time) {
	t.Helper()
	done, err := ts.take(t.Context(), peer)
	if err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	time.Sleep(took) // of the bubble's clock: this is the time that the writer was held
	done(took)
	return begin, time.Now()
}

func TestTurnsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		_, ended := looks(t, &ts, "heavy", time.Second)
		if began, _ := looks(t, &ts, "other", time.Millisecond); !began.Equal(ended) {
			t.Errorf("another peer waited %v", began.Sub(ended))
		}
		if began, _ := looks(t, &ts, "heavy", time.Millisecond); began.Sub(ended) != 9*time.Second {
			t.Errorf("after a second in the writer the peer waited %v, want 9s", began.Sub(ended))
		}
		_, ended = looks(t, &ts, "heavy", time.Millisecond)
		if began, _ := looks(t, &ts, "heavy", 0); !began.Equal(ended) {
			t.Errorf("after a quick look the peer waited %v", began.Sub(ended))
		}
		if len(ts.of) != 0 {
			t.Errorf("%d peers are kept, want none", len(ts.of))
		}
	})
}

func TestTurnsOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		var wg sync.WaitGroup
		start := time.Now()
		for range 4 {
			wg.Go(func() { looks(t, &ts, "heavy", 100*time.Millisecond) })
		}
		wg.Wait()
		if took, want := time.Since(start), 4*100*time.Millisecond+3*900*time.Millisecond; took != want {
			t.Errorf("four requests at once took %v, want %v", took, want)
		}
		// Who gives up leaves nothing behind, and the rest goes on.
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("gave up"))
		defer cancel()
		if _, err := ts.take(ctx, "heavy"); err == nil || err.Error() != "gave up" {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(ts.of) != 0 {
			t.Errorf("%d peers are kept, want none", len(ts.of))
		}
	})
}
