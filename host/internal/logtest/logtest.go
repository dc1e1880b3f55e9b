// Package logtest is the suite that each engine of group logs has to pass: what the relay's Log says of
// history, of what is retained and of redaction. It knows the engines only by Log.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// Log is the relay's interface, of which this is a copy, so that a store need not know the relay.
type Log interface {
	Open(context.Context, group.Config) (group.Head, error)
	Append(context.Context, wire.GroupID, []group.Draft) ([]group.Result, error)
	Read(ctx context.Context, id wire.GroupID, after int64, limit int) ([]group.Entry, error)
	Before(ctx context.Context, id wire.GroupID, before int64, limit int) ([]group.Entry, error)
	Trim(context.Context, wire.GroupID) error
	Drop(context.Context, wire.GroupID) error
}

// Engine opens a log for a test. Reopen returns the same log after a restart of its host, or the log
// itself for an engine that does not outlive one.
type Engine struct {
	Log    Log
	Reopen func() Log
	Slack  int // entries, and 1/64 of the bytes, that may be kept beyond what is retained until Trim
}

const (
	alice wire.PeerID = "alice"
	bob   wire.PeerID = "bob"
)

// Run runs the suite. Each test is a bubble of its own, in which open is called.
func Run(t *testing.T, open func(t *testing.T) Engine) {
	for _, tt := range []struct {
		name string
		test func(*bench)
	}{
		{"Before", before}, {"RetainCount", retainCount}, {"RetainBytes", retainBytes}, {"RetainAge", retainAge},
		{"RetainChanges", retainChanges}, {"Redact", redact}, {"RedactTwice", redactTwice}, {"RedactInOneBatch", redactInOneBatch},
		{"RedactAndState", redactAndState},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tt.test(&bench{T: t, e: open(t)}) })
		})
	}
}

// bench is one engine under test, with one group, "g".
type bench struct {
	*testing.T
	e Engine
}

func config(retain group.Retain) group.Config {
	return group.Config{ID: "g", Type: group.Persistent, Durable: true, Access: group.Open, Retain: retain}
}

func (b *bench) open(retain group.Retain) group.Head {
	b.Helper()
	head, err := b.e.Log.Open(b.Context(), config(retain))
	if err != nil {
		b.Fatal(err)
	}
	return head
}

// restart opens the log again.
func (b *bench) restart(retain group.Retain) group.Head {
	b.Helper()
	b.e.Log = b.e.Reopen()
	return b.open(retain)
}

func (b *bench) append(drafts ...group.Draft) []group.Result {
	b.Helper()
	results, err := b.e.Log.Append(b.Context(), "g", drafts)
	if err != nil {
		b.Fatal(err)
	}
	return results
}

// fill appends n messages from alice, with the ids first, first+1 and so on.
func (b *bench) fill(first, n int) {
	b.Helper()
	for i := range n {
		b.append(msg(alice, fmt.Sprint(first+i), fmt.Sprint(first+i)))
	}
}

func (b *bench) trim() {
	b.Helper()
	if err := b.e.Log.Trim(b.Context(), "g"); err != nil {
		b.Fatal(err)
	}
}

func msg(from wire.PeerID, id, payload string) group.Draft {
	return group.Draft{From: from, Session: "s", ID: id, Kind: wire.TypeMsg, Payload: []byte(payload)}
}

func state(id, patch string) group.Draft {
	return group.Draft{From: alice, Session: "s", ID: id, Kind: wire.TypeState, Patch: []byte(patch)}
}

func takeAway(id string, seq int64) group.Draft {
	return group.Draft{From: bob, Session: "s", Role: wire.RoleModerator, ID: id, Kind: wire.TypeMsg, Redact: seq}
}

// text is an entry in a few characters.
func text(e group.Entry) string {
	s := fmt.Sprint(e.Seq, ":")
	switch {
	case e.Redacted:
		s += "gone"
	case e.Redact != 0:
		s += fmt.Sprint("takes ", e.Redact)
	case e.Kind == wire.TypeState:
		s += string(e.Patch)
	default:
		s += string(e.Payload)
	}
	if e.Kind != wire.TypeState && e.Kind != wire.TypeMsg || e.From == "" || e.Session != "s" || e.Time == 0 {
		s += fmt.Sprintf(" (an entry that is broken: %+v)", e)
	}
	return s
}

func texts(entries []group.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, text(e))
	}
	return strings.Join(all, " ")
}

// wantRead checks what is read after a position; want is "forgotten" when it is not kept.
func (b *bench) wantRead(after int64, want string) {
	b.Helper()
	entries, err := b.e.Log.Read(b.Context(), "g", after, 100_000)
	got := texts(entries)
	if errors.Is(err, group.ErrForgotten) && entries == nil {
		got = "forgotten"
	} else if err != nil {
		b.Fatal(err)
	}
	if got != want {
		b.Errorf("after %d: got %q, want %q", after, got, want)
	}
}

func (b *bench) wantBefore(pos int64, limit int, want string) {
	b.Helper()
	entries, err := b.e.Log.Before(b.Context(), "g", pos, limit)
	if got := texts(entries); err != nil || got != want {
		b.Errorf("%d before %d: got %q, %v; want %q", limit, pos, got, err, want)
	}
}

// kept returns the seqs of the oldest and the newest entry that history has, 0 and 0 for none.
func (b *bench) kept() (oldest, newest int64) {
	b.Helper()
	entries, err := b.e.Log.Before(b.Context(), "g", 0, 100_000)
	if err != nil {
		b.Fatal(err)
	}
	if len(entries) == 0 {
		return 0, 0
	}
	return entries[len(entries)-1].Seq, entries[0].Seq
}

// wantKept checks that exactly the entries from oldest on are kept, and that what Read says agrees.
func (b *bench) wantKept(when string, oldest, newest int64) {
	b.Helper()
	if from, to := b.kept(); from != oldest || to != newest {
		b.Errorf("%s: %d to %d are kept, want %d to %d", when, from, to, oldest, newest)
	}
	if oldest > 1 {
		if _, err := b.e.Log.Read(b.Context(), "g", oldest-2, 10); !errors.Is(err, group.ErrForgotten) {
			b.Errorf("%s: read after %d: got %v, want ErrForgotten", when, oldest-2, err)
		}
	}
	if oldest > 0 {
		es, err := b.e.Log.Read(b.Context(), "g", oldest-1, 100_000)
		if err != nil || int64(len(es)) != newest-oldest+1 {
			b.Errorf("%s: read after %d: got %d entries, %v; want %d", when, oldest-1, len(es), err, newest-oldest+1)
		}
	}
}

func (b *bench) wantSeq(what string, got group.Result, seq int64, dup bool) {
	b.Helper()
	if got.Err != nil || got.Seq != seq || got.Dup != dup {
		b.Errorf("%s: got %+v, want seq %d, repeat: %v", what, got, seq, dup)
	}
}

func (b *bench) wantRefused(what string, got group.Result, code wire.Code, id string) {
	b.Helper()
	e, ok := errors.AsType[*wire.Error](got.Err)
	if !ok || e.Code != code || e.ID != id {
		b.Errorf("%s: got %+v, want %s for %q", what, got, code, id)
	}
}

func before(b *bench) {
	b.open(group.Retain{})
	b.wantBefore(0, 10, "")
	b.wantBefore(7, 10, "")
	b.append(msg(alice, "a", "1"), state("b", `{"k":2}`), msg(bob, "c", "3"), msg(alice, "d", "4"), msg(alice, "", "5"))
	for range 2 {
		b.wantBefore(0, 10, `5:5 4:4 3:3 2:{"k":2} 1:1`)
		b.wantBefore(-3, 2, "5:5 4:4")
		b.wantBefore(6, 2, "5:5 4:4")
		b.wantBefore(5, 2, "4:4 3:3")
		b.wantBefore(99, 1, "5:5")
		b.wantBefore(1<<60, 1, "5:5")
		b.wantBefore(2, 10, "1:1")
		b.wantBefore(1, 10, "")
		b.restart(group.Retain{})
	}
	if err := b.e.Log.Trim(b.Context(), "other"); err == nil {
		b.Error("a log that is not open was trimmed")
	}
	if _, err := b.e.Log.Before(b.Context(), "other", 0, 1); err == nil {
		b.Error("a log that is not open has a history")
	}
}

func retainCount(b *bench) {
	keep := group.Retain{Count: 100}
	b.open(keep)
	b.fill(1, 300)
	if oldest, newest := b.kept(); newest != 300 || oldest > 201 || oldest < 201-int64(b.e.Slack) {
		b.Errorf("before it is trimmed: got %d to %d, want 100 and up to %d more", oldest, newest, b.e.Slack)
	}
	b.trim()
	b.wantKept("trimmed", 201, 300)
	if head := b.restart(keep); head.Seq != 300 {
		b.Errorf("after a restart: got head %d, want 300", head.Seq)
	}
	b.wantSeq("a repeat of what is not kept", b.append(msg(alice, "7", "7"))[0], 7, true)
	b.wantRefused("the same id", b.append(msg(alice, "7", "other"))[0], wire.IDConflict, "7")
	b.wantSeq("what comes next", b.append(msg(alice, "301", "301"))[0], 301, false)

	b.open(group.Retain{Count: 1})
	b.trim()
	b.wantKept("one", 301, 301)
	b.trim()
	b.wantKept("one, again", 301, 301)
}

func retainBytes(b *bench) {
	const size = 1000
	b.open(group.Retain{Bytes: 20 * size})
	for i := range 100 {
		b.append(msg(alice, fmt.Sprint(i), fmt.Sprintf("%*d", size, i)))
	}
	if oldest, newest := b.kept(); newest != 100 || oldest > 81 || oldest < 80 {
		b.Errorf("before it is trimmed: got %d to %d, want the newest 20", oldest, newest)
	}
	b.trim()
	b.wantKept("trimmed", 81, 100)
	b.append(msg(alice, "large", fmt.Sprintf("%*d", 50*size, 1)))
	b.trim()
	b.wantKept("the newest stays, however large", 101, 101)
}

func retainAge(b *bench) {
	keep := group.Retain{Age: time.Hour}
	b.open(keep)
	b.append(msg(alice, "1", "1"), state("2", `{"k":1}`))
	time.Sleep(40 * time.Minute)
	b.append(msg(alice, "3", "3"))
	time.Sleep(20 * time.Minute)
	b.wantKept("just not too old", 1, 3)
	time.Sleep(time.Millisecond)
	b.wantKept("too old, not trimmed", 3, 3)
	b.trim()
	b.wantKept("trimmed", 3, 3)
	b.wantRefused("to redact what is too old", b.append(takeAway("r", 1))[0], wire.NotFound, "r")

	time.Sleep(time.Hour)
	b.wantKept("all too old", 0, 0)
	for range 2 {
		b.wantRead(0, "forgotten")
		b.wantRead(2, "forgotten")
		b.wantRead(3, "")
		b.trim()
	}
	for range 2 {
		head := b.restart(keep)
		if head.Seq != 3 || head.StateSeq != 2 || string(head.State.Text()) != `{"k":1}` {
			b.Errorf("with no entry left: got %+v and state %s, want seq 3", head, head.State.Text())
		}
		b.wantKept("after a restart", 0, 0)
	}
	b.wantSeq("a repeat", b.append(msg(alice, "3", "3"))[0], 3, true)
	b.wantSeq("what comes next", b.append(msg(alice, "4", "4"))[0], 4, false)
	b.wantKept("the next one", 4, 4)
	b.wantRead(3, "4:4")
	b.restart(keep)
	b.wantKept("the next one, after a restart", 4, 4)
}

// retainChanges widens what is retained again: what is gone stays away, and what is only too old comes
// back as long as nobody has trimmed it.
func retainChanges(b *bench) {
	b.open(group.Retain{Age: time.Minute})
	b.append(msg(alice, "1", "1"))
	time.Sleep(50 * time.Second)
	b.append(msg(alice, "2", "2"))
	time.Sleep(50 * time.Second)
	b.wantKept("a minute", 2, 2)
	b.open(group.Retain{Age: 2 * time.Hour})
	b.wantKept("two hours", 1, 2)
	b.open(group.Retain{Age: time.Minute})
	b.trim()
	b.open(group.Retain{})
	b.wantKept("for ever, after it was trimmed", 2, 2)
}

func redact(b *bench) {
	b.open(group.Retain{})
	direct := msg(alice, "d", `"to bob"`)
	direct.To = bob
	b.append(msg(alice, "a", `"secret"`), msg(bob, "b", "2"), msg(alice, "", `"no id"`), direct, state("s", `{"k":1}`))
	b.wantSeq("redact", b.append(takeAway("r1", 1))[0], 6, false)
	b.wantSeq("redact what has no id", b.append(takeAway("r2", 3))[0], 7, false)
	b.wantSeq("redact what was for one", b.append(takeAway("", 4))[0], 8, false)
	for _, refused := range []struct {
		what string
		seq  int64
	}{
		{"what is gone already", 1}, {"a state", 5}, {"what redacts", 6}, {"what there is not", 9}, {"far away", 1 << 50},
	} {
		b.wantRefused(refused.what, b.append(takeAway("no", refused.seq))[0], wire.NotFound, "no")
	}
	for range 2 {
		b.wantRead(0, `1:gone 2:2 3:gone 4:gone 5:{"k":1} 6:takes 1 7:takes 3 8:takes 4`)
		b.wantRead(5, `6:takes 1 7:takes 3 8:takes 4`)
		b.wantBefore(0, 3, `8:takes 4 7:takes 3 6:takes 1`)
		b.wantBefore(3, 9, `2:2 1:gone`)
		entries, err := b.e.Log.Read(b.Context(), "g", 0, 10)
		if err != nil {
			b.Fatal(err)
		}
		for _, i := range []int{0, 2, 3} {
			if e := entries[i]; e.From != alice || e.Kind != wire.TypeMsg || e.Payload != nil || e.Patch != nil {
				b.Errorf("what is gone: got %+v", e)
			}
		}
		if entries[0].ID != "a" || entries[3].To != bob || entries[5].From != bob || entries[5].ID != "r1" {
			b.Errorf("got %+v", entries)
		}
		// Its id is known, whatever comes with it: what it was cannot be found out any more.
		b.wantSeq("a repeat", b.append(msg(alice, "a", `"secret"`))[0], 1, true)
		b.wantSeq("a repeat that is none", b.append(msg(alice, "a", `"guess"`))[0], 1, true)
		b.wantSeq("a repeat to one", b.append(direct)[0], 4, true)
		b.wantSeq("a repeated redact", b.append(takeAway("r1", 1))[0], 6, true)
		b.wantRefused("its id for another", b.append(takeAway("r1", 2))[0], wire.IDConflict, "r1")
		b.wantRefused("an id of one that is there", b.append(msg(bob, "b", "3"))[0], wire.IDConflict, "b")
		if head := b.restart(group.Retain{}); head.Seq != 8 || head.StateSeq != 5 {
			b.Errorf("after a restart: got head %+v, want 8", head)
		}
	}
}

// redactTwice: two moderators, one call. The second is refused.
func redactTwice(b *bench) {
	b.open(group.Retain{})
	b.append(msg(alice, "a", "1"))
	got := b.append(takeAway("x", 1), takeAway("y", 1), msg(alice, "b", "2"))
	b.wantSeq("the first", got[0], 2, false)
	b.wantRefused("the second", got[1], wire.NotFound, "y")
	b.wantSeq("what follows", got[2], 3, false)
	b.wantRead(0, "1:gone 2:takes 1 3:2")
}

func redactInOneBatch(b *bench) {
	b.open(group.Retain{})
	got := b.append(takeAway("early", 1), msg(alice, "a", "1"), takeAway("x", 1), msg(alice, "a", "1"), takeAway("x", 1))
	b.wantRefused("before it is there", got[0], wire.NotFound, "early")
	b.wantSeq("the message", got[1], 1, false)
	b.wantSeq("redact", got[2], 2, false)
	b.wantSeq("the message again", got[3], 1, true)
	b.wantSeq("redact again", got[4], 2, true)
	b.wantRead(0, "1:gone 2:takes 1")
}

// redactAndState redacts amid many state entries and much that is trimmed, over restarts: the state is
// not disturbed, and what counts for the bytes is what is there.
func redactAndState(b *bench) {
	keep := group.Retain{Count: 50, Bytes: 10_000}
	b.open(keep)
	for i := int64(1); i <= 200; i += 4 {
		b.append(msg(alice, fmt.Sprint("m", i), fmt.Sprintf("%1000d", i)), state(fmt.Sprint("s", i), fmt.Sprintf(`{"n":%d,"k%d":1}`, i, i%40)),
			takeAway(fmt.Sprint("r", i), i), msg(bob, fmt.Sprint("n", i), "0"))
		if i%40 == 1 {
			head := b.restart(keep)
			if st := string(head.State.Text()); head.Seq != i+3 || !strings.HasPrefix(st, fmt.Sprintf(`{"n":%d,`, i)) {
				b.Errorf("after a restart at %d: got %+v, state %s", i+3, head, st)
			}
		}
	}
	b.trim()
	b.wantKept("trimmed by count, not by the bytes that are gone", 151, 200)
	entries, err := b.e.Log.Read(b.Context(), "g", 150, 100)
	if err != nil {
		b.Fatal(err)
	}
	if gone := slices.DeleteFunc(entries, func(e group.Entry) bool { return !e.Redacted }); len(gone) != 12 {
		b.Errorf("got %d that are gone, want 12", len(gone))
	}
}
