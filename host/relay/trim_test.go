package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/wire"
)

// trimmed is a log that notes when it is trimmed.
type trimmed struct {
	*relay.MemLog
	// mu guards the following.
	mu    sync.Mutex
	at    []time.Duration // since start
	start time.Time
	fail  error
}

func (l *trimmed) Trim(ctx context.Context, id wire.GroupID) error {
	l.mu.Lock()
	l.at = append(l.at, time.Since(l.start))
	err := l.fail
	l.mu.Unlock()
	return errors.Join(err, l.MemLog.Trim(ctx, id))
}

// take returns when it was trimmed since the last take.
func (l *trimmed) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := fmt.Sprint(l.at)
	l.at = nil
	return at
}

// TestTrimIntervals trims at once, and then now and then, only when entries are retained for a time; a
// change of what is retained counts at once.
func TestTrimIntervals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, retain string
		wait         time.Duration
		want         string
	}{
		{"for ever", `{}`, 48 * time.Hour, "[]"},
		{"by count", `{"count":10}`, 48 * time.Hour, "[0s]"},
		{"for a minute", `{"age":60000}`, 150 * time.Second, "[0s 1m0s 2m0s]"},
		{"for an hour", `{"age":3600000}`, 15 * time.Minute, "[0s 6m0s 12m0s]"},
		{"for a month", `{"age":2592000000}`, 150 * time.Minute, "[0s 1h0m0s 2h0m0s]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &trimmed{MemLog: relay.NewMemLog(relay.MemLimits{}), start: time.Now()}
				w := open(t, relay.Options{Memory: l})
				w.create(`{"id":"lobby","type":"open","retain":` + tt.retain + `}`)
				time.Sleep(tt.wait)
				if got := l.take(); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				l.start = time.Now()
				if _, err := w.Update(t.Context(), owner, "lobby", []byte(`{"retain":{"age":1200000}}`)); err != nil {
					t.Fatal(err)
				}
				l.mu.Lock()
				l.fail = errors.New("disk") // is tried again the next time
				l.mu.Unlock()
				time.Sleep(5 * time.Minute)
				if got, want := l.take(), "[0s 2m0s 4m0s]"; got != want {
					t.Errorf("after the change: got %s, want %s", got, want)
				}
			})
		})
	}
}

// TestOldEntriesGo from the engine and from the window: who comes back too late gets the state, while
// who is there goes on.
func TestOldEntriesGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, relay.Options{})
		w.create(`{"id":"lobby","type":"open","retain":{"age":600000}}`)
		a := w.join(alice, fmt.Sprintf(join, "a"))
		say := func(id string, seq int64) {
			t.Helper()
			a.send(`{"type":"msg","id":"` + id + `","payload":"` + id + `"}`)
			if f := a.skipTo(wire.TypeMsg); !f.Ack || f.Seq != seq {
				t.Errorf("got %s, want %d", f.text, seq)
			}
		}
		resumes := func(seq int64, want bool) {
			t.Helper()
			m := w.join(bob, fmt.Sprintf(`{"type":"join","group":"lobby","session":"b","since":{"epoch":%q,"seq":%d}}`, a.welcome.Epoch, seq))
			if m.welcome.Resumed != want || !want && (m.welcome.State == nil || m.welcome.Seq == seq) {
				t.Errorf("since %d: got %+v, want it resumed: %v", seq, m.welcome, want)
			}
		}
		a.send(`{"type":"state","id":"s","patch":{"k":1}}`)
		a.skipTo(wire.TypeState)
		time.Sleep(5 * time.Minute)
		say("2", 2)
		time.Sleep(4 * time.Minute)
		resumes(0, true)
		time.Sleep(2*time.Minute + time.Second)
		resumes(0, false)
		resumes(1, true)
		full := w.Stats()[0].Bytes
		time.Sleep(6 * time.Minute)
		resumes(1, false)
		resumes(2, true)
		if got := w.Stats()[0].Bytes; got >= full {
			t.Errorf("%d bytes are held with nothing retained, %d before", got, full)
		}
		say("3", 3)
		resumes(2, true)
		if got := w.Stats()[0].Seq; got != 3 {
			t.Errorf("got seq %d, want 3", got)
		}
	})
}
