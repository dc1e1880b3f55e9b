package relay

import (
	"fmt"
	"testing"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

func benchPeer(i int) wire.PeerID {
	return wire.PeerID(fmt.Sprintf("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLv%04d", i))
}

const benchPayload = `{"x":123,"y":456,"text":"a message of usual size, some hundred bytes long as chat and moves are"}`

// benchHub returns a hub that nobody runs, of a group of so many peers.
func benchHub(peers int) *hub {
	r := &Relay{limits: Limits{}.withDefaults()}
	r.count.init()
	h := newHub(r, group.Config{ID: "lobby"}, nil, group.Head{})
	for i := range peers {
		h.roster.Join(benchPeer(i), wire.RoleMember, group.Meta{Raw: []byte(`{"name":"Somebody"}`), Label: "Somebody"}, int64(i))
	}
	h.publishChanges()
	return h
}

// BenchmarkCursorWrite measures what a session does for one write, but for the write: it takes so many lines from
// the group's window and puts them one behind the other.
func BenchmarkCursorWrite(b *testing.B) {
	for _, lines := range []int{1, 20, 100} {
		b.Run(fmt.Sprint("lines=", lines), func(b *testing.B) {
			h := benchHub(300)
			for i := range lines {
				l := newLine(h.id, &group.Entry{
					Seq: int64(i + 1), Time: 1, From: benchPeer(1), Session: "s", ID: fmt.Sprint(i), Kind: wire.TypeMsg, Payload: []byte(benchPayload),
				})
				h.publish(l, &group.Result{Seq: l.seq})
			}
			s := &session{h: h, peer: benchPeer(2), delta: true, sees: true, rosterSeen: h.roster.Taken()}
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				s.cursor = 0
				var then verdict
				if buf, then = s.next(buf[:0]); then != idle || s.cursor != int64(lines) {
					b.Fatal("not all was taken")
				}
			}
			b.SetBytes(int64(len(buf)))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/delivery")
		})
	}
}

// BenchmarkLine measures the encoding of an entry, once for all sessions.
func BenchmarkLine(b *testing.B) {
	e := &group.Entry{Seq: 123456, Time: 1767225600000, From: benchPeer(1), Session: "s", ID: "id", Kind: wire.TypeMsg, Payload: []byte(benchPayload)}
	b.ReportAllocs()
	for b.Loop() {
		newLine("lobby", e)
	}
}

// BenchmarkRosterDelta measures one frame about peers that came and went, encoded once for all.
func BenchmarkRosterDelta(b *testing.B) {
	for _, changed := range []int{1, 20} {
		b.Run(fmt.Sprint("peers=1000/changed=", changed), func(b *testing.B) {
			h := benchHub(1000)
			meta := group.Meta{Raw: []byte(`{"name":"Somebody"}`), Label: "Somebody"}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for range changed {
					h.roster.Remove(benchPeer(n%1000), wire.ReasonLeft)
					h.roster.Join(benchPeer(n%1000), wire.RoleMember, meta, int64(n))
					n++
				}
				h.publishChanges()
			}
		})
	}
}

// BenchmarkAppendMemory measures the log in memory.
func BenchmarkAppendMemory(b *testing.B) {
	for _, drafts := range []int{1, 64} {
		b.Run(fmt.Sprint("drafts=", drafts), func(b *testing.B) {
			log := NewMemLog(MemLimits{})
			if _, err := log.Open(b.Context(), group.Config{ID: "g"}); err != nil {
				b.Fatal(err)
			}
			batch := make([]group.Draft, drafts)
			n := 0
			id := []byte("0123456789abcdef01234567")
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					n++
					for k, v := 0, n; k < 8; k, v = k+1, v/26 {
						id[k] = 'a' + byte(v%26)
					}
					batch[i] = group.Draft{From: benchPeer(1), Session: "s", ID: string(id), Kind: wire.TypeMsg, Payload: []byte(benchPayload)}
				}
				if res, err := log.Append(b.Context(), "g", batch); err != nil || res[0].Err != nil || res[0].Dup {
					b.Fatal(res, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*drafts), "ns/row")
		})
	}
}

// BenchmarkWake measures how the sessions of a group are told that there is something to write.
func BenchmarkWake(b *testing.B) {
	h := benchHub(300)
	for i := range 300 {
		s := &session{h: h, peer: benchPeer(i), wake: make(chan struct{}, 1), cursor: -1}
		h.sessions[sessionKey{s.peer, s.id}] = s
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		h.wakeBehind(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*300), "ns/session")
}
