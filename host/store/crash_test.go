package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/jsonstate"
	"goop/shared/wire"
)

const crashGroups = 8

// childCrash appends to some groups at once, for ever, and writes a line "group seq id" for each entry
// when Append has returned.
func childCrash() {
	ctx := context.Background()
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	db, err := Open(ctx, Options{Dir: os.Args[1], Limits: Limits{LogEntries: 1 << 20, LogBytes: 1 << 30}})
	if err != nil {
		fail(err)
	}
	var mu sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	var wg sync.WaitGroup
	for g := range crashGroups {
		wg.Go(func() {
			id := wire.GroupID(fmt.Sprint("g", g))
			head, err := db.Log().Open(ctx, match(id))
			if err != nil {
				fail(err)
			}
			for n := head.Seq + 1; ; {
				var drafts []group.Draft
				for range g%4 + 1 {
					name := fmt.Sprintf("%s-%s-%d", id, os.Args[2], n)
					if crashRedacts(n) {
						d := takeAway(n - 1)
						d.ID = name
						drafts = append(drafts, d)
					} else if n%5 == 0 {
						drafts = append(drafts, state(alice, name, fmt.Sprintf(`{"last":%d,"k%d":1}`, n, n%7)))
					} else {
						drafts = append(drafts, msg(alice, name, strconv.Itoa(int(n))))
					}
					n++
				}
				results, err := db.Log().Append(ctx, id, drafts)
				if err != nil {
					fail(err)
				}
				mu.Lock()
				for i, r := range results {
					fmt.Fprintln(out, id, r.Seq, drafts[i].ID)
				}
				err = out.Flush()
				mu.Unlock()
				if err != nil {
					fail(err)
				}
			}
		})
	}
	wg.Wait()
}

// crashRedacts reports whether entry n takes away the one before, which is a message then.
func crashRedacts(n int64) bool { return n%7 == 3 && (n-1)%5 != 0 }

// TestCrash kills a process that appends, at random moments. What it has acknowledged is there
// afterwards, once and at its place; the database is sound; the logs go on in their epochs.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	rounds := 20
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	epochs := map[wire.GroupID]wire.Epoch{}
	acked := map[wire.GroupID]map[int64]string{}
	total := 0
	for round := range rounds {
		proc, out := child(t, "crash", dir, strconv.Itoa(round))
		killed := make(chan bool)
		var lines []string
		go func() { // ends with the child
			defer close(killed)
			for {
				line, err := out.ReadString('\n')
				if err != nil {
					return
				}
				lines = append(lines, line)
				if len(lines) == 1 {
					time.AfterFunc(time.Duration(random.Int64N(int64(150*time.Millisecond))), func() { proc.Process.Kill() })
				}
			}
		}()
		<-killed
		proc.Wait() // its error is the signal
		for _, line := range lines {
			var id, name string
			var seq int64
			if _, err := fmt.Sscan(line, &id, &seq, &name); err != nil {
				t.Fatalf("round %d: line %q: %v", round, line, err)
			}
			if acked[wire.GroupID(id)] == nil {
				acked[wire.GroupID(id)] = map[int64]string{}
			}
			acked[wire.GroupID(id)][seq] = name
			total++
		}
		checkCrash(t, dir, round, epochs, acked)
	}
	t.Logf("%d entries were acknowledged in %d rounds", total, rounds)
	if total < rounds {
		t.Errorf("got %d acknowledged entries in %d rounds", total, rounds)
	}
}

func checkCrash(t *testing.T, dir string, round int, epochs map[wire.GroupID]wire.Epoch, acked map[wire.GroupID]map[int64]string) {
	t.Helper()
	db := openTest(t, Options{Dir: dir})
	defer db.Close()
	err := db.Read(t.Context(), func(tx *ReadTx) error {
		for row, err := range tx.Query("PRAGMA integrity_check") {
			if err != nil {
				return err
			}
			if row.Text(0) != "ok" {
				t.Fatalf("round %d: integrity check: %s", round, row.Text(0))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range acked {
		head := mustOpen(t, db.Log(), match(id))
		if epochs[id] == "" {
			epochs[id] = head.Epoch
		}
		if head.Epoch != epochs[id] {
			t.Errorf("round %d: group %s has epoch %s, had %s", round, id, head.Epoch, epochs[id])
		}
		entries, err := db.Log().Read(t.Context(), id, 0, int(head.Seq)+1)
		if err != nil || int64(len(entries)) != head.Seq {
			t.Fatalf("round %d: group %s: got %d entries, %v, want %d", round, id, len(entries), err, head.Seq)
		}
		found := 0
		var ids []string
		var st jsonstate.State
		for i, e := range entries {
			if e.Seq != int64(i)+1 {
				t.Fatalf("round %d: group %s: entry %d has seq %d", round, id, i+1, e.Seq)
			}
			if !strings.HasSuffix(e.ID, fmt.Sprint("-", e.Seq)) {
				t.Errorf("round %d: group %s: entry %d is %s", round, id, e.Seq, e.ID)
			}
			if name, ok := want[e.Seq]; ok {
				found++
				if e.ID != name {
					t.Errorf("round %d: group %s: entry %d is %s, acknowledged was %s", round, id, e.Seq, e.ID, name)
				}
			}
			if r := crashRedacts(e.Seq); (e.Redact != 0) != r || r && !entries[i-1].Redacted {
				t.Errorf("round %d: group %s: entry %d takes %d away, and the one before is gone: %v", round, id, e.Seq, e.Redact, i > 0 && entries[i-1].Redacted)
			}
			if taken := e.Seq < head.Seq && crashRedacts(e.Seq+1); e.Redacted != taken {
				t.Errorf("round %d: group %s: entry %d is gone: %v, want %v", round, id, e.Seq, e.Redacted, taken)
			}
			if e.Kind == wire.TypeState {
				if st, err = st.Merge(e.Patch); err != nil {
					t.Fatal(err)
				}
			}
			ids = append(ids, e.ID)
		}
		if found != len(want) {
			t.Errorf("round %d: group %s: %d of %d acknowledged entries are there", round, id, found, len(want))
		}
		slices.Sort(ids)
		if n := len(slices.Compact(ids)); n != len(entries) {
			t.Errorf("round %d: group %s: %d of %d entries are doubled", round, id, len(entries)-n, len(entries))
		}
		if got, want := string(head.State.Text()), string(st.Text()); got != want {
			t.Errorf("round %d: group %s: got state %s, want %s", round, id, got, want)
		}
	}
}
