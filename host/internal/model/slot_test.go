package model_test

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"goop/shared/jsontext"
	"goop/shared/wire"
)

// slot is one place of a script from which a session joins: a page of a peer. What it remembers outlives
// its streams, as it does in a page.
type slot struct {
	w       *world
	n       int
	peer    wire.PeerID
	session wire.SessionID
	delta   bool

	stream  *stream   // nil while it is not connected
	former  []*stream // those that have ended in this burst
	epoch   wire.Epoch
	pos     int64
	state   map[string]any
	members map[wire.PeerID]wire.Member
	count   int
}

func (s *slot) room() *room { return s.w.rooms[roomOf(s.n)] }

func (s *slot) fault(text string, args ...any) {
	s.w.fault("slot %d (%s of %s): "+text, append([]any{s.n, s.session, s.peer}, args...)...)
}

// connect begins a stream; with since where the slot knows a position.
func (s *slot) connect(resume bool, token string) {
	far, near := s.w.pipe(s.n)
	peer, relay := s.peer, s.w.relay
	s.w.serving.Go(func() { relay.Serve(s.w.ctx, peer, far) })
	st := s.w.newStream(near)
	f := wire.Frame{Type: wire.TypeJoin, Group: s.room().id, Session: s.session, Invite: token}
	if s.delta {
		f.Caps = []string{wire.CapDelta}
	}
	if !resume {
		s.epoch = ""
	}
	if s.epoch != "" {
		st.since, st.base = &wire.Position{Epoch: s.epoch, Seq: s.pos}, s.state
		f.Since = st.since
	}
	st.say(strings.TrimSuffix(string(f.Append(nil)), "\n"))
	s.stream = st
}

// ended lets go of the stream.
func (s *slot) ended() {
	s.former = append(s.former, s.stream)
	s.stream = nil
}

// hear works the lines of a stream that have come.
func (s *slot) hear(st *stream) {
	lines, err := st.take()
	last := wire.Frame{}
	for _, line := range lines {
		f, bad := wire.Decode([]byte(line))
		if bad != nil {
			s.fault("the host said %s: %v", line, bad)
			return
		}
		last = f
		s.hearLine(st, line, &f)
	}
	if !st.fresh {
		s.pos = st.pos
	}
	s.hearEnd(st, &last, err)
}

func (s *slot) hearLine(st *stream, line string, f *wire.Frame) {
	if st.fresh && st.ending == shutdown && f.Type == wire.TypeClose {
		return
	}
	if st.fresh && st.ending == barred && st.lenient && f.Type == wire.TypeClose {
		return
	}
	if st.fresh && st.ending == barred && f.Type == wire.TypeError {
		if e, err := wire.ParseError(f.Payload); err != nil || e.Code != st.refusal || !e.Fatal {
			s.fault("%s, want the refusal %s", line, st.refusal)
		}
		return
	}
	if st.fresh != (f.Type == wire.TypeWelcome) {
		s.fault("%s, where the welcome was to be the first line", line)
		return
	}
	r := s.room()
	switch {
	case f.Type == wire.TypeWelcome:
		st.fresh = false
		s.hearWelcome(st, line, f)
	case f.Type == wire.TypeMembers:
		s.hearRoster(line, f)
	case f.Type == wire.TypeClose:
	case f.Type == wire.TypeError:
		e, err := wire.ParseError(f.Payload)
		switch {
		case err != nil:
			s.fault("%s: %v", line, err)
		case e.Fatal && st.ending == refused && e.Code == wire.BadMessage:
		case e.Fatal && st.lenient && e.Code == wire.TooSlow:
		case e.Fatal || !st.settle(e.ID, outcome{code: e.Code}):
			s.fault("%s, which nothing has asked for (owed: %v)", line, st.owed[e.ID])
		}
	case f.Type == wire.TypeMsg && f.Seq == 0:
		s.hearWhisper(st, line, f)
	case f.Type == wire.TypeState && len(f.Payload) > 0:
		s.hearSnapshot(st, line, f)
	case f.Type == wire.TypeState && !f.Ack && len(f.Patch) == 0: // a position
		if f.Seq <= st.pos || f.Seq > r.head() {
			s.fault("%s at %d of %d", line, st.pos, r.head())
			return
		}
		for st.pos < f.Seq {
			if e := &r.entries[st.pos]; e.seenBy(s.peer, s.session) != nothing {
				s.fault("%s passes over entry %d, which is for it: %s", line, e.Seq, e.content)
			}
			st.pos++
		}
	case f.Ack && f.Seq <= st.pos:
		if !st.settle(f.ID, outcome{seq: f.Seq, dup: true}) {
			s.fault("%s, which nothing has asked for (owed: %v)", line, st.owed[f.ID])
		}
	default:
		s.hearEntry(st, line, f)
	}
}

// hearEntry takes in a sequenced entry: it has to be the next one of the model, as this session sees it.
func (s *slot) hearEntry(st *stream, line string, f *wire.Frame) {
	r := s.room()
	if f.Seq != st.pos+1 || f.Seq > r.head() {
		s.fault("%s at %d of %d", line, st.pos, r.head())
		return
	}
	st.pos++
	e := &r.entries[f.Seq-1]
	want := wire.Frame{Type: e.Kind, Group: r.id, Seq: e.Seq, Time: e.Time}
	switch e.seenBy(s.peer, s.session) {
	case nothing:
		was := *e
		if was.gone = 0; e.gone == 0 || !st.lenient && !r.justGone(e) || was.seenBy(s.peer, s.session) == nothing {
			s.fault("%s, which is not for it (taken away by %d)", line, e.gone)
		}
		want.From, want.To, want.Payload = e.From, e.To, e.Payload
		if was.seenBy(s.peer, s.session) == withID {
			want.ID = e.ID
		}
	case answered:
		want.ID, want.Ack = e.ID, true
		st.settle(e.ID, outcome{seq: e.Seq})
	case withID:
		want.ID = e.ID
		fallthrough
	case whole:
		want.From, want.To, want.Payload, want.Patch, want.Redact = e.From, e.To, e.Payload, e.Patch, e.Redact
	}
	if got, want := string(f.Append(nil)), string(want.Append(nil)); got != want {
		s.fault("entry %d is\n%swant\n%s", e.Seq, got, want)
	}
	if e.Kind == wire.TypeState {
		s.state = merge(s.state, r.object(e.Patch)).(map[string]any)
	}
}

func (s *slot) hearWelcome(st *stream, line string, f *wire.Frame) {
	r := s.room()
	w, err := wire.ParseWelcome(f.Payload)
	if err != nil {
		s.fault("%s: %v", line, err)
		return
	}
	if w.Epoch != r.epoch || w.Seq < 0 || w.Seq > r.head() || w.You.Peer != s.peer || w.You.Session != s.session || w.Durable != r.durable {
		s.fault("%s, with the group in epoch %s at %d", line, r.epoch, r.head())
		return
	}
	known := st.since != nil && st.since.Epoch == r.epoch
	kept := known && (st.since.Seq+1 >= r.oldest() || st.since.Seq == r.head())
	switch {
	case w.Resumed && (!known || w.Seq != st.since.Seq):
		s.fault("it asked for %+v, and got %s", st.since, line)
	case !w.Resumed && kept:
		s.fault("although everything after %+v is kept, it got %s", st.since, line)
	case w.Resumed:
		s.state = st.base
		s.w.tally.resumed++
	default:
		s.w.tally.fresh++
		s.state = r.object(w.State)
		s.checkState(w.Seq, line)
		if last := r.lastState(w.Seq); w.StateSeq != last {
			s.fault("%s, and the last state entry is %d", line, last)
		}
	}
	s.epoch, st.pos = w.Epoch, w.Seq
	s.members, s.count = map[wire.PeerID]wire.Member{}, w.Count
	for _, m := range w.Members {
		s.members[m.Peer] = m
	}
}

// hearSnapshot takes in a whole state in the place of entries: only who was slow may get one.
func (s *slot) hearSnapshot(st *stream, line string, f *wire.Frame) {
	r := s.room()
	snap, err := wire.ParseSnapshot(f.Payload)
	if err != nil || snap.Epoch != r.epoch || f.Seq < st.pos || f.Seq > r.head() {
		s.fault("%s at %d of %d: %v", line, st.pos, r.head(), err)
		return
	}
	if st.pos+1 >= r.oldest() && !r.closing {
		s.fault("%s, although everything after %d is kept", line, st.pos)
	}
	for ; st.pos < f.Seq; st.pos++ {
		e := &r.entries[st.pos]
		if e.seenBy(s.peer, s.session) == answered {
			st.settle(e.ID, outcome{seq: e.Seq})
		}
	}
	s.state = r.object(snap.State)
	s.checkState(f.Seq, line)
	s.w.tally.resyncs++
}

func (s *slot) checkState(seq int64, where string) {
	r := s.room()
	if got, want := r.canonical(s.state), r.states[seq]; got != want {
		s.fault("at %d its state is\n%s\nwant\n%s\nafter %s", seq, got, want, where)
	}
}

func (s *slot) hearRoster(line string, f *wire.Frame) {
	m, err := wire.ParseRoster(f.Payload)
	if err != nil {
		s.fault("%s: %v", line, err)
		return
	}
	if m.Delta && !s.delta {
		s.fault("%s, and it has not asked for changes", line)
	}
	if !m.Delta {
		s.members = map[wire.PeerID]wire.Member{}
	}
	for _, list := range [][]wire.Member{m.Members, m.Joined, m.Updated} {
		for _, p := range list {
			s.members[p.Peer] = p
		}
	}
	for _, d := range m.Left {
		delete(s.members, d.Peer)
	}
	s.count = m.Count
}

// hearWhisper takes in a volatile message. It may have taken the place of older ones, and no more.
func (s *slot) hearWhisper(st *stream, line string, f *wire.Frame) {
	by, n := -1, 0
	for m := jsontext.MembersOf(f.Payload); m.Next(); {
		switch string(m.Key) {
		case "by":
			text, _ := jsontext.Str(m.Value)
			by, _ = strconv.Atoi(text)
		case "n":
			v, _ := jsontext.Int(m.Value)
			n = int(v)
		}
	}
	sent, ok := s.w.whispers[n]
	if !ok || sent.slot != by || peerOf(by) != f.From || by == s.n || roomOf(by) != roomOf(s.n) || !sent.isFor(s) {
		s.fault("%s, which nobody has said to it", line)
		return
	}
	key := strconv.Itoa(by) + f.Key
	if st.heard[key] >= n {
		s.fault("%s after %d", line, st.heard[key])
	}
	st.heard[key] = n
	s.w.tally.whispers++
}

// hearEnd holds the end of a stream, or that it has none, against the script.
func (s *slot) hearEnd(st *stream, last *wire.Frame, err error) {
	end := func(kind wire.Type, reason wire.Reason) bool {
		if !errors.Is(err, io.EOF) {
			return false
		}
		bye, _ := wire.ParseGoodbye(last.Payload)
		return kind == "" || last.Type == kind && bye.Reason == reason
	}
	r := s.room()
	orderly, complete, pos := true, false, int64(0)
	switch st.ending {
	case stays:
		if err != nil && st.lenient && time.Since(st.paused) >= patience {
			st.ending = given
			s.w.tally.givenUp++
			s.unsure()
			s.ended()
		} else if err != nil {
			s.fault("its stream has ended with %v", err)
			s.ended()
		}
		return
	case left, hungUp:
		orderly, complete = end("", ""), true
	case refused:
		orderly, complete = end(wire.TypeError, ""), true
	case closed:
		orderly, pos = end(wire.TypeClose, wire.ReasonClosed), r.head()
	case kicked, banned:
		orderly = end(wire.TypeClose, map[ending]wire.Reason{kicked: wire.ReasonKicked, banned: wire.ReasonBanned}[st.ending])
		off := r.sentOff[s.peer]
		if st.pos > off.most {
			s.fault("it was %s at %d, and got entries up to %d", st.ending, off.most, st.pos)
		}
		if s.w.script.window > 100_000 {
			pos = off.least
		}
	case barred:
		orderly = end(wire.TypeError, "")
	case shutdown:
		orderly, pos = end(wire.TypeClose, wire.ReasonShutdown), r.head()
	}
	switch {
	case st.lenient:
	case err == nil:
		s.fault("its stream goes on, it should have been %s", st.ending)
	case !orderly:
		s.fault("it was %s, its stream ended with %v after %s", st.ending, err, last.Append(nil))
	case st.fresh: // it came too late for a welcome
	case st.pos < pos:
		s.fault("it was %s at %d, and got the entries up to %d", st.ending, pos, st.pos)
	case complete && len(st.pending) > 0:
		s.fault("it was %s, and this of it was lost: %q", st.ending, st.pending)
	case (complete || pos > 0) && st.ending != kicked && st.ending != banned && st.owesOfDrafts():
		s.fault("it was %s, without answers to %v", st.ending, st.owed)
	}
}

// unsure notes that it is not known when the host has noticed that the slot is gone.
func (s *slot) unsure() {
	s.room().drops(s.n, time.Now())
	s.room().doubt(s.peer, grace+2*rest)
}

// checkRest holds a slot of which everything has come to rest against the model.
func (s *slot) checkRest() {
	st, r := s.stream, s.room()
	switch {
	case st.fresh:
		s.fault("it has no welcome")
		return
	case st.pos != r.head():
		s.fault("it is at %d, the group at %d", st.pos, r.head())
	case len(st.pending) > 0:
		s.fault("the log was not asked for what it sent: %q", st.pending)
	case st.owes():
		s.fault("it has no answers to %v", st.owed)
	}
	s.checkState(r.head(), "everything")
	s.checkRoster()
	s.w.tally.checks++
}

func (s *slot) checkRoster() {
	r, now := s.room(), time.Now()
	there := 0
	for peer, p := range r.roster {
		m, here := s.members[peer]
		if here {
			there++
		}
		switch {
		case now.Before(p.unsure):
		case len(p.sessions) > 0 || now.Before(p.until):
			if !here || m.Sessions != len(p.sessions) || m.Role != r.roleOf(peer) || p.label != "" && m.Label != p.label {
				s.fault("in its roster, %s is %+v (%v), want label %q, role %s and %d sessions", peer, m, here, p.label, r.roleOf(peer), len(p.sessions))
			}
		case here && now.After(p.until.Add(2*rest)):
			s.fault("in its roster, %s is there, who is long gone", peer)
		}
	}
	if there != len(s.members) || s.count != len(s.members) {
		s.fault("its roster has %d peers and a count of %d, want %d", len(s.members), s.count, there)
	}
}

// settle takes an outcome off the list of those that are owed, and reports whether it was there.
func (s *stream) settle(id string, o outcome) bool {
	i := slices.Index(s.owed[id], o)
	if i < 0 {
		return false
	}
	s.owed[id] = slices.Delete(s.owed[id], i, i+1)
	if len(s.owed[id]) == 0 {
		delete(s.owed, id)
	}
	return true
}

func (s *stream) owes() bool { return len(s.owed) > 0 }

// owesOfDrafts is owes without what the host may not have read before it ended the stream.
func (s *stream) owesOfDrafts() bool {
	for _, list := range s.owed {
		for _, o := range list {
			if o.code != wire.BadMessage && o.code != wire.UnsupportedType && o.code != wire.Forbidden {
				return true
			}
		}
	}
	return false
}
