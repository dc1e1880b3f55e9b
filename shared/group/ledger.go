package group

import (
	"strconv"

	"goop/shared/jsonstate"
	"goop/shared/wire"
)

// Ledger is where one log stands and the rules by which it takes the next entry. Both engines append
// like this:
//
//	step, err := ledger.Admit(&draft) // refuses, or says what the entry would be
//	…                                 // store it; on a fault forget the step, nothing has happened
//	ledger.Commit(step)
//
// An engine whose transaction can still be rolled back as a whole works on a Clone and keeps that one
// when the transaction is through. Whether an id is known is the engine's to find out, before Admit.
type Ledger struct {
	cfg      Config
	head     Head
	touched  Touched
	maxState int
}

// Step is one entry that a Ledger would take.
type Step struct {
	Seq   int64
	State jsonstate.State // after the entry
	Keys  []string        // the top-level keys that it touches; nil unless it is a state entry
}

// OpenLedger returns the ledger of a log that stands at head. A state may have up to maxState bytes.
func OpenLedger(cfg Config, head Head, touched Touched, maxState int) *Ledger {
	return &Ledger{cfg, head, touched, maxState}
}

// Head returns where the log stands.
func (l *Ledger) Head() Head { return l.head }

// Touched returns what an engine has to keep beside the Head. It is the ledger's own.
func (l *Ledger) Touched() *Touched { return &l.touched }

// SetConfig puts another configuration of the group in force.
func (l *Ledger) SetConfig(cfg Config) { l.cfg = cfg }

// Clone returns a ledger that stands where this one does, and goes its own way from there.
func (l *Ledger) Clone() *Ledger {
	c := *l
	c.touched = l.touched.Clone()
	return &c
}

// Admit judges a draft: ifSeq, seats and the size of the state. It changes nothing. The error is a
// *wire.Error that carries the draft's id: conflict (with the newer entry's Seq, for an ifSeq),
// forbidden, invalid_value, too_large or not_found. Whether there is still a message at the place that a
// draft redacts is the engine's to find out.
func (l *Ledger) Admit(d *Draft) (Step, error) {
	step, err := l.admit(d)
	if e, ok := err.(*wire.Error); ok {
		e.ID = d.ID
	}
	return step, err
}

func (l *Ledger) admit(d *Draft) (Step, error) {
	step := Step{Seq: l.head.Seq + 1, State: l.head.State}
	if d.Redact > l.head.Seq {
		return Step{}, ErrNothingToRedact()
	}
	if d.Kind != wire.TypeState {
		return step, nil
	}
	after, err := l.head.State.Merge(d.Patch)
	if err != nil {
		return Step{}, err
	}
	step.State, step.Keys = after, jsonstate.TopKeys(d.Patch)
	if step.Keys == nil { // {} touches nothing, and is a state entry all the same
		step.Keys = []string{}
	}
	if d.IfSeq != nil {
		if newer := l.touched.Last(step.Keys); newer > *d.IfSeq {
			e := wire.E(wire.Conflict, "a newer entry than ifSeq has touched the same keys of the state")
			e.Seq = newer
			return Step{}, e
		}
	}
	if err := l.cfg.checkSeats(d, l.head.State, after); err != nil {
		return Step{}, err
	}
	if after.Size() > l.maxState && after.Size() > l.head.State.Size() {
		return Step{}, wire.E(wire.TooLarge, "the state would have ", strconv.Itoa(after.Size()),
			" bytes; at most ", strconv.Itoa(l.maxState), " are allowed")
	}
	return step, nil
}

// Commit takes the entry of a step that Admit has just returned.
func (l *Ledger) Commit(s Step) {
	l.head.Seq = s.Seq
	if s.Keys != nil {
		l.head.State, l.head.StateSeq = s.State, s.Seq
		l.touched.Set(s.Keys, s.Seq)
	}
}
