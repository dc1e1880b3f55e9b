package model_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/relay"
	"goop/shared/group"
	"goop/shared/link"
	"goop/shared/wire"
)

const (
	rest     = time.Second      // in which everything comes to rest after a burst
	patience = 20 * time.Second // of the host with a session that does not read, at least
	boss     = wire.PeerID("boss")
)

var owner = group.Caller{Peer: boss, Owner: true}

// world runs one script.
type world struct {
	t       *testing.T
	ctx     context.Context
	script  *script
	engine  engine
	relay   *relay.Relay
	logs    [2]*witness // of durable groups and of the others
	rooms   []*room
	slots   []*slot
	sent    map[string]string // lines with an id, by room, peer and id
	serving sync.WaitGroup
	streams sync.WaitGroup
	tally   tally
	failed  bool

	whispers map[int]whispered
}

// whispered is a volatile message that was sent.
type whispered struct {
	slot  int
	key   string
	to    wire.PeerID
	sure  bool // the sender was there before and after
	burst int
}

func (w *whispered) isFor(s *slot) bool {
	return w.to == "" || w.to == s.peer || peerOf(w.slot) == s.peer
}

func newWorld(t *testing.T, e engine, s *script) *world {
	w := &world{t: t, ctx: context.Background(), script: s, engine: e, sent: map[string]string{}, whispers: map[int]whispered{}}
	for i := range s.delta {
		w.slots = append(w.slots, &slot{
			w: w, n: i, peer: peerOf(i), session: wire.SessionID("page" + strconv.Itoa(i%perPeer)), delta: s.delta[i],
		})
	}
	return w
}

func (w *world) fault(text string, args ...any) {
	w.t.Helper()
	w.failed = true
	w.t.Errorf(text, args...)
}

// pipe returns the two ends of a stream of a slot.
func (w *world) pipe(n int) (link.Stream, link.Stream) {
	if w.script.narrow[n] {
		return link.Pipe(700)
	}
	return link.Pipe(0)
}

// run runs the script to its end, or to the first burst after which something is wrong.
func (w *world) run() {
	w.start()
	for i, burst := range w.script.bursts {
		w.burst(i, burst)
		if w.failed {
			short := *w.script
			short.bursts = short.bursts[:i+1]
			w.t.Errorf("after burst %d of this script:\n%s", i, short.String())
			break
		}
	}
	if !w.failed {
		for _, s := range w.slots {
			if s.stream != nil {
				s.stream.unpause()
			}
		}
		w.settle()
		w.reconcile(len(w.script.bursts))
	}
	w.stop(true, 0)
	w.engine.close(w.t)
	w.tally.entries += w.entries()
}

func (w *world) entries() (n int) {
	for _, r := range w.rooms {
		n += len(r.entries)
	}
	return n
}

// start opens the relay. What durable groups have to remember is held against what they do.
func (w *world) start() {
	w.t.Helper()
	durable, registry := w.engine.open(w.t, w.script.entries)
	w.logs = [2]*witness{newWitness(durable), newWitness(relay.NewMemLog(relay.MemLimits{Entries: w.script.entries}))}
	limits := wire.DefaultLimits()
	limits.Rate, limits.Joins = 1e6, 1e6 // how fast somebody may be is not the question here
	var err error
	w.relay, err = relay.Open(w.ctx, relay.Options{
		Durable: w.logs[0], Memory: w.logs[1], Registry: registry, Logger: slog.New(slog.DiscardHandler),
		IsOwner: func(p wire.PeerID) bool { return p == boss },
		Limits:  relay.Limits{WindowBytes: w.script.window, WriteBytes: 2000, LineBurst: 1e6, RefusalBurst: 1e6},
		Wire:    limits,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for i, spec := range rooms {
		cfg := w.script.config(i)
		if err := w.relay.Ensure(w.ctx, cfg); err != nil {
			w.t.Fatal(err)
		}
		head := w.log(i).head(cfg.ID)
		switch {
		case len(w.rooms) == i:
			w.rooms = append(w.rooms, newRoom(w.t, cfg, w.script.entries, head.Epoch))
		case !spec.durable:
			w.tally.entries += len(w.rooms[i].entries)
			people := w.rooms[i].people
			w.rooms[i] = newRoom(w.t, cfg, w.script.entries, head.Epoch)
			if w.engine.remembers() {
				w.rooms[i].people = people
			}
		default:
			w.checkLog(i, head)
			w.rooms[i].roster = map[wire.PeerID]*person{}
			if !w.engine.remembers() {
				w.rooms[i].people = map[wire.PeerID]wire.Role{}
			}
		}
	}
}

// log returns the log of a room's kind.
func (w *world) log(room int) *witness {
	if rooms[room].durable {
		return w.logs[0]
	}
	return w.logs[1]
}

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

// stop ends the relay: in good order, or after all streams were cut.
func (w *world) stop(orderly bool, delay time.Duration) {
	w.t.Helper()
	time.Sleep(delay)
	for _, s := range w.slots {
		for _, st := range s.former { // what it was about to hear may have been cut short
			st.lenient = true
		}
		if s.stream == nil {
			continue
		}
		if orderly {
			s.stream.end(shutdown)
		} else {
			s.stream.end(lost)
			_ = s.stream.link.Reset()
		}
		s.ended()
	}
	if err := w.relay.Shutdown(w.ctx); err != nil {
		w.fault("shutdown: %v", err)
	}
	w.serving.Wait()
	w.streams.Wait()
}

// burst does some steps at once, lets everything come to rest, and checks it.
func (w *world) burst(n int, steps []step) {
	begun := time.Now()
	for _, s := range w.slots {
		if s.stream != nil {
			s.stream.old = s.stream.reading() && !s.stream.lenient
		}
	}
	again := -1 // the room that is made anew
	restarts := false
	for i := range steps {
		st := &steps[i]
		w.tally.count(st.verb)
		switch st.verb {
		case wait:
			time.Sleep(time.Duration(st.n) * time.Millisecond)
		case slowDisk:
			w.logs[0].slowDown(time.Duration(st.n) * time.Millisecond)
			w.logs[1].slowDown(time.Duration(st.n) * time.Millisecond)
		case fullDisk:
			w.log(st.room).fill(w.rooms[st.room].id)
		case restart, crash:
			w.stop(st.verb == restart, time.Duration(st.n)*time.Millisecond)
			restarts = true
		case closeAll:
			synctest.Wait() // so that all who have come are in
			w.rooms[st.room].closing = true
			if err := w.relay.Close(w.ctx, owner, w.rooms[st.room].id); err != nil {
				w.fault("close: %v", err)
			}
			for _, s := range w.slots {
				for _, former := range s.former {
					former.lenient = true
				}
				if s.stream != nil && roomOf(s.n) == st.room {
					s.stream.end(closed)
					s.ended()
				}
			}
			again = st.room
		case kick, ban:
			w.sendOff(w.slots[st.slot], st.verb)
		case unban:
			synctest.Wait() // so that who has tried to come has been turned away
			r, peer := w.rooms[roomOf(st.slot)], peerOf(st.slot)
			want := wire.NotFound
			if r.people[peer] == barredRole {
				want = ""
				delete(r.people, peer)
			}
			w.wants(want, w.relay.Unban(w.ctx, owner, r.id, peer), st)
		case promote, look: // when all that was sent before is judged
		default:
			w.act(w.slots[st.slot], st, begun, n)
		}
	}
	w.settle()
	w.reconcile(n)
	for i := range steps {
		switch steps[i].verb {
		case promote:
			w.promote(&steps[i])
		case look:
			w.look(&steps[i])
		}
	}
	switch {
	case restarts:
		w.engine.close(w.t)
		w.start()
	case again >= 0:
		w.recreate(again)
	}
}

// wants holds the answer to what an owner asked for against what it should be.
func (w *world) wants(code wire.Code, err error, st *step) {
	got := wire.Code("")
	if e, ok := err.(*wire.Error); ok {
		got = e.Code
	}
	if got != code || err != nil && got == "" {
		w.fault("%s: got %v, want code %q", st, err, code)
	}
}

// sendOff kicks or bans a peer amid of what it has sent.
func (w *world) sendOff(s *slot, how verb) {
	synctest.Wait() // so that all who have come are in
	r, log := s.room(), w.log(roomOf(s.n))
	was := r.people[s.peer]
	p := r.roster[s.peer]
	off := &sentOff{before: log.count(), least: -1, most: -1}
	st := &step{verb: how, slot: s.n}
	var peers []*slot
	unsure := p != nil && (len(p.sessions) == 0 || time.Now().Before(p.unsure)) // it may be gone by now
	for _, other := range w.slots {
		if roomOf(other.n) == roomOf(s.n) && other.peer == s.peer {
			peers = append(peers, other)
			for _, former := range other.former { // what it was about to hear is cut short
				former.lenient, unsure = true, true
			}
		}
	}
	if how == ban {
		w.wants("", w.relay.Ban(w.ctx, owner, r.id, s.peer, ""), st)
		r.people[s.peer] = barredRole
	} else {
		err := w.relay.Kick(w.ctx, owner, r.id, s.peer, "")
		switch {
		case was == barredRole:
			w.wants("", err, st)
			return
		case was == "" && unsure:
		case was == "" && p == nil:
			w.wants(wire.NotFound, err, st)
			return
		default:
			w.wants("", err, st)
		}
		delete(r.people, s.peer)
	}
	off.after = log.count()
	r.sentOff[s.peer] = off
	delete(r.roster, s.peer)
	for _, other := range peers {
		if other.stream != nil {
			other.stream.end(map[verb]ending{kick: kicked, ban: banned}[how])
			other.ended()
		}
	}
}

// promote gives a peer another role, unless it does not read: then it is not known what it still has to say.
func (w *world) promote(st *step) {
	s := w.slots[st.slot]
	r := s.room()
	for _, other := range w.slots {
		if other.stream != nil && roomOf(other.n) == roomOf(s.n) && other.peer == s.peer && !other.stream.reading() {
			return
		}
	}
	err := w.relay.SetRole(w.ctx, owner, r.id, s.peer, wire.Role(st.text))
	if r.people[s.peer] == barredRole {
		w.wants(wire.Conflict, err, st)
		return
	}
	w.wants("", err, st)
	r.people[s.peer] = wire.Role(st.text)
}

// look reads back from some place in the log, as a peer, and holds that against the model.
func (w *world) look(st *step) {
	s := w.slots[st.slot]
	r := s.room()
	if r.closing || r.people[s.peer] == barredRole {
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

func (w *world) recreate(i int) {
	cfg := w.script.config(i)
	if _, err := w.relay.Create(w.ctx, owner, cfg); err != nil {
		w.t.Fatal(err)
	}
	epoch := w.log(i).head(cfg.ID).Epoch
	if epoch == w.rooms[i].epoch {
		w.fault("room %d was closed, and the new one has the same epoch", i)
	}
	w.tally.entries += len(w.rooms[i].entries)
	w.rooms[i] = newRoom(w.t, cfg, w.script.entries, epoch)
}

// act does one step of a session. What cannot be done as things have come is passed over.
func (w *world) act(s *slot, st *step, begun time.Time, burst int) {
	r := s.room()
	switch st.verb {
	case join, resume:
		switch {
		case s.stream != nil:
		case r.people[s.peer] == barredRole:
			s.connect(st.verb == resume)
			s.stream.end(barred)
			s.ended()
		default:
			s.connect(st.verb == resume)
			r.come(s.n, begun)
		}
		return
	}
	stream := s.stream
	if stream == nil {
		return
	}
	end := func(how ending) {
		if stream.lenient {
			s.unsure()
		}
		stream.end(how)
		s.ended()
	}
	switch st.verb {
	case ghost:
		if stream.lenient { // it may be gone, and then it is no ghost
			s.unsure()
		}
		stream.end(replaced)
		s.former = append(s.former, stream)
		s.connect(true)
		r.come(s.n, begun)
	case leave:
		stream.say(`{"type":"leave"}`)
		end(left)
		if !stream.lenient { // otherwise it may have been dropped long ago
			r.leaves(s.n)
		}
	case cut:
		stream.do(item{wait: time.Duration(st.n) * time.Millisecond, end: func() { _ = stream.link.Reset() }})
		end(lost)
		r.drops(s.n, begun)
	case hangUp:
		stream.do(item{text: st.text, end: func() { _ = stream.link.CloseWrite() }})
		end(hungUp)
		r.drops(s.n, begun)
	case rubbish:
		stream.say(st.text)
		end(refused)
		r.drops(s.n, begun)
	case describe:
		stream.say(st.text)
		if p := r.roster[s.peer]; p != nil {
			p.label = strings.TrimSuffix(strings.SplitAfter(st.text, `"label":"`)[1], `"}}`)
			if stream.lenient { // the host may have given it up before it hears this
				r.doubt(s.peer, grace+patience)
			}
		}
	case pause:
		stream.pause(begun)
	case unpause:
		stream.unpause()
	case whisper:
		if r.roleOf(s.peer) == wire.RoleViewer {
			w.draft(s, st.text)
			break
		}
		f, _ := wire.Decode([]byte(st.text))
		w.whispers[st.n] = whispered{slot: s.n, key: f.Key, to: f.To, sure: stream.old, burst: burst}
		stream.say(st.text)
	case mistake:
		f, err := wire.Decode([]byte(st.text))
		code := wire.BadMessage
		if f.Type == wire.TypeWelcome {
			code = wire.UnsupportedType
		}
		id := f.ID
		if err != nil && f.ID == "" {
			id = strconv.Itoa(st.n)
		}
		stream.owed[id] = append(stream.owed[id], outcome{code: code})
		stream.say(st.text)
	case repeat:
		if line, ok := w.sent[w.key(s, strconv.Itoa(st.n))]; ok {
			w.draft(s, line)
		}
	case flood:
		first, _ := strconv.Atoi(st.text)
		for i := range st.n {
			w.draft(s, fmt.Sprintf(`{"type":"msg","id":"%d","payload":{"n":%d,"pad":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}`, first+1+i, i))
		}
	case misuse:
		w.draft(s, fmt.Sprintf(`{"type":"msg","id":"%d","payload":"other"}`, st.n))
	case redact:
		w.draft(s, strings.Replace(st.text, "TARGET", strconv.FormatInt(max(1, r.head()-int64(st.n)), 10), 1))
	case patchIf:
		ifSeq := max(0, stream.pos-int64(st.n))
		w.draft(s, strings.Replace(st.text, "IFSEQ", strconv.FormatInt(ifSeq, 10), 1))
	default:
		w.draft(s, st.text)
	}
}

func (w *world) key(s *slot, id string) string {
	return fmt.Sprint(roomOf(s.n), " ", s.peer, " ", id)
}

// draft sends a line that goes to the log.
func (w *world) draft(s *slot, line string) {
	f, err := wire.Decode([]byte(line))
	if err != nil {
		w.t.Fatal(err)
	}
	if role := s.room().roleOf(s.peer); role == wire.RoleViewer || f.Redact > 0 && role != wire.RoleModerator {
		s.stream.owed[f.ID] = append(s.stream.owed[f.ID], outcome{code: wire.Forbidden})
		s.stream.say(line)
		return
	}
	if _, known := w.sent[w.key(s, f.ID)]; f.ID != "" && !known {
		w.sent[w.key(s, f.ID)] = line
	}
	d := group.Draft{ID: f.ID, Kind: f.Type, To: f.To, IfSeq: f.IfSeq, Payload: f.Payload, Patch: f.Patch, Redact: f.Redact}
	s.stream.pending = append(s.stream.pending, d.ID+"|"+contentOf(&d))
	s.stream.say(line)
}

func (w *world) settle() {
	synctest.Wait()
	time.Sleep(rest)
	synctest.Wait()
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
