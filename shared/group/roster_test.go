package group_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
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
						want[m.Peer] = m
					}
					if !reflect.DeepEqual(f, want) {
						t.Fatalf("seed %d, follower %d\ngot  %v\nwant %v", seed, i, f, want)
					}
				}
			}
			now := follower{}
			for _, m := range r.Members() {
				now[m.Peer] = m
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
