//go:build !race

package ledger

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

var update = flag.Bool("update", false, "write what was counted into allocs.json")

const (
	file    = "allocs.json"
	growth  = 1.05
	repeats = 5
)

// path is a hot path: what one turn of it does so and so many times.
type path struct {
	name string
	// slack is what a count may be over the ledger whatever its size: how paths with goroutines are interleaved
	// makes a difference, of less than one for most.
	slack float64
	// start makes ready, and returns a turn and how many there are in it of what is counted.
	start func(t *testing.T) (turn func(), n int)
}

// count returns how many objects one of n takes.
func count(turn func(), n int) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	turn() // what is kept is made
	least := math.Inf(1)
	for range repeats {
		runtime.GC()
		turn() // what the collection has taken from the pools is made again
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		turn()
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/float64(n))
	}
	return math.Round(least*10_000) / 10_000
}

func TestAllocations(t *testing.T) {
	var old map[string]float64
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	now := make(map[string]float64)
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			turn, n := p.start(t)
			got := count(turn, n)
			now[p.name] = got
			was, ok := old[p.name]
			t.Logf("%v, in the ledger %v", got, was)
			switch {
			case *update:
			case !ok:
				t.Errorf("%s has no line in %s: run with -update", p.name, file)
			case got > was*growth+p.slack:
				t.Errorf("%v objects, and %v in the ledger: find out why, or, where that has to be, run with -update", got, was)
			}
		})
	}
	for name := range old {
		if _, ok := now[name]; !ok && !*update && !filtered() {
			t.Errorf("%s has a line for %q, which nobody counts", file, name)
		}
	}
	if *update && !t.Failed() {
		if filtered() {
			t.Fatal("-update writes all lines, and so needs all paths")
		}
		text, err := json.MarshalIndent(now, "", "\t")
		if err == nil {
			err = os.WriteFile(file, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// filtered reports whether some paths may have been left out.
func filtered() bool { return flag.Lookup("test.run").Value.String() != "" }
