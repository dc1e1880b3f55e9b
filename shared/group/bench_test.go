package group_test

import (
	"fmt"
	"testing"

	"goop/shared/group"
	"goop/shared/wire"
)

// BenchmarkAdmit measures what the rules of a group cost a draft, with a state of some keys.
func BenchmarkAdmit(b *testing.B) {
	for _, tt := range []struct {
		name  string
		draft *group.Draft
	}{
		{"msg", &group.Draft{From: "A", Role: wire.RoleMember, ID: "id", Kind: wire.TypeMsg, Payload: []byte(`{"move":"e2e4"}`)}},
		{"state", patch("A", wire.RoleMember, `{"key3":{"x":4711}}`)},
		{"ifSeq", ifSeq(patch("A", wire.RoleMember, `{"key3":{"x":4711}}`), 1<<40)},
	} {
		b.Run("kind="+tt.name, func(b *testing.B) {
			l := group.OpenLedger(group.Config{}, group.Head{Epoch: "E"}, group.Touched{}, 1<<20)
			for i := range 100 {
				step, err := l.Admit(patch("A", wire.RoleMember, fmt.Sprintf(`{"key%d":{"x":%d,"y":[1,2,3]}}`, i, i)))
				if err != nil {
					b.Fatal(err)
				}
				l.Commit(step)
			}
			b.ReportAllocs()
			for b.Loop() {
				step, err := l.Admit(tt.draft)
				if err != nil {
					b.Fatal(err)
				}
				l.Commit(step)
			}
		})
	}
}

// BenchmarkHash measures the fingerprint by which a repeat is known.
func BenchmarkHash(b *testing.B) {
	d := &group.Draft{Kind: wire.TypeMsg, Payload: []byte(`{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}`)}
	b.ReportAllocs()
	for b.Loop() {
		d.Hash()
	}
}

// BenchmarkRosterTake measures the gathering of what has changed among many peers.
func BenchmarkRosterTake(b *testing.B) {
	for _, changed := range []int{1, 20} {
		b.Run(fmt.Sprint("peers=1000/changed=", changed), func(b *testing.B) {
			var r group.Roster
			peers := make([]wire.PeerID, 1000)
			for i := range peers {
				peers[i] = wire.PeerID(fmt.Sprint("12D3KooWpeer-", i))
				r.Join(peers[i], wire.RoleMember, group.Meta{}, int64(i))
			}
			r.Take()
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for range changed {
					r.Join(peers[n%1000], wire.RoleMember, group.Meta{}, 1)
					n++
				}
				if delta, _ := r.Take(); len(delta.Updated) != changed {
					b.Fatal("another number of changes")
				}
			}
		})
	}
}
