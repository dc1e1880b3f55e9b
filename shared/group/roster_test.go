package group_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

func TestRoster(t *testing.T) {
	t.Parallel()
	var r group.Roster
	meta, err := group.ParseMeta([]byte(`{"label":"Ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Join("A", wire.RoleMember, meta, 10)
	r.Join("B", wire.RoleOwner, group.Meta{}, 20)
	r.Join("A", wire.RoleMember, group.Meta{}, 30) // another page, which says nothing of itself
	a, ok := r.Get("A")
	if !ok || a.Sessions != 2 || a.Label != "Ann" || a.Joined != 10 || r.Len() != 2 || r.Version() != 3 {
		t.Errorf("got %+v, %v, version %d", a, ok, r.Version())
	}
	if r.Since("A") != 1 || r.Since("B") != 2 || r.Since("C") != 0 {
		t.Errorf("got %d, %d, %d", r.Since("A"), r.Since("B"), r.Since("C"))
	}
	delta, from := r.Take()
	if from != 0 || delta.Version != 3 || !delta.Delta || len(delta.Joined) != 2 || delta.Joined[0].Peer != "A" || delta.Count != 2 {
		t.Errorf("got %+v from %d", delta, from)
	}
	if left := r.Drop("A"); left != 1 {
		t.Errorf("got %d sessions left, want 1", left)
	}
	if left := r.Drop("B"); left != 0 || r.Len() != 2 {
		t.Errorf("got %d sessions left and %d peers", left, r.Len())
	}
	r.Remove("B", wire.ReasonDropped)
	r.Join("C", wire.RoleMember, group.Meta{}, 40)
	r.Remove("C", wire.ReasonLeft)
	r.Update("A", group.Meta{Label: "Anna"})
	r.Update("nobody", meta)
	r.Remove("nobody", wire.ReasonLeft)
	r.Drop("nobody")
	want := wire.Roster{
		Version: 9, Count: 1, Delta: true,
		Updated: []wire.Member{{Peer: "A", Label: "Anna", Role: wire.RoleMember, Sessions: 1, Joined: 10}},
		Left:    []wire.Departure{{Peer: "B", Reason: wire.ReasonDropped}, {Peer: "C", Reason: wire.ReasonLeft}},
	}
	if delta, from := r.Take(); from != 3 || !reflect.DeepEqual(delta, want) {
		t.Errorf("from %d\ngot  %+v\nwant %+v", from, delta, want)
	}
	if kept := r.Keep(); !reflect.DeepEqual(kept, []group.RosterPeer{{Peer: "A", Label: "Anna", Role: wire.RoleMember, Joined: 10}}) {
		t.Errorf("got %+v", kept)
	}
}

// TestRosterChangesFitEveryVersionWithin makes random changes. Whoever took the whole roster at any
// version, also between two Takes, comes to the same with the changes that were taken since.
func TestRosterChangesFitEveryVersionWithin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var r group.Roster
		type follower map[wire.PeerID]wire.Member
		var followers []follower
		var counts []int64
		for step := range 60 {
			peer := wire.PeerID(fmt.Sprint(rnd.IntN(5)))
			switch rnd.IntN(5) {
			case 0, 1:
				r.Join(peer, wire.RoleMember, group.Meta{}, int64(step))
			case 2:
				if r.Drop(peer) == 0 {
					r.Remove(peer, wire.ReasonLeft)
				}
			case 3:
				r.Update(peer, group.Meta{Label: fmt.Sprint(step)})
			case 4:
				delta, _ := r.Take()
				if delta.Version != r.Version() || delta.Version != r.Taken() {
					t.Fatalf("seed %d: version %d, want %d", seed, delta.Version, r.Version())
				}
				for i, f := range followers {
					if counts[i] >= delta.Version {
						continue
					}
					for _, m := range append(delta.Joined, delta.Updated...) {
						f[m.Peer] = m
					}
					for _, d := range delta.Left {
						delete(f, d.Peer)
					}
					counts[i] = delta.Version
					want := follower{}
					for _, m := range r.Members() {
						want[m.Peer], _ = r.Get(m.Peer)
					}
					if !reflect.DeepEqual(f, want) {
						t.Fatalf("seed %d, follower %d\ngot  %v\nwant %v", seed, i, f, want)
					}
				}
			}
			now := follower{}
			for _, m := range r.Members() {
				now[m.Peer], _ = r.Get(m.Peer)
			}
			followers, counts = append(followers, now), append(counts, r.Version())
		}
	}
}

func TestRosterSetRole(t *testing.T) {
	t.Parallel()
	var r group.Roster
	r.SetRole("a", wire.RoleViewer)
	r.Join("a", wire.RoleMember, group.Meta{}, 1)
	r.Take()
	if r.SetRole("a", wire.RoleMember); r.Version() != r.Taken() {
		t.Error("the same role is no change")
	}
	r.SetRole("a", wire.RoleViewer)
	if d, _ := r.Take(); len(d.Updated) != 1 || d.Updated[0].Role != wire.RoleViewer {
		t.Errorf("got %+v", d)
	}
}

// TestMembersAreThoseOfNow changes a roster at random, and asks for all of it now and then. What it says is what was done
// to it, in order, and what it said before stays as it was.
func TestMembersAreThoseOfNow(t *testing.T) {
	t.Parallel()
	const seed = 7
	rng := rand.New(rand.NewPCG(seed, seed))
	text := func(ms []wire.Member) string {
		r := wire.Roster{Members: ms}
		return string(r.Append(nil))
	}
	type said struct {
		members []wire.Member
		text    string
	}
	var r group.Roster
	var before []said
	model := map[wire.PeerID]wire.Member{}
	for step := range 5000 {
		peer := wire.PeerID(fmt.Sprint("peer-", rng.IntN(40)))
		m, here := model[peer]
		switch rng.IntN(6) {
		case 0, 1:
			now := int64(step / 20)
			r.Join(peer, wire.RoleMember, group.Meta{}, now)
			if !here {
				m = wire.Member{Peer: peer, Joined: now}
			}
			m.Sessions++
			m.Role = wire.RoleMember
			model[peer] = m
		case 2:
			r.Update(peer, group.Meta{Label: fmt.Sprint(step)})
			if m.Label = fmt.Sprint(step); here {
				model[peer] = m
			}
		case 3:
			r.SetRole(peer, wire.RoleViewer)
			if m.Role = wire.RoleViewer; here {
				model[peer] = m
			}
		case 4:
			r.Drop(peer)
			if m.Sessions = max(0, m.Sessions-1); here {
				model[peer] = m
			}
		case 5:
			r.Remove(peer, wire.ReasonLeft)
			delete(model, peer)
		}
		if step%1000 > 600 || rng.IntN(3) > 0 { // sometimes nobody asks for long
			continue
		}
		want := slices.SortedFunc(maps.Values(model), func(a, b wire.Member) int {
			return cmp.Or(cmp.Compare(a.Joined, b.Joined), cmp.Compare(a.Peer, b.Peer))
		})
		got := r.Members()
		if text(got) != text(want) {
			t.Fatalf("step %d: got %s, want %s", step, text(got), text(want))
		}
		before = append(before, said{got, text(got)})
	}
	for i, b := range before {
		if text(b.members) != b.text {
			t.Fatalf("what was said %d times ago has changed: %s, was %s", len(before)-i, text(b.members), b.text)
		}
	}
}
