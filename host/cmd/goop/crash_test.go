package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"goop/host/store"
	"goop/shared/jsontext"
	"goop/shared/member"
	"goop/shared/wire"
)

var (
	crashSeed   = flag.Uint64("crash.seed", 0, "the seed of TestCrash; 0 for a new one")
	crashRounds = flag.Int("crash.rounds", 0, "how often TestCrash kills the host; 0 for the environment's GOOP_CRASH_ROUNDS, or 20")
)

// crashSite is the site of TestCrash. Each writer has a counter and a place of its own.
const crashSite = `{
  "name": "Crash",
  "tables": {
    "marks": {"columns": {"tag": {"type": "text", "required": true}}, "access": {"read": "open", "insert": "open"}},
    "counters": {"columns": {"writer": {"type": "text", "unique": true}, "n": {"type": "integer", "default": 0}},
      "access": {"read": "open", "insert": "open", "update": "author"}},
    "places": {"columns": {"writer": {"type": "text", "unique": true}, "n": {"type": "integer"}},
      "access": {"read": "open", "insert": "open", "update": "author"}}
  },
  "groups": [{"id": "kept", "name": "Kept", "type": "persistent"}]
}`

// crashKinds are what a writer does, in turn.
var crashKinds = []string{"insert", "many", "batch", "send", "upsert", "count"}

// crashWriter makes one change after another, each under a key, and notes which ones were acknowledged.
type crashWriter struct {
	name    string
	m       *member.Member
	counter string // the _id of its counter

	// mu guards the following.
	mu    sync.Mutex
	begun int
	done  []string // the answer to each change that was acknowledged, without its id
}

// request returns change n.
func (w *crashWriter) request(n int) string {
	key := fmt.Sprintf("key-of-%s-%08d", w.name, n)
	tag := fmt.Sprint(w.name, "-", n)
	switch crashKinds[n%len(crashKinds)] {
	case "insert":
		return fmt.Sprintf(`{"op":"insert","table":"marks","values":{"tag":%q},"key":%q}`, tag, key)
	case "many":
		return fmt.Sprintf(`{"op":"insertMany","table":"marks","rows":[{"tag":"%s.0"},{"tag":"%s.1"},{"tag":"%s.2"}],"key":%q}`, tag, tag, tag, key)
	case "batch":
		return fmt.Sprintf(`{"op":"batch","operations":[{"op":"insert","table":"marks","values":{"tag":"%s.0"}},{"op":"increment","table":"counters","row":%s,"values":{"n":1}},`+
			`{"op":"insert","table":"marks","values":{"tag":"%s.1"}}],"key":%q}`, tag, w.counter, tag, key)
	case "send":
		return fmt.Sprintf(`{"op":"batch","operations":[{"op":"insert","table":"marks","values":{"tag":%q}},{"op":"send","group":"kept","payload":{"tag":%q}}],"key":%q}`, tag, tag, key)
	case "upsert":
		return fmt.Sprintf(`{"op":"upsert","table":"places","values":{"writer":%q,"n":%d},"key":%q}`, w.name, n, key)
	}
	return fmt.Sprintf(`{"op":"increment","table":"counters","row":%s,"values":{"n":1},"key":%q}`, w.counter, key)
}

// tags are those of the rows that change n makes.
func (w *crashWriter) tags(n int) []string {
	tag := fmt.Sprint(w.name, "-", n)
	switch crashKinds[n%len(crashKinds)] {
	case "insert", "send":
		return []string{tag}
	case "many":
		return []string{tag + ".0", tag + ".1", tag + ".2"}
	case "batch":
		return []string{tag + ".0", tag + ".1"}
	}
	return nil
}

// counts reports whether change n counts up.
func counts(n int) bool { k := crashKinds[n%len(crashKinds)]; return k == "batch" || k == "count" }

// run writes until ctx ends.
func (w *crashWriter) run(ctx context.Context, acked func()) error {
	for n := 0; ctx.Err() == nil; n++ {
		w.mu.Lock()
		w.begun = n + 1
		w.mu.Unlock()
		answer, err := w.m.Call(context.WithoutCancel(ctx), []byte(w.request(n)))
		if err != nil {
			return fmt.Errorf("%s: change %d: %w", w.name, n, err)
		}
		w.mu.Lock()
		w.done = append(w.done, withoutID(answer))
		w.mu.Unlock()
		acked()
	}
	return nil
}

// withoutID returns an answer without the number of its request.
func withoutID(answer []byte) string {
	_, rest, _ := strings.Cut(string(answer), ",")
	return rest
}

// standing returns how many changes were begun, and the answers to those that were acknowledged.
func (w *crashWriter) standing() (begun int, done []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, w.done[:len(w.done):len(w.done)]
}

// TestCrash kills the host at random moments while members change tables and send to a group, and looks into
// its database each time: what was acknowledged is there and once, what was not is there whole or not at all,
// rows and messages that belong together are there together. Changes that were acknowledged are sent again
// to the new host, which answers as the old one did and does nothing.
func TestCrash(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	rounds := *crashRounds
	if rounds == 0 {
		rounds, _ = strconv.Atoi(os.Getenv("GOOP_CRASH_ROUNDS"))
	}
	if rounds == 0 {
		rounds = 20
	}
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crash.seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := startSite(t, crashSite, "--limit", "log-entries=1000000", "--limit", "log-bytes=1GiB", "--limit", "data-writes=1000")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	const members, each = 4, 3
	var all []*crashWriter
	for i := range members {
		m := p.member(transports[i%len(transports)])
		for j := range each {
			w := &crashWriter{name: fmt.Sprintf("w%d%d", i, j), m: m}
			w.counter = string(fieldOf(call(t, m, fmt.Sprintf(`{"op":"insert","table":"counters","values":{"writer":%q}}`, w.name), "row"), "_id"))
			all = append(all, w)
		}
	}
	acked := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for _, w := range all {
		wg.Go(func() {
			err := w.run(ctx, func() {
				select {
				case acked <- struct{}{}:
				default:
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	repeats := 0
	for round := range rounds {
		select {
		case <-acked: // what follows is under load
		case <-time.After(time.Minute):
			t.Fatalf("round %d: nothing was acknowledged for a minute", round)
		}
		timer := time.NewTimer(time.Duration(random.Int64N(int64(250 * time.Millisecond))))
		<-timer.C
		p.kill()
		checkCrash(t, p, round, all)
		if t.Failed() {
			cancel()
			t.Fatalf("-crash.seed %d: round %d of %d", seed, round, rounds)
		}
		select {
		case <-acked: // an old one
		default:
		}
		p.restart()
		for _, w := range all {
			w.m.Wake()
		}
		for range 5 {
			w := all[random.IntN(len(all))]
			_, done := w.standing()
			if len(done) == 0 {
				continue
			}
			n := random.IntN(len(done))
			answer, err := w.m.Call(ctx, []byte(w.request(n)))
			if err != nil || withoutID(answer) != done[n] {
				t.Errorf("round %d: %s again: got %s, %v, at first it was %s", round, w.request(n), answer, err, done[n])
			}
			repeats++
		}
	}
	cancel()
	wg.Wait()
	total := 0
	for _, w := range all {
		_, done := w.standing()
		total += len(done)
	}
	p.kill()
	checkCrash(t, p, rounds, all)
	t.Logf("%d changes were acknowledged and %d repeated in %d rounds", total, repeats, rounds)
	if total < rounds*len(crashKinds) {
		t.Errorf("got %d acknowledged changes in %d rounds", total, rounds)
	}
}

// crashed is what a killed host has left.
type crashed struct {
	marks    map[string]int // rows by tag
	messages map[string]int // messages by tag
	counters map[string]int
	places   map[string]int
}

// readCrashed opens the database of a killed host.
func readCrashed(t *testing.T, p *process) *crashed {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: p.data, Limits: store.Limits{ReadTimeout: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := &crashed{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	err = db.Read(t.Context(), func(tx *store.ReadTx) error {
		for row, err := range tx.Query("PRAGMA integrity_check") {
			if err != nil {
				return err
			}
			if row.Text(0) != "ok" {
				t.Errorf("integrity check: %s", row.Text(0))
			}
		}
		for row, err := range tx.Query("SELECT tag FROM marks") {
			if err != nil {
				return err
			}
			c.marks[row.Text(0)]++
		}
		for table, into := range map[string]map[string]int{"counters": c.counters, "places": c.places} {
			for row, err := range tx.Query("SELECT writer, n FROM " + table) {
				if err != nil {
					return err
				}
				into[row.Text(0)] = int(row.Int(1))
			}
		}
		for row, err := range tx.Query("SELECT body FROM _group_log WHERE kind = ?", string(wire.TypeMsg)) {
			if err != nil {
				return err
			}
			tag, err := jsontext.Str(fieldOf(row.Raw(0), "tag"))
			if err != nil {
				return fmt.Errorf("message %s: %w", row.Raw(0), err)
			}
			c.messages[tag]++
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(p.data), err)
	}
	return c
}

// checkCrash holds what a killed host has left against what the writers know.
func checkCrash(t *testing.T, p *process, round int, all []*crashWriter) {
	t.Helper()
	c := readCrashed(t, p)
	for tag, n := range c.marks {
		if n != 1 {
			t.Errorf("round %d: %s is there %d times", round, tag, n)
		}
	}
	for tag, n := range c.messages {
		if n != 1 || c.marks[tag] != 1 {
			t.Errorf("round %d: the message of %s is there %d times, its row %d times", round, tag, n, c.marks[tag])
		}
	}
	known := 0
	for _, w := range all {
		begun, done := w.standing()
		count, place := 0, 0
		for n := range begun {
			rows := 0
			for _, tag := range w.tags(n) {
				rows += c.marks[tag]
			}
			known += rows
			if rows != 0 && rows != len(w.tags(n)) {
				t.Errorf("round %d: of change %d of %s there are %d rows, want all %d or none", round, n, w.name, rows, len(w.tags(n)))
			}
			if n < len(done) {
				if rows != len(w.tags(n)) {
					t.Errorf("round %d: change %d of %s was acknowledged, and %d of %d rows are there", round, n, w.name, rows, len(w.tags(n)))
				}
				if counts(n) {
					count++
				}
				if crashKinds[n%len(crashKinds)] == "upsert" {
					place = n
				}
			}
			if sent := c.messages[fmt.Sprint(w.name, "-", n)]; crashKinds[n%len(crashKinds)] == "send" && sent != rows {
				t.Errorf("round %d: of change %d of %s there are %d rows and %d messages", round, n, w.name, rows, sent)
			}
		}
		pending := 0
		if begun > len(done) && counts(len(done)) {
			pending = 1
		}
		if got := c.counters[w.name]; got < count || got > count+pending {
			t.Errorf("round %d: the counter of %s is at %d, want %d, and perhaps %d more", round, w.name, got, count, pending)
		}
		if got := c.places[w.name]; got != place && (begun == len(done) || got != len(done)) {
			t.Errorf("round %d: the place of %s is %d, want %d", round, w.name, got, place)
		}
	}
	if known != len(c.marks) {
		t.Errorf("round %d: there are %d rows, of which %d belong to a change", round, len(c.marks), known)
	}
}
