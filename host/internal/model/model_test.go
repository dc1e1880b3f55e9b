// Package model_test runs random scripts of what members, operators and failing hosts do against the real
// relay, and holds every line that a session gets against a model of a group that is so simple that it is
// obviously right. The streams are in memory and the clock is that of a bubble, so an hour of a group
// takes a moment; the relay, and the store under its durable groups, are the real ones.
//
// A script is made from its seed alone. A failure prints both: -seed runs that one script again, and
// -seeds says how many are run.
package model_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the seed of the only script to run; 0 for new ones")
	seedsFlag = flag.Int("seeds", 0, "scripts to run over each kind of log; 0 for the environment's GOOP_MODEL_SEEDS, or as many as take a few seconds")
	stepsFlag = flag.Int("bursts", 60, "bursts of steps in one script")
)

// budget is how long scripts over one kind of log are run, when nobody says how many.
const budget = 5 * time.Second

// seeds gives the seeds of the scripts to run.
func seeds(yield func(uint64) bool) {
	if *seedFlag != 0 {
		yield(*seedFlag)
		return
	}
	most := *seedsFlag
	if most == 0 {
		most, _ = strconv.Atoi(os.Getenv("GOOP_MODEL_SEEDS"))
	}
	for n, begun := 0, time.Now(); n < most || most == 0 && time.Since(begun) < budget; n++ {
		if !yield(rand.Uint64()) {
			return
		}
	}
}

// TestScriptsInMemory runs scripts over logs in memory, of which those of the durable groups outlive the
// relay: many in little time.
func TestScriptsInMemory(t *testing.T) {
	t.Parallel()
	runScripts(t, func(*testing.T) engine { return &memory{} })
}

// TestScriptsOverTheStore runs scripts in which durable groups lie in SQLite, on the disk.
func TestScriptsOverTheStore(t *testing.T) {
	t.Parallel()
	runScripts(t, func(t *testing.T) engine { return &disk{dir: t.TempDir()} })
}

func runScripts(t *testing.T, engineOf func(*testing.T) engine) {
	var sum tally
	n := 0
	for seed := range seeds {
		n++
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			e := engineOf(t)
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, e, newScript(seed, *stepsFlag))
				w.run()
				sum.add(&w.tally)
			})
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d scripts: %s", n, sum.String())
	if n >= 100 { // a script that tries nothing proves nothing
		for _, missing := range sum.zeros() {
			t.Errorf("in %d scripts there was not one of: %s", n, missing)
		}
	}
}
