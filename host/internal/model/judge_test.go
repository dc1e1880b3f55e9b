package model_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// checkLog holds what a log remembers against the model: all that was acknowledged, each once, and no more.
func (w *world) checkLog(i int, head group.Head) {
	w.t.Helper()
	r := w.rooms[i]
	if head.Epoch != r.epoch || head.Seq != r.head() || r.canonical(r.object(head.State.Text())) != r.states[r.head()] || head.StateSeq != r.lastState(r.head()) {
		w.fault("room %d is at %d of %s with the state %s of %d, want %d of %s with %s of %d", i, head.Seq, head.Epoch, head.State.Text(), head.StateSeq,
			r.head(), r.epoch, r.states[r.head()], r.lastState(r.head()))
		return
	}
	after := r.oldest() - 1
	got, err := w.log(i).Read(w.ctx, r.id, after, len(r.entries)+1)
	if err != nil || len(got) != int(r.head()-after) {
		w.fault("room %d has %d entries after %d: %v; want %d", i, len(got), after, err, r.head()-after)
		return
	}
	for j := range got {
		if got, want := textOf(&got[j]), textOf(r.entries[after+int64(j)].kept()); got != want {
			w.fault("room %d: the log has\n%s\nwant\n%s", i, got, want)
		}
	}
}

func textOf(e *group.Entry) string {
	return fmt.Sprintf("%d at %d: %s %s of %s, %s, to %q: %s%s %d %v", e.Seq, e.Time, e.Kind, e.ID, e.From, e.Session, e.To, e.Payload, e.Patch, e.Redact, e.Redacted)
}

// kept returns an entry as it is kept.
func (e *entry) kept() *group.Entry {
	k := e.Entry
	if e.gone > 0 {
		k.Payload, k.Redacted = nil, true
	}
	return &k
}

// lastState returns the last state entry up to a position.
func (r *room) lastState(seq int64) int64 {
	for ; seq > 0 && r.entries[seq-1].Kind != wire.TypeState; seq-- {
	}
	return seq
}

// look reads back from some place in the log, as a peer, and holds that against the model.
func (w *world) look(st *step) {
	s := w.slots[st.slot]
	r := s.room()
	if role := r.roleOf(s.peer); r.closing || role == barredRole || role == "" {
		return
	}
	before, limit, states := r.head()+1-int64(st.n), 1+st.n%17, st.n%2 == 0
	if st.n == 0 {
		before = 0
	}
	got, err := w.relay.History(w.ctx, group.Caller{Peer: s.peer}, r.id, before, limit, states)
	if err != nil {
		w.fault("%s: %v", st, err)
		return
	}
	if before <= 0 {
		before = r.head() + 1
	}
	seq, n, oldest := before-1, len(got), r.oldest()
	for ; n > 0 && seq > 0; seq-- {
		if want := r.entries[seq-1].lookedAt(s.peer, states); want != nil {
			n--
			if got, want := textOf(&got[n]), textOf(want); got != want {
				w.fault("%s before %d: got\n%s\nwant\n%s", st, before, got, want)
			}
			if age := time.Now().UnixMilli() - got[n].Time; r.age > 0 && age > r.age.Milliseconds() {
				w.fault("%s: entry %d is %d ms old", st, got[n].Seq, age)
			}
		}
	}
	for ; len(got) < limit && seq >= oldest; seq-- {
		if want := r.entries[seq-1].lookedAt(s.peer, states); want != nil {
			w.fault("%s before %d: it got only %d of %d, and not\n%s", st, before, len(got), limit, textOf(want))
		}
	}
	if n > 0 {
		w.fault("%s before %d: %d of %d entries are too many", st, before, n, len(got))
	}
	w.tally.looks++
}

// lookedAt returns an entry as a peer finds it in the log, nil when it is not for it.
func (e *entry) lookedAt(peer wire.PeerID, states bool) *group.Entry {
	mine := e.From == peer
	if e.Kind == wire.TypeState && !states || e.To != "" && e.To != peer && !mine {
		return nil
	}
	k := e.kept()
	k.Session = ""
	if !mine {
		k.ID = ""
	}
	return k
}

// reconcile works what has happened in a burst into the model, and holds everything against it.
func (w *world) reconcile(burst int) {
	drafted := map[int][]drafted{} // by slot
	for _, log := range w.logs {
		calls, first := log.take()
		for i := range calls {
			for j, r := range w.rooms {
				if w.log(j) == log {
					r.reach(first + i)
				}
			}
			w.replay(&calls[i], first+i, drafted)
		}
	}
	for _, r := range w.rooms {
		r.reach(math.MaxInt)
	}
	for _, s := range w.slots {
		w.attribute(s, drafted[s.n])
		for _, st := range s.former {
			s.hear(st)
		}
		s.former = nil
		if st := s.stream; st != nil {
			s.hear(st)
			s.former = nil // those that were given up
		}
	}
	for _, r := range w.rooms {
		clear(r.sentOff)
		r.settled = r.head()
	}
	for _, s := range w.slots {
		if s.stream != nil && !s.stream.reading() {
			s.room().doubt(s.peer, grace+2*rest)
		}
	}
	for _, s := range w.slots {
		if s.stream != nil && s.stream.reading() {
			s.stream.lenient = false
			s.checkRest()
			w.checkWhispers(s, burst)
		}
	}
}

// drafted is a draft that came to a log, and what the model makes of it.
type drafted struct {
	text    string
	id      string
	outcome outcome
}

// replay has the model take in what a log was asked for, in the same order, and wants the same answers.
func (w *world) replay(call *appended, number int, by map[int][]drafted) {
	i := slices.IndexFunc(w.rooms, func(r *room) bool { return r.id == call.group })
	r := w.rooms[i]
	for j := range call.drafts {
		d := &call.drafts[j]
		var want, got outcome
		if off := r.sentOff[d.From]; off != nil && number >= off.after {
			w.fault("room %d: draft %s of %s came to the log after it had been sent away", i, contentOf(d), d.From)
		}
		switch {
		case call.err != nil:
			want = outcome{code: wire.StorageFull}
			got = want
			if e, ok := call.err.(*wire.Error); !ok || e.Code != wire.StorageFull {
				w.fault("append: %v", call.err)
			}
		default:
			res := call.results[j]
			got = outcome{seq: res.Seq, dup: res.Dup}
			if e, ok := res.Err.(*wire.Error); ok {
				got = outcome{code: e.Code}
			}
			want = r.append(d, res.Time, got)
			if d.Redact > 0 && want.code == "" && !want.dup {
				w.tally.redactions++
			}
		}
		w.tally.outcome(want)
		if got != want {
			w.fault("room %d: draft %s of %s: the log says %s, want %s", i, contentOf(d), d.From, got, want)
		}
		slot := slices.IndexFunc(w.slots, func(s *slot) bool {
			return roomOf(s.n) == i && s.peer == d.From && s.session == d.Session
		})
		by[slot] = append(by[slot], drafted{d.ID + "|" + contentOf(d), d.ID, want})
	}
}

// attribute finds out which stream of a slot has sent what came to the log. Each has to have sent its part
// in this order, without anything left out but the end of it.
func (w *world) attribute(s *slot, drafts []drafted) {
	streams := slices.Clone(s.former)
	if s.stream != nil && !slices.Contains(streams, s.stream) {
		streams = append(streams, s.stream)
	}
	counts, ok := split(streams, drafts)
	if !ok {
		var sent []string
		for _, st := range streams {
			sent = append(sent, st.pending...)
		}
		s.fault("the log was asked for %+v, it sent %q", drafts, sent)
		return
	}
	for i, st := range streams {
		st.pending = st.pending[counts[i]:]
		for _, d := range drafts[:counts[i]] {
			if d.id != "" || d.outcome.code != "" {
				st.owed[d.id] = append(st.owed[d.id], d.outcome)
			}
		}
		drafts = drafts[counts[i]:]
	}
}

// split returns how many of the drafts each stream has sent.
func split(streams []*stream, drafts []drafted) (counts []int, ok bool) {
	if len(streams) == 0 {
		return nil, len(drafts) == 0
	}
	for n := 0; ; n++ {
		if rest, ok := split(streams[1:], drafts[n:]); ok {
			return append([]int{n}, rest...), true
		}
		if n == len(drafts) || n == len(streams[0].pending) || drafts[n].text != streams[0].pending[n] {
			return nil, false
		}
	}
}

// checkWhispers wants the last volatile message of each sender and key to have arrived, where both sides
// were there the whole time.
func (w *world) checkWhispers(s *slot, burst int) {
	if !s.stream.old {
		return
	}
	last := map[string]int{}
	for n, m := range w.whispers {
		key := strconv.Itoa(m.slot) + m.key
		from := w.slots[m.slot]
		if m.burst == burst && m.sure && m.slot != s.n && roomOf(m.slot) == roomOf(s.n) && m.isFor(s) && from.stream != nil && from.stream.old {
			last[key] = max(last[key], n)
		}
	}
	for key, n := range last {
		if s.stream.heard[key] != n {
			s.fault("of the volatile messages of %s it got %d last, want %d", key, s.stream.heard[key], n)
		}
	}
}
