package model_test

import (
	"context"
	"log/slog"
	"strconv"
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
	redeems bool // somebody has brought an invite in this burst

	whispers map[int]whispered
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
			old := w.rooms[i]
			w.rooms[i] = newRoom(w.t, cfg, w.script.entries, head.Epoch)
			w.rooms[i].people, w.rooms[i].token, w.rooms[i].invite, w.rooms[i].revoked = old.people, old.token, old.invite, old.revoked
		default:
			w.checkLog(i, head)
			w.rooms[i].roster = map[wire.PeerID]*person{}
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

// stop ends the relay: in good order, or after all streams were cut.
func (w *world) stop(orderly bool, delay time.Duration) {
	w.t.Helper()
	if w.redeems { // it has to be known whether the invite has been used
		synctest.Wait()
	}
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
	w.redeems = false
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
		case promote, admit, invite, revoke, look: // when all that was sent before is judged
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
		case admit, invite, revoke:
			w.letIn(&steps[i])
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

func (w *world) settle() {
	synctest.Wait()
	time.Sleep(rest)
	synctest.Wait()
}
