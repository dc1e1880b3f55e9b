package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// follower runs one watch and keeps what it was told.
type follower struct {
	w   *world
	c   group.Caller
	q   *data.Query
	end context.CancelFunc
	err error // once done is closed

	done chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	rows    []data.Row
	calls   int
	changed chan struct{} // closed and replaced with each call
}

// follow begins a watch; check, if any, sees each result.
func (w *world) follow(c group.Caller, table, fields string, check func([]data.Row) error) *follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{w: w, c: c, q: w.query(table, fields), end: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.err = w.tables.Watch(ctx, func() (group.Caller, *data.Query, error) { return c, f.q, nil }, func(r *data.Result) error {
			rows := r.Rows
			if check != nil {
				if err := check(rows); err != nil {
					return err
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.rows, f.calls = rows, f.calls+1
			close(f.changed)
			f.changed = make(chan struct{})
			return nil
		})
	}()
	w.t.Cleanup(f.stop)
	return f
}

func (f *follower) stop() {
	f.end()
	<-f.done
}

// until waits for a result that is as it should be.
func (f *follower) until(want func(rows string) bool) {
	f.w.t.Helper()
	for {
		f.mu.Lock()
		rows, changed := joined(f.rows), f.changed
		seen := f.calls > 0
		f.mu.Unlock()
		if seen && want(rows) {
			return
		}
		select {
		case <-changed:
		case <-f.done:
			f.w.t.Fatalf("the watch ended: %v", f.err)
		case <-time.After(20 * time.Second):
			f.w.t.Fatalf("nothing more came after\n%s", rows)
		}
	}
}

func TestWatchSeesEachChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	f := w.follow(ben, "notes", `"where":{"n":1},"order":["text"],"limit":2,"columns":["text"]`, nil)
	f.until(func(rows string) bool { return rows == "" })
	has := func(texts ...string) func(string) bool {
		return func(rows string) bool {
			lines := strings.Split(strings.TrimSuffix(rows, "\n"), "\n")
			if len(lines) != len(texts) {
				return false
			}
			for i, text := range texts {
				if !strings.Contains(lines[i], `"text":"`+text+`"`) {
					return false
				}
			}
			return true
		}
	}
	b := w.mustInsert(anna, "notes", `{"text":"b","n":1}`)
	f.until(has("b"))
	w.mustInsert(anna, "notes", `{"text":"c","n":1}`)
	f.until(has("b", "c"))
	a := w.mustInsert(anna, "notes", `{"text":"a","n":1}`)
	f.until(has("a", "b")) // c is over the limit
	w.mustInsert(anna, "notes", `{"text":"_","n":2}`)
	if _, err := w.update(anna, "notes", a, `{"text":"z"}`); err != nil {
		t.Fatal(err)
	}
	f.until(has("b", "c"))
	if err := w.remove(anna, "notes", b); err != nil {
		t.Fatal(err)
	}
	f.until(has("c", "z"))
}

func TestWatchersShareEvaluations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	w.mustInsert(anna, "notes", `{"text":"a"}`)
	var all []*follower
	for i := range 40 {
		all = append(all, w.follow(group.Caller{Peer: wire.PeerID(fmt.Sprint("p", i))}, "notes", `"where":{"n":7}`, nil))
	}
	one := func(rows string) bool { return strings.Count(rows, "\n") == 1 }
	for _, f := range all {
		f.until(one)
	}
	w.tables.hub.mu.Lock()
	n := len(w.tables.hub.evals)
	w.tables.hub.mu.Unlock()
	if n != 1 {
		t.Errorf("got %d evaluations for one query with the same rights, want 1", n)
	}
	for _, f := range all {
		if &f.rows[0] != &all[0].rows[0] {
			t.Fatal("two watchers of one query have rows of their own")
		}
		f.stop()
	}
	w.tables.hub.mu.Lock()
	defer w.tables.hub.mu.Unlock()
	if n := len(w.tables.hub.evals); n != 0 {
		t.Errorf("got %d evaluations without watchers, want 0", n)
	}
}

func TestWatchFollowsRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, games)
	w.mustInsert(owner, "moves", `{"game":"a","san":"e4"}`)
	w.mustInsert(owner, "moves", `{"game":"b","san":"d4"}`)
	all := w.follow(anna, "moves", "", nil)
	one := w.follow(anna, "moves", `"where":{"game":"a"}`, nil)
	rows := func(n int) func(string) bool { return func(s string) bool { return strings.Count(s, "\n") == n } }
	all.until(rows(0))
	one.until(rows(0))
	w.members.set("anna", "a", "", true) // in the roster, without a role
	all.until(rows(1))
	one.until(rows(1))
	w.members.set("anna", "b", wire.RoleViewer, true)
	all.until(rows(2))
	w.members.set("anna", "a", "", false)
	all.until(rows(1))
	one.until(rows(0))

	f := w.follow(anna, "closed", "", nil)
	<-f.done
	wantCode(t, "watch without access", f.err, wire.Forbidden)

	var mu sync.Mutex
	me := owner
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := make(chan int, 10)
	ended := make(chan error, 1)
	go func() {
		q := w.query("closed", "")
		plan := func() (group.Caller, *data.Query, error) { mu.Lock(); defer mu.Unlock(); return me, q, nil }
		ended <- w.tables.Watch(ctx, plan, func(r *data.Result) error {
			calls <- len(r.Rows)
			return nil
		})
	}()
	if n := <-calls; n != 0 {
		t.Errorf("got %d rows", n)
	}
	mu.Lock()
	me.Owner = false
	mu.Unlock()
	w.mustInsert(owner, "closed", `{"v":"secret"}`)
	if err := <-ended; !errors.Is(err, wire.Forbidden) {
		t.Errorf("the watch of somebody who is no owner any more: got %v", err)
	}
}

// A watcher that is busy gets what it missed as one change, and costs the writers nothing.
func TestSlowWatcherIsCoalesced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, notes)
	var once sync.Once
	begun, hold := make(chan bool), make(chan bool)
	f := w.follow(ben, "notes", `"limit":1000`, func([]data.Row) error {
		once.Do(func() {
			close(begun)
			<-hold
		})
		return nil
	})
	<-begun
	const n = 200
	for i := range n {
		w.mustInsert(anna, "notes", fmt.Sprintf(`{"text":"%d"}`, i))
	}
	close(hold)
	f.until(func(rows string) bool { return strings.Count(rows, "\n") == n })
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls > 3 {
		t.Errorf("got %d calls for %d commits that came while the watcher was busy", f.calls, n)
	}
}

// Eight writers change a table at random while watchers with different queries and rights come and go.
// Each result has to be one snapshot: the two rows of a pair change in one commit and are always equal.
// A row never goes back to what it was. In the end each watcher has what a query finds.
func TestWatchUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := newWorld(t, `"t":{"columns":{"game":{"type":"text"},"who":{"type":"integer"},"n":{"type":"integer"},"pair":{"type":"boolean"}},"memberOf":"game",
		"indexes":[["who"]],"access":{"read":"member","insert":"open","update":"open","remove":"open"}}`)
	callers := []group.Caller{anna, ben, owner, {Peer: "carl"}}
	for i, g := range []wire.GroupID{"a", "b", "c"} {
		w.members.set("anna", g, wire.RoleMember, true)
		if i == 1 {
			w.members.set("ben", g, wire.RoleMember, true)
		}
	}
	x := w.mustInsert(owner, "t", `{"game":"b","n":0,"pair":true}`)
	y := w.mustInsert(owner, "t", `{"game":"b","n":0,"pair":true}`)
	queries := []string{``, `"where":{"game":"b"}`, `"where":{"who":{"<":4}},"order":["-n","who"],"limit":7`, `"order":["-_id"],"limit":20,"offset":3`,
		`"where":{"or":[{"game":"a"},{"n":{">":10}}]},"columns":["n"],"limit":500`, `"where":{"pair":true}`}
	check := func() func([]data.Row) error {
		last := map[string]int64{}
		return func(rows []data.Row) error {
			var pair []string
			for _, r := range rows {
				s := string(r.JSON)
				var n int64
				if i := strings.Index(s, `"n":`); i < 0 {
					return fmt.Errorf("no n in %s", s)
				} else if _, err := fmt.Sscanf(s[i:], `"n":%d`, &n); err != nil {
					return fmt.Errorf("%w in %s", err, s)
				}
				if n < last[r.ID] {
					return fmt.Errorf("row %s went back from %d to %d", r.ID, last[r.ID], n)
				}
				last[r.ID] = n
				if strings.Contains(s, `"pair":true`) {
					pair = append(pair, s[strings.Index(s, `"n":`):strings.Index(s, `"_owner"`)])
				}
			}
			if len(pair) == 2 && pair[0] != pair[1] {
				return fmt.Errorf("not one snapshot: %v", pair)
			}
			return nil
		}
	}
	var followers []*follower
	for i := range 50 {
		followers = append(followers, w.follow(callers[i%len(callers)], "t", queries[i%len(queries)], check()))
	}
	each := 80
	if testing.Short() {
		each = 20
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			var mine []int64
			for n := range each {
				switch k := rng.IntN(10); {
				case len(mine) == 0 || k < 4:
					row, err := w.insert(owner, "t", fmt.Sprintf(`{"game":"%s","who":%d,"n":%d}`, pickOne(rng, []string{"a", "b", "c", "d"}), i, n))
					if err != nil {
						t.Error(err)
						return
					}
					mine = append(mine, idOf(t, row))
				case k < 7:
					if _, err := w.update(owner, "t", mine[rng.IntN(len(mine))], fmt.Sprintf(`{"n":%d}`, n)); err != nil {
						t.Error(err)
					}
				case k < 9:
					j := rng.IntN(len(mine))
					if err := w.remove(owner, "t", mine[j]); err != nil {
						t.Error(err)
					}
					mine = append(mine[:j], mine[j+1:]...)
				default:
					err := w.db.Write(t.Context(), func(tx *Tx) error {
						for _, id := range []int64{x, y} {
							if _, err := tx.Exec(`UPDATE t SET n = n + 1 WHERE _id = ?`, id); err != nil {
								return err
							}
							tx.Changed(Change{Table: "t", ID: id, Kind: Updated})
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	// Meanwhile some end and others begin, and one peer comes and goes.
	rng := rand.New(rand.NewPCG(seed, 99))
	for i := range 20 {
		j := rng.IntN(len(followers))
		followers[j].stop()
		if err := followers[j].err; !errors.Is(err, context.Canceled) {
			t.Errorf("a watch ended by itself: %v", err)
		}
		followers[j] = w.follow(callers[rng.IntN(len(callers))], "t", queries[rng.IntN(len(queries))], check())
		w.members.set("carl", "b", wire.RoleMember, i%2 == 0)
	}
	wg.Wait()
	for _, f := range followers {
		page, err := w.tables.Query(t.Context(), f.c, f.q)
		if err != nil {
			t.Fatal(err)
		}
		want := joined(page.Rows)
		f.until(func(got string) bool { return got == want })
	}
}

// What a caller got of rows that are shared by all whose rules speak of them was kept when its groups were
// others, and counted as what the new rows come to as long as none of them changed.
func TestWatchUnderNewRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `"notes":{"columns":{"room":{"type":"text"},"to":{"type":"text"}},"memberOf":"room",
		"access":{"read":{"who":"member","if":{"to":{"!=":"$me"}}},"insert":"open"}}`)
	w.mustInsert(owner, "notes", `{"room":"a","to":"ben"}`)
	w.mustInsert(owner, "notes", `{"room":"b","to":"ben"}`)
	rows := func(n int) func(string) bool { return func(s string) bool { return strings.Count(s, "\n") == n } }
	f := w.follow(anna, "notes", "", nil)
	f.until(rows(0))
	for i := range 3 {
		w.members.set("anna", "a", wire.RoleMember, true)
		f.until(rows(1))
		w.members.set("anna", "b", wire.RoleMember, true)
		f.until(rows(2))
		w.members.set("anna", "a", wire.RoleMember, false)
		w.members.set("anna", "b", wire.RoleMember, i == 1)
		f.until(rows(i % 2))
		w.members.set("anna", "b", wire.RoleMember, false)
		f.until(rows(0))
	}
}
