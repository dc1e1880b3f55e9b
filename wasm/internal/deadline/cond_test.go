package deadline_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/link"
	"goop/wasm/internal/deadline"
)

// waiter waits for a value as a stream's Read does.
type waiter struct {
	mu    sync.Mutex
	cond  *deadline.Cond
	value int
}

func newWaiter() *waiter {
	w := &waiter{}
	w.cond = deadline.New(&w.mu)
	return w
}

func (w *waiter) get() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.value == 0 {
		if err := w.cond.Wait(); err != nil {
			return 0, err
		}
	}
	return w.value, nil
}

func (w *waiter) set(value int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = value
	w.cond.Wake()
}

func (w *waiter) by(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cond.Set(at)
}

func TestCond(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(w *waiter) // while somebody waits
		took time.Duration
		err  error
	}{
		{"a change", func(w *waiter) { time.Sleep(time.Second); w.set(1) }, time.Second, nil},
		{"nothing to see yet", func(w *waiter) { w.cond.Wake(); time.Sleep(time.Second); w.set(1) }, time.Second, nil},
		{"a deadline", func(w *waiter) { w.by(time.Now().Add(time.Minute)) }, time.Minute, link.ErrDeadline},
		{"a deadline that is put off", func(w *waiter) {
			w.by(time.Now().Add(time.Minute))
			time.Sleep(30 * time.Second)
			w.by(time.Now().Add(time.Minute))
		}, 90 * time.Second, link.ErrDeadline},
		{"a deadline that is removed", func(w *waiter) {
			w.by(time.Now().Add(time.Minute))
			time.Sleep(30 * time.Second)
			w.by(time.Time{})
			time.Sleep(time.Hour)
			w.set(1)
		}, time.Hour + 30*time.Second, nil},
		{"a deadline in the past", func(w *waiter) { w.by(time.Now().Add(-time.Second)) }, 0, link.ErrDeadline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, begin := newWaiter(), time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := w.get(); !errors.Is(err, tt.err) {
						t.Errorf("got %v, want %v", err, tt.err)
					}
					if took := time.Since(begin); took != tt.took {
						t.Errorf("it took %v, want %v", took, tt.took)
					}
				})
				synctest.Wait()
				tt.do(w)
				wg.Wait()
			})
		})
	}
}
