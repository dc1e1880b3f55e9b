package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"goop/host/internal/logtest"
	"goop/shared/group"
	"goop/shared/jsonstate"
	"goop/shared/wire"
)

// The relay's interfaces, which the store satisfies without knowing the relay.
var (
	_ logtest.Log = (*Log)(nil)
	_ interface {
		Groups(context.Context) ([]group.Saved, error)
		Save(context.Context, group.Config, group.PeopleChange) error
		Note(context.Context, wire.GroupID, group.PeopleChange) error
		Remove(context.Context, wire.GroupID, []group.RosterPeer) error
		Roster(context.Context, wire.GroupID) ([]group.RosterPeer, error)
	} = (*Registry)(nil)
)

const (
	alice wire.PeerID = "alice"
	bob   wire.PeerID = "bob"
)

func match(id wire.GroupID) group.Config {
	return group.Config{ID: id, Type: group.Persistent, Durable: true, Access: group.Open}
}

func msg(from wire.PeerID, id, payload string) group.Draft {
	return group.Draft{From: from, Session: "s", Role: wire.RoleMember, ID: id, Kind: wire.TypeMsg, Payload: []byte(payload)}
}

func state(from wire.PeerID, id, patch string) group.Draft {
	return group.Draft{From: from, Session: "s", Role: wire.RoleMember, ID: id, Kind: wire.TypeState, Patch: []byte(patch)}
}

func mustOpen(t testing.TB, l *Log, cfg group.Config) group.Head {
	t.Helper()
	head, err := l.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func mustAppend(t testing.TB, l *Log, id wire.GroupID, drafts ...group.Draft) []group.Result {
	t.Helper()
	results, err := l.Append(t.Context(), id, drafts)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// outcome is a Result as a line of text.
func outcome(r group.Result) string {
	if e, ok := errors.AsType[*wire.Error](r.Err); ok {
		s := string(e.Code) + " for " + e.ID
		if e.Seq != 0 {
			s += fmt.Sprint(" seq ", e.Seq)
		}
		return s
	}
	s := fmt.Sprint(r.Seq)
	if r.Dup {
		s += " dup"
	}
	if r.Err != nil {
		s += " " + r.Err.Error()
	}
	return s
}

func TestLogAppend(t *testing.T) {
	t.Parallel()
	ifSeq := func(d group.Draft, seq int64) group.Draft { d.IfSeq = &seq; return d }
	to := func(d group.Draft, peer wire.PeerID) group.Draft { d.To = peer; return d }
	seats := match("g")
	seats.Seats = []string{"white", "black"}
	tests := []struct {
		name   string
		cfg    group.Config
		drafts []group.Draft
		want   []string
		state  string
	}{
		{"in order", match("g"), []group.Draft{msg(alice, "a", `1`), msg(bob, "b", `2`), msg(alice, "c", `3`)}, []string{"1", "2", "3"}, `{}`},
		{"without ids", match("g"), []group.Draft{msg(alice, "", `1`), msg(alice, "", `1`)}, []string{"1", "2"}, `{}`},
		{"repeat in one call", match("g"), []group.Draft{msg(alice, "a", `1`), msg(alice, "a", `1`), msg(alice, "b", `2`)}, []string{"1", "1 dup", "2"}, `{}`},
		{"another peer's id", match("g"), []group.Draft{msg(alice, "a", `1`), msg(bob, "a", `1`)}, []string{"1", "2"}, `{}`},
		{"another payload", match("g"), []group.Draft{msg(alice, "a", `1`), msg(alice, "a", `2`), msg(bob, "b", `2`)}, []string{"1", "id_conflict for a", "2"}, `{}`},
		{"another addressee", match("g"), []group.Draft{msg(alice, "a", `1`), to(msg(alice, "a", `1`), bob)}, []string{"1", "id_conflict for a"}, `{}`},
		{"another kind", match("g"), []group.Draft{msg(alice, "a", `{}`), state(alice, "a", `{}`)}, []string{"1", "id_conflict for a"}, `{}`},
		{"to one peer", match("g"), []group.Draft{to(msg(alice, "a", `1`), bob), msg(bob, "b", `2`)}, []string{"1", "2"}, `{}`},
		{"state", match("g"), []group.Draft{state(alice, "a", `{"x":1,"y":{"z":2}}`), msg(bob, "b", `1`), state(bob, "c", `{"x":null,"y":{"w":3}}`)},
			[]string{"1", "2", "3"}, `{"y":{"z":2,"w":3}}`},
		{"ifSeq", match("g"), []group.Draft{state(alice, "a", `{"x":1}`), state(bob, "b", `{"y":1}`), ifSeq(state(alice, "c", `{"x":2}`), 1),
			ifSeq(state(bob, "d", `{"x":3}`), 1), ifSeq(state(bob, "e", `{"y":3}`), 2)},
			[]string{"1", "2", "3", "conflict for d seq 3", "4"}, `{"x":2,"y":3}`},
		{"repeat that would be refused now", match("g"), []group.Draft{ifSeq(state(alice, "a", `{"x":1}`), 0), ifSeq(state(alice, "a", `{"x":1}`), 0)},
			[]string{"1", "1 dup"}, `{"x":1}`},
		{"seats", seats, []group.Draft{state(alice, "a", `{"seats":{"white":"alice"}}`), state(bob, "b", `{"seats":{"white":"bob"}}`),
			state(bob, "c", `{"seats":{"black":"alice"}}`), state(bob, "d", `{"seats":{"black":"bob"}}`)},
			[]string{"1", "conflict for b", "forbidden for c", "2"}, `{"seats":{"white":"alice","black":"bob"}}`},
		{"patch that is none", match("g"), []group.Draft{state(alice, "a", `[1]`), msg(alice, "b", `1`)}, []string{"invalid_value for a", "1"}, `{}`},
		{"state too large", match("g"), []group.Draft{state(alice, "a", `{"x":"`+strings.Repeat("x", 3000)+`"}`), state(alice, "b", `{"x":1}`)},
			[]string{"too_large for a", "1"}, `{"x":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: t.TempDir(), Limits: Limits{State: 1000}}
			db := openTest(t, o)
			first := mustOpen(t, db.Log(), tt.cfg)
			if first.Seq != 0 || first.Epoch == "" {
				t.Errorf("got head %+v of a new log", first)
			}
			check := func(round string, results []group.Result, want []string) {
				t.Helper()
				var got []string
				for _, r := range results {
					got = append(got, outcome(r))
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", round, got, want)
				}
			}
			check("first", mustAppend(t, db.Log(), tt.cfg.ID, tt.drafts...), tt.want)
			head := mustOpen(t, db.Log(), tt.cfg)

			// All that had an id and was appended is known again, also after a restart.
			again := slices.Clone(tt.want)
			seen := map[string]bool{}
			for i := range again {
				if d := tt.drafts[i]; d.ID != "" && !strings.Contains(again[i], " ") {
					again[i] += " dup"
				}
				seen[tt.drafts[i].ID] = true
			}
			if !seen[""] {
				check("second", mustAppend(t, db.Log(), tt.cfg.ID, tt.drafts...), again)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openTest(t, o)
			back := mustOpen(t, db.Log(), tt.cfg)
			if back.Epoch != first.Epoch || back.Seq != head.Seq || back.StateSeq != head.StateSeq {
				t.Errorf("after a restart: got %+v, want %+v with epoch %s", back, head, first.Epoch)
			}
			if got := string(back.State.Text()); got != tt.state {
				t.Errorf("after a restart: got state %s, want %s", got, tt.state)
			}
			if !seen[""] {
				check("after a restart", mustAppend(t, db.Log(), tt.cfg.ID, tt.drafts...), again)
			}
		})
	}
}

func TestLogIsAnEngine(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(t *testing.T) logtest.Engine {
		o := Options{Dir: t.TempDir()}
		db := openTest(t, o)
		return logtest.Engine{Log: db.Log(), Slack: 64, Reopen: func() logtest.Log {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openTest(t, o)
			return db.Log()
		}}
	})
}

func TestLogRead(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	l := db.Log()
	for _, id := range []wire.GroupID{"before", "g", "after"} {
		mustOpen(t, l, match(id))
		mustAppend(t, l, id, msg(bob, "x", `"`+string(id)+`"`))
	}
	direct := msg(alice, "b", `{"a": 1}`)
	direct.To = bob
	mustAppend(t, l, "g", direct, state(bob, "", `{"k":1}`))
	now := number(t, db, "SELECT max(time) FROM _group_log")
	all := []group.Entry{
		{Seq: 1, From: bob, Session: "s", ID: "x", Kind: wire.TypeMsg, Payload: []byte(`"g"`)},
		{Seq: 2, From: alice, Session: "s", ID: "b", Kind: wire.TypeMsg, To: bob, Payload: []byte(`{"a": 1}`)},
		{Seq: 3, From: bob, Session: "s", Kind: wire.TypeState, Patch: []byte(`{"k":1}`)},
	}
	tests := []struct {
		after int64
		limit int
		want  []group.Entry
	}{
		{0, 10, all},
		{0, 2, all[:2]},
		{1, 10, all[1:]},
		{2, 1, all[2:]},
		{3, 10, nil},
		{99, 10, nil},
		{maxSeq, 10, nil},
		{1<<62 + 5, 10, nil},
		{-1, 10, nil},
	}
	for _, tt := range tests {
		got, err := l.Read(t.Context(), "g", tt.after, tt.limit)
		if err != nil {
			t.Errorf("after %d: %v", tt.after, err)
		}
		for i := range got {
			if got[i].Time > now || got[i].Time < now-60_000 {
				t.Errorf("after %d: got time %d, now is %d", tt.after, got[i].Time, now)
			}
			got[i].Time = 0
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("after %d, limit %d: got %+v, want %+v", tt.after, tt.limit, got, tt.want)
		}
	}
	if _, err := l.Read(t.Context(), "unknown", 0, 1); !errors.Is(err, errLogNotOpen) {
		t.Errorf("read of a log that is not open: got %v", err)
	}
	if _, err := l.Append(t.Context(), "unknown", []group.Draft{msg(bob, "", "1")}); !errors.Is(err, errLogNotOpen) {
		t.Errorf("append to a log that is not open: got %v", err)
	}
}

// TestLogRetention appends much more than is kept, and restarts now and then. At all times the newest
// entries can be read, older ones are forgotten and not skipped, the ids of both are known, and the
// state is that of all entries.
func TestLogRetention(t *testing.T) {
	t.Parallel()
	const total, payload = 2000, 100
	tests := []struct {
		name   string
		limits Limits
		least  int64 // entries that are kept at least
		most   int64
	}{
		{"entries", Limits{LogEntries: 100}, 100, 100 + 12 + 50},
		{"bytes", Limits{LogBytes: 100 * payload}, 90, 100 + 2 + 50},
		{"one entry", Limits{LogEntries: 1}, 1, 51},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			o := Options{Dir: t.TempDir(), Limits: tt.limits}
			db := openTest(t, o)
			mustOpen(t, db.Log(), match("g"))
			draft := func(n int) group.Draft {
				if n%3 == 0 {
					return state(alice, fmt.Sprint(n), fmt.Sprintf(`{"k%d":%*d}`, n%30, payload-10, n))
				}
				return msg(alice, fmt.Sprint(n), fmt.Sprintf("%*d", payload, n))
			}
			var want jsonstate.State
			for n := 1; n <= total; {
				var drafts []group.Draft
				for range random.IntN(50) + 1 {
					if n > total {
						break
					}
					d := draft(n)
					if d.Kind == wire.TypeState {
						want, _ = want.Merge(d.Patch)
					}
					drafts = append(drafts, d)
					n++
				}
				for i, r := range mustAppend(t, db.Log(), "g", drafts...) {
					if want := int64(n - len(drafts) + i); r.Err != nil || r.Seq != want {
						t.Fatalf("got %s for entry %d", outcome(r), want)
					}
				}
				head := int64(n - 1)
				if random.IntN(10) == 0 {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					db = openTest(t, o)
					got := mustOpen(t, db.Log(), match("g"))
					if got.Seq != head || !bytes.Equal(got.State.Text(), want.Text()) {
						t.Fatalf("after a restart at %d: got head %d and state %s, want %s", head, got.Seq, got.State.Text(), want.Text())
					}
				}
				got, err := db.Log().Read(t.Context(), "g", max(0, head-tt.least), total)
				if err != nil || int64(len(got)) != min(head, tt.least) {
					t.Fatalf("at %d: got %d of the newest %d entries, %v", head, len(got), tt.least, err)
				}
				if head > tt.most {
					if got, err := db.Log().Read(t.Context(), "g", head-tt.most-1, total); !errors.Is(err, group.ErrForgotten) {
						t.Fatalf("at %d: got %d entries and error %v for what should be forgotten", head, len(got), err)
					}
				}
			}
			for n := 1; n <= total; n += 97 {
				if got, want := outcome(mustAppend(t, db.Log(), "g", draft(n))[0]), fmt.Sprint(n, " dup"); got != want {
					t.Errorf("entry %d again: got %s, want %s", n, got, want)
				}
			}
			if got := number(t, db, "SELECT count(body) FROM _group_log"); got > tt.most {
				t.Errorf("got %d bodies on the disk, want at most %d", got, tt.most)
			}
		})
	}
}

// TestLogForgetsIDs checks that rows do not stay for ever.
func TestLogForgetsIDs(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Limits: Limits{LogEntries: 10}})
	mustOpen(t, db.Log(), match("g"))
	const total = group.KeepIDCount + 3000
	for n := 0; n < total; n += 500 {
		var drafts []group.Draft
		for i := range 500 {
			drafts = append(drafts, msg(alice, fmt.Sprint(n+i), "1"))
		}
		mustAppend(t, db.Log(), "g", drafts...)
	}
	rows := number(t, db, "SELECT count(*) FROM _group_log")
	if rows < group.KeepIDCount || rows > group.KeepIDCount+1000 {
		t.Errorf("got %d rows, want %d and few more", rows, group.KeepIDCount)
	}
	r := mustAppend(t, db.Log(), "g", msg(alice, fmt.Sprint(total-group.KeepIDCount), "1"), msg(alice, "0", "1"))
	if got, want := outcome(r[0])+", "+outcome(r[1]), fmt.Sprint(total-group.KeepIDCount+1, " dup, ", total+1); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLogDrop(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	l, reg := db.Log(), db.Registry()
	epochs := map[wire.GroupID]wire.Epoch{}
	for _, id := range []wire.GroupID{"a", "b", "c"} {
		if err := reg.Save(t.Context(), match(id), group.PeopleChange{}); err != nil {
			t.Fatal(err)
		}
		epochs[id] = mustOpen(t, l, match(id)).Epoch
		mustAppend(t, l, id, msg(alice, "x", "1"), state(alice, "y", `{"k":1}`))
	}
	if err := l.Drop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := reg.Remove(t.Context(), "b", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Drop(t.Context(), "a"), reg.Remove(t.Context(), "unknown", nil)); err != nil {
		t.Errorf("drop of what is not there: %v", err)
	}
	if got := number(t, db, "SELECT count(*) FROM _group_log"); got != 2 {
		t.Errorf("got %d entries, want the 2 of c", got)
	}
	for _, id := range []wire.GroupID{"a", "b"} {
		head := mustOpen(t, l, match(id))
		if head.Epoch == epochs[id] || head.Seq != 0 || head.State.Size() != len("{}") {
			t.Errorf("group %s anew: got %+v, want a fresh epoch at 0", id, head)
		}
		if got := outcome(mustAppend(t, l, id, msg(alice, "x", "1"))[0]); got != "1" {
			t.Errorf("group %s anew: got %s for its first entry", id, got)
		}
	}
	if head := mustOpen(t, l, match("c")); head.Seq != 2 || head.Epoch != epochs["c"] {
		t.Errorf("group c: got %+v", head)
	}
}
