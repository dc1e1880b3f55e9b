package member

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"goop/shared/jsonstate"
	"goop/shared/wire"
)

// View is a Handler that keeps what a group looks like now: its roster and its state. The zero value is
// ready; it may be asked from many goroutines.
type View struct {
	// Next, when it is set, gets each batch after the view has taken it in.
	Next Handler

	// mu guards the following.
	mu      sync.Mutex
	members map[wire.PeerID]wire.Member
	version int64 // of the whole roster that is being sent in parts, or 0
	count   int
	state   jsonstate.State
	err     error
}

// Deliver takes a batch in.
func (v *View) Deliver(batch []Event) {
	v.mu.Lock()
	for i := range batch {
		if err := v.take(&batch[i]); err != nil && v.err == nil {
			v.err = err
		}
	}
	v.mu.Unlock()
	if v.Next != nil {
		v.Next.Deliver(batch)
	}
}

func (v *View) take(e *Event) error {
	switch e.Frame.Type {
	case wire.TypeWelcome:
		w := e.Welcome
		v.members, v.version = nil, 0
		v.roster(&wire.Roster{Version: w.RosterVersion, Members: w.Members, More: w.More, Count: w.Count})
		if w.Resumed {
			return nil
		}
		return v.replace(w.State)
	case wire.TypeMembers:
		r, err := wire.ParseRoster(e.Frame.Payload)
		if err != nil {
			return err
		}
		v.roster(&r)
	case wire.TypeState:
		if len(e.Frame.Payload) > 0 {
			s, err := wire.ParseSnapshot(e.Frame.Payload)
			if err != nil {
				return err
			}
			return v.replace(s.State)
		}
		if len(e.Frame.Patch) > 0 {
			next, err := v.state.Merge(e.Frame.Patch)
			if err != nil {
				return err
			}
			v.state = next
		}
	}
	return nil
}

func (v *View) replace(raw []byte) error {
	next, err := jsonstate.Parse(raw)
	if err != nil {
		return err
	}
	v.state = next
	return nil
}

func (v *View) roster(r *wire.Roster) {
	if !r.Delta {
		if v.version != r.Version || len(r.Members) == 0 { // a mere count: names are not told any more
			v.members = nil
		}
		v.version = 0
		if r.More {
			v.version = r.Version
		}
	}
	if v.members == nil {
		v.members = map[wire.PeerID]wire.Member{}
	}
	for _, list := range [][]wire.Member{r.Members, r.Joined, r.Updated} {
		for _, m := range list {
			v.members[m.Peer] = m
		}
	}
	for _, d := range r.Left {
		delete(v.members, d.Peer)
	}
	v.count = r.Count
}

// State returns the group's state, a JSON object.
func (v *View) State() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state.Text()
}

// Members returns the roster, those who joined first in front. Count may be larger, when the host does
// not tell everybody's name.
func (v *View) Members() (list []wire.Member, count int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	list = slices.Collect(maps.Values(v.members))
	slices.SortFunc(list, func(a, b wire.Member) int {
		if a.Joined != b.Joined {
			return int(min(1, max(-1, a.Joined-b.Joined)))
		}
		return strings.Compare(string(a.Peer), string(b.Peer))
	})
	return list, v.count
}

// Err returns the first event that could not be taken in, which is a fault of the host.
func (v *View) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
