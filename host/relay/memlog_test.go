package relay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/internal/logtest"
	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/wire"
)

// appendTo appends drafts that all have to pass, and returns the results.
func appendTo(t *testing.T, l relay.Log, drafts ...group.Draft) []group.Result {
	t.Helper()
	results, err := l.Append(t.Context(), "g", drafts)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func msg(id, payload string) group.Draft {
	return group.Draft{From: alice, Session: "s", ID: id, Kind: wire.TypeMsg, Payload: []byte(payload)}
}

func TestMemLog(t *testing.T) {
	t.Parallel()
	l := relay.NewMemLog(relay.MemLimits{Entries: 10})
	if _, err := l.Append(t.Context(), "g", nil); !errors.Is(err, wire.NoSuchGroup) {
		t.Errorf("before Open: got %v, want no_such_group", err)
	}
	head, err := l.Open(t.Context(), group.Config{ID: "g"})
	if err != nil || head.Epoch == "" || head.Seq != 0 || head.State.Size() != 2 {
		t.Fatalf("got %+v, %v", head, err)
	}
	got := appendTo(t, l, msg("1", `1`), msg("1", `1`), msg("1", `2`), msg("", `3`), msg("", `3`))
	if got[0].Seq != 1 || got[0].Dup || !got[1].Dup || got[1].Seq != 1 || !errors.Is(got[2].Err, wire.IDConflict) ||
		got[3].Seq != 2 || got[4].Seq != 3 || got[4].Dup {
		t.Errorf("got %+v", got)
	}
	patch := group.Draft{From: alice, Kind: wire.TypeState, Patch: []byte(`{"a":1}`)}
	if got = appendTo(t, l, patch); got[0].Seq != 4 || string(got[0].State.Text()) != `{"a":1}` {
		t.Errorf("got %+v", got)
	}
	patch.IfSeq = new(int64(3))
	if got = appendTo(t, l, patch); !errors.Is(got[0].Err, wire.Conflict) {
		t.Errorf("got %+v, want conflict", got)
	}
	again, err := l.Open(t.Context(), group.Config{ID: "g", Seats: []string{"w"}})
	if err != nil || again.Epoch != head.Epoch || again.Seq != 4 || again.StateSeq != 4 {
		t.Errorf("opened again: got %+v, %v", again, err)
	}
	if got = appendTo(t, l, group.Draft{From: alice, Kind: wire.TypeState, Patch: []byte(`{"seats":1}`)}); !errors.Is(got[0].Err, wire.Forbidden) {
		t.Errorf("the seats of the new configuration: got %+v, want forbidden", got)
	}
	for i := range 10 {
		appendTo(t, l, msg("", fmt.Sprint(i)))
	}
	for _, tt := range []struct {
		after int64
		limit int
		want  int
		err   error
	}{{0, 5, 0, group.ErrForgotten}, {3, 5, 0, group.ErrForgotten}, {4, 5, 5, nil}, {12, 5, 2, nil}, {14, 5, 0, nil}, {99, 5, 0, nil}} {
		es, err := l.Read(t.Context(), "g", tt.after, tt.limit)
		if !errors.Is(err, tt.err) || len(es) != tt.want || len(es) > 0 && es[0].Seq != tt.after+1 {
			t.Errorf("after %d: got %d entries, %v; want %d, %v", tt.after, len(es), err, tt.want, tt.err)
		}
	}
	if err := l.Drop(t.Context(), "g"); err != nil {
		t.Error(err)
	}
	if anew, err := l.Open(t.Context(), group.Config{ID: "g"}); err != nil || anew.Epoch == head.Epoch || anew.Seq != 0 {
		t.Errorf("after Drop: got %+v, %v; want a new epoch", anew, err)
	}
}

func TestMemLogIsAnEngine(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(*testing.T) logtest.Engine {
		l := relay.NewMemLog(relay.MemLimits{})
		return logtest.Engine{Log: l, Reopen: func() logtest.Log { return l }}
	})
}

func TestMemLogBytes(t *testing.T) {
	t.Parallel()
	l := relay.NewMemLog(relay.MemLimits{Bytes: 10_000})
	if _, err := l.Open(t.Context(), group.Config{ID: "g"}); err != nil {
		t.Fatal(err)
	}
	large := `"` + strings.Repeat("x", 50_000) + `"`
	appendTo(t, l, msg("1", `1`), msg("2", large))
	if es, err := l.Read(t.Context(), "g", 1, 9); err != nil || len(es) != 1 {
		t.Errorf("the newest entry stays, however large: got %d entries, %v", len(es), err)
	}
	if _, err := l.Read(t.Context(), "g", 0, 9); !errors.Is(err, group.ErrForgotten) {
		t.Errorf("got %v, want ErrForgotten", err)
	}
}

// TestMemLogForgetsIDs after a day, or when there are too many.
func TestMemLogForgetsIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := relay.NewMemLog(relay.MemLimits{})
		if _, err := l.Open(t.Context(), group.Config{ID: "g"}); err != nil {
			t.Fatal(err)
		}
		appendTo(t, l, msg("x", `1`))
		time.Sleep(24*time.Hour - time.Millisecond)
		if got := appendTo(t, l, msg("x", `1`)); !got[0].Dup {
			t.Errorf("before the day is over: got %+v, want a repeat", got[0])
		}
		time.Sleep(time.Millisecond)
		if got := appendTo(t, l, msg("x", `1`)); got[0].Dup || got[0].Seq != 2 {
			t.Errorf("after the day: got %+v, want a new entry", got[0])
		}
		for i := range group.KeepIDCount {
			appendTo(t, l, msg(fmt.Sprint(i), `1`))
		}
		if got := appendTo(t, l, msg("0", `1`)); !got[0].Dup {
			t.Errorf("the oldest of those kept: got %+v, want a repeat", got[0])
		}
		if got := appendTo(t, l, msg("x", `1`)); got[0].Dup {
			t.Errorf("one too many: got %+v, want a new entry", got[0])
		}
	})
}
