package model_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"goop/shared/wire"
)

// tally counts what scripts have tried, and what came of it.
type tally struct {
	verbs    map[verb]int
	outcomes map[wire.Code]int
	entries  int
	repeats  int
	checks   int // of a session at rest
	fresh    int // joins with a whole state
	resumed  int
	resyncs  int
	givenUp  int
	whispers int

	redactions int
	looks      int
}

func (t *tally) count(v verb) {
	if t.verbs == nil {
		t.verbs = map[verb]int{}
	}
	t.verbs[v]++
}

func (t *tally) outcome(o outcome) {
	if t.outcomes == nil {
		t.outcomes = map[wire.Code]int{}
	}
	if o.dup {
		t.repeats++
	}
	t.outcomes[o.code]++
}

func (t *tally) add(o *tally) {
	for v, n := range o.verbs {
		t.count(v)
		t.verbs[v] += n - 1
	}
	for c, n := range o.outcomes {
		t.outcome(outcome{code: c})
		t.outcomes[c] += n - 1
	}
	t.entries += o.entries
	t.repeats += o.repeats
	t.checks += o.checks
	t.fresh += o.fresh
	t.resumed += o.resumed
	t.resyncs += o.resyncs
	t.givenUp += o.givenUp
	t.whispers += o.whispers
	t.redactions += o.redactions
	t.looks += o.looks
}

func (t *tally) String() string {
	var verbs []string
	for _, v := range slices.Sorted(maps.Keys(t.verbs)) {
		verbs = append(verbs, fmt.Sprintf("%s %d", v, t.verbs[v]))
	}
	return fmt.Sprintf("%d entries, %d repeats, %d conflicts, %d misused ids, %d refused by a full disk, %d joins, %d resumes, %d resyncs, %d given up, %d volatile, %d redactions, %d looks back, %d checks of a session; %s",
		t.entries, t.repeats, t.outcomes[wire.Conflict], t.outcomes[wire.IDConflict], t.outcomes[wire.StorageFull],
		t.fresh, t.resumed, t.resyncs, t.givenUp, t.whispers, t.redactions, t.looks, t.checks, strings.Join(verbs, ", "))
}

// zeros names what did not happen even once.
func (t *tally) zeros() []string {
	var none []string
	for what, n := range map[string]int{
		"an entry": t.entries, "a repeat": t.repeats, "a conflict": t.outcomes[wire.Conflict],
		"a misused id": t.outcomes[wire.IDConflict], "a full disk": t.outcomes[wire.StorageFull], "a fresh join": t.fresh,
		"a resume": t.resumed, "a resync": t.resyncs, "a session given up": t.givenUp, "a volatile message": t.whispers,
		"a restart": t.verbs[restart], "a crash": t.verbs[crash], "a close": t.verbs[closeAll],
		"a kick": t.verbs[kick], "a ban": t.verbs[ban], "another role": t.verbs[promote],
		"an invite": t.verbs[invite], "a revoked invite": t.verbs[revoke],
		"a redaction": t.redactions, "a look back": t.looks,
	} {
		if n == 0 {
			none = append(none, what)
		}
	}
	slices.Sort(none)
	return none
}
