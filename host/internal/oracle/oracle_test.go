// Package oracle_test makes up sites, rows, callers and requests from a seed, has the real store and the real
// data protocol answer them, and holds every answer against an oracle: a database in plain Go that has
// all rows in memory, goes over them one by one, and knows the rules from their description alone. It shares no
// code with what it judges, neither for conditions nor for rights.
//
// Then it asks the other way round: in two worlds that differ only in what a caller may not see, the caller has to
// get the same answers, byte by byte, errors included. The one exception is a bare conflict, which tells that
// a unique value is taken; the oracle knows when that is.
//
// A failure prints the seed: -seed runs that one script again, and -seeds says how many are run. What is
// printed is the site, the steps up to the one that went wrong, and the two answers.
package oracle_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "the seed of the only script to run; 0 for new ones")
	seedsFlag = flag.Int("seeds", 0, "scripts to run in each test; 0 for the environment's GOOP_ORACLE_SEEDS, or as many as take a few seconds")
	stepsFlag = flag.Int("steps", 60, "steps of one script")
)

// budget is how long scripts are run in each test, when nobody says how many.
const budget = 5 * time.Second

// seeds gives the seeds of the scripts to run.
func seeds(yield func(uint64) bool) {
	if *seedFlag != 0 {
		yield(*seedFlag)
		return
	}
	most := *seedsFlag
	if most == 0 {
		most, _ = strconv.Atoi(os.Getenv("GOOP_ORACLE_SEEDS"))
	}
	for n, begun := 0, time.Now(); n < most || most == 0 && time.Since(begun) < budget; n++ {
		if !yield(rand.Uint64()) {
			return
		}
	}
}

// tally counts what happened in all scripts, so that a test that tries nothing does not look like one that
// finds nothing.
type tally map[string]int

func (t tally) add(what string) { t[what]++ }

// TestRules has the real host do scripts of many callers, and wants of each step what the oracle says.
func TestRules(t *testing.T) {
	t.Parallel()
	sum, n := tally{}, 0
	for seed := range seeds {
		n++
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			s := newScript(seed, *stepsFlag, "")
			synctest.Test(t, func(t *testing.T) { s.run(t, s.rows, nil, sum) })
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d scripts: %v", n, sum)
	if n < 50 {
		return
	}
	for _, op := range allOps {
		for _, end := range []string{"ok", "refused"} {
			if sum[op+" "+end] == 0 {
				t.Errorf("in %d scripts there was not one %s that was %s", n, op, end)
			}
		}
	}
}

// TestSecrets has one caller do the same script in two worlds that differ in what it may not see, and wants
// the same bytes.
func TestSecrets(t *testing.T) {
	t.Parallel()
	sum, n := tally{}, 0
	for seed := range seeds {
		n++
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			peer := pick(r, callers[1:]...)
			s := newScript(seed, *stepsFlag, peer)
			other := s.disguise(r, peer)
			if other == nil {
				other = s.rows
			}
			owner := s.intrigue(r, other, peer)
			if len(owner) == 0 && slices.EqualFunc(other, s.rows, given.equal) {
				sum.add("nothing to hide")
				return
			}
			sum["what the owner does aside"] += len(owner)
			var one, two []string
			synctest.Test(t, func(t *testing.T) { one = s.run(t, s.rows, nil, sum) })
			if t.Failed() {
				return
			}
			synctest.Test(t, func(t *testing.T) { two = s.run(t, other, owner, sum) })
			if t.Failed() {
				return
			}
			for i := range min(len(one), len(two)) {
				if one[i] != two[i] {
					t.Fatalf("%s%s tells worlds apart:\n%s\n%s", s.upTo(len(s.steps)), peer, one[i], two[i])
				}
			}
			if len(one) != len(two) {
				t.Fatalf("%s%s gets %d lines in one world and %d in the other", s.upTo(len(s.steps)), peer, len(one), len(two))
			}
			sum.add("compared")
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d scripts: %v", n, sum)
	if n >= 50 && sum["compared"] < n/10 {
		t.Errorf("only %d of %d scripts had something to hide", sum["compared"], n)
	}
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// chance reports true in so many of 100 cases.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func must(err error) {
	if err != nil {
		panic(fmt.Sprint("the oracle made something up that it may not: ", err))
	}
}
