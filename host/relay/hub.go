package relay

import (
	"errors"
	"math"
	"runtime"
	"sync"
	"time"

	"goop/shared/group"
	"goop/shared/wire"
)

// phase is where in its life a hub is.
type phase int

const (
	running phase = iota
	closing       // takes nothing in, finishes what it has
)

// hub is one group: its log's newest part, its roster, and its sessions.
type hub struct {
	r    *Relay
	id   wire.GroupID
	log  Log
	kick chan struct{} // wakes run

	// changes holds one value while the group's people or configuration are changed, or it ends; see hold.
	// It is taken after Relay.manage and before the mutexes.
	changes chan struct{}
	recalls chan struct{} // holds one value while recall reads

	// mu guards the following, and the fields of the sessions that say so.
	mu         sync.Mutex
	done       chan struct{} // closed when run has returned
	cfg        group.Config
	phase      phase
	paused     chan struct{} // while a pause lasts: closed at its end
	head       group.Head    // what everybody may see
	text       []byte        // of head.State; nil until somebody asks
	window     window
	erased     int64 // counts when something that was in the log went out of it
	people     people
	roster     group.Roster
	news       news
	flush      flush
	restAt     time.Time // when writing goroutines that have nothing to do are to end; zero while there are none
	sessions   map[sessionKey]*session
	grace      map[wire.PeerID]time.Time // until when a peer without a session stays
	queue      []queued
	queueBytes int
	queueCut   bool                  // a part of its slice was taken before
	flight     chan struct{}         // while a batch is being appended: closed when it is published
	waiting    map[*session]struct{} // whose reader waits for room
	room       chan struct{}         // closed when there is room in the queue; nil while nobody else waits for it
	emptySince time.Time             // zero while the roster is not empty
	dissolving bool                  // the relay was asked to end the group
	notBefore  time.Time             // when it may be asked again
	holders    map[string]wire.PeerID
	appending  time.Duration // how long the last append took
	gatherBy   time.Time     // when what is queued is appended at the latest; zero until somebody asks
	senders    uint64        // sessions so far
	past       past
	trimmedFor group.Retain // by which the log was trimmed last
	trimAt     time.Time    // when it is trimmed next, if entries are retained for a time
	trimming   bool         // it is due
}

type sessionKey struct {
	peer wire.PeerID
	id   wire.SessionID
}

// queued is a draft that waits to be appended.
type queued struct {
	draft  group.Draft
	from   *session
	size   int
	answer chan<- group.Result // of a draft that comes from no session; it has room for the one result
}

// queues holds slices that queues were in, so that an idle group holds none.
var queues = sync.Pool{New: func() any { return new([]queued) }}

// keepQueue is how many drafts the largest slice has room for that is kept for the next queue.
const keepQueue = 1024

// enqueue puts a draft into the queue. It is called with mu held.
func (h *hub) enqueue(q queued) {
	if h.queue == nil {
		h.queue = (*queues.Get().(*[]queued))[:0]
	}
	h.queue = append(h.queue, q)
	h.queueBytes += q.size
	h.poke()
}

// recycle keeps the slice of a batch for another queue.
func recycle(batch []queued) {
	clear(batch)
	if cap(batch) <= keepQueue {
		queues.Put(&batch)
	}
}

// tell tells where a draft came from what has become of it; an error is a *wire.Error. It is called with
// the hub's mutex held.
func (q *queued) tell(res *group.Result) {
	if q.answer != nil {
		q.answer <- *res
		return
	}
	q.from.inFlight--
	signal(q.from.room)
	if refused, ok := errors.AsType[*wire.Error](res.Err); ok {
		q.from.refuse(refused, q.draft.ID)
	} else if res.Dup {
		q.from.acknowledge(&q.draft, res)
	} else {
		q.from.untold++
	}
}

func newHub(r *Relay, cfg group.Config, log Log, head group.Head) *hub {
	return &hub{
		r: r, id: cfg.ID, log: log, kick: make(chan struct{}, 1), done: make(chan struct{}),
		changes: make(chan struct{}, 1), recalls: make(chan struct{}, 1),
		cfg: cfg, head: head, window: window{first: head.Seq + 1, most: r.limits.WindowBytes},
		sessions: map[sessionKey]*session{}, grace: map[wire.PeerID]time.Time{},
		waiting: map[*session]struct{}{}, emptySince: time.Now(),
		holders: cfg.SeatHolders(head.State),
	}
}

// poke has run look at what there is to do.
func (h *hub) poke() { signal(h.kick) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run appends what is queued and does what is due, until the hub is closing and the queue is empty.
func (h *hub) run() {
	h.mu.Lock()
	done := h.done
	h.mu.Unlock()
	defer close(done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		h.mu.Lock()
		now := time.Now()
		hold := h.gathers(now)
		var batch []queued
		var whole bool
		if hold <= 0 {
			batch, whole = h.takeQueue()
		}
		if len(batch) > 0 {
			h.flight = make(chan struct{})
		}
		wait := h.tick(now)
		if hold > 0 {
			wait = min(wait, hold)
		}
		ending := h.phase == closing
		trim := h.trimming && !ending
		h.trimming = false
		h.mu.Unlock()
		if trim {
			h.trim()
		}
		switch {
		case len(batch) > 0:
			h.append(batch)
			if whole {
				recycle(batch)
			}
			runtime.Gosched() // who writes goes first: otherwise a fast sender and the hub can outrun all of them
			continue
		case ending:
			return
		case trim:
			continue // with the next time in view
		}
		var due <-chan time.Time
		if wait < forever {
			timer.Reset(min(wait, longSleep))
			due = timer.C
		}
		select {
		case <-h.kick:
		case <-due:
		}
	}
}

const (
	forever   = time.Duration(math.MaxInt64)
	longSleep = time.Hour // then it looks at the clock again, which may have been set
)

// tick does what is due, and returns how long nothing more will be. It is called with mu held.
func (h *hub) tick(now time.Time) time.Duration {
	wait := forever
	due := func(at time.Time) bool {
		if d := at.Sub(now); d > 0 {
			wait = min(wait, d)
			return false
		}
		return true
	}
	for peer, at := range h.grace {
		if due(at) {
			delete(h.grace, peer)
			h.removePeer(peer, wire.ReasonDropped)
		}
	}
	if at, some := h.newsDue(); some && due(at) {
		h.publishRoster(now)
	}
	if at, ends := h.endsAt(); ends && h.phase == running && !h.dissolving && due(at) && due(h.notBefore) {
		h.dissolving = true
		h.r.askToDissolve(h)
	}
	if !h.restAt.IsZero() && due(h.restAt) {
		if again := h.flush.woken.Add(linger); due(again) {
			h.sendToRest()
		} else {
			h.restAt = again
		}
	}
	if at, some := h.trimsAt(); some && due(at) {
		h.trimming = true
	}
	return wait
}

// endsAt returns when the group's own rule ends it, as things stand. It is called with mu held.
func (h *hub) endsAt() (at time.Time, ends bool) {
	d := h.cfg.Dissolve
	if d.Expires > 0 {
		at, ends = time.UnixMilli(d.Expires), true
	}
	if d.Empty > 0 && !h.emptySince.IsZero() {
		if empty := h.emptySince.Add(d.Empty); !ends || empty.Before(at) {
			at, ends = empty, true
		}
	}
	return at, ends
}

// takeQueue takes the next batch, and reports whether that is a whole slice and not a part of one, of which all would be
// held. It is called with mu held.
func (h *hub) takeQueue() (batch []queued, whole bool) {
	n := min(len(h.queue), h.r.limits.BatchSize)
	switch {
	case n == 0:
		return nil, false
	case n < len(h.queue):
		batch, h.queue, h.queueCut = h.queue[:n:n], h.queue[n:], true
	default:
		batch, whole = h.queue, !h.queueCut
		h.queue, h.queueCut = nil, false // lets go of what has been appended
	}
	h.gatherBy = time.Time{}
	for i := range batch {
		h.queueBytes -= batch[i].size
	}
	h.madeRoom()
	return batch, whole
}

// madeRoom lets those look again who wait for room in the queue. It is called with mu held.
func (h *hub) madeRoom() {
	for s := range h.waiting {
		delete(h.waiting, s)
		signal(s.room)
	}
	if h.room != nil {
		close(h.room)
		h.room = nil
	}
}

// append has a batch appended and publishes what came of it.
func (h *hub) append(batch []queued) {
	drafts := make([]group.Draft, len(batch))
	for i := range batch {
		drafts[i] = batch[i].draft
	}
	begun := time.Now()
	results, err := h.log.Append(h.r.ctx, h.id, drafts)
	took := time.Since(begun)
	if err == nil && len(results) != len(drafts) {
		err = errors.New("the log answered for another number of entries")
	}
	var failed *wire.Error
	if err != nil {
		failed = h.r.coded(err, "append", h.id)
	}
	lines := make([]*line, len(batch))
	for i := range results {
		if failed == nil && results[i].Err == nil && !results[i].Dup {
			lines[i] = newLine(h.id, entryOf(&drafts[i], &results[i]))
		}
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.appending = took
	for i := range batch {
		var res group.Result
		if failed != nil {
			res.Err = failed
		} else if res = results[i]; res.Err != nil {
			res.Err = h.r.coded(res.Err, "append", h.id)
		}
		batch[i].tell(&res)
		if lines[i] != nil {
			h.publish(lines[i], &res)
		}
	}
	close(h.flight)
	h.flight = nil
	h.wakeSoon()
}

// publish makes an entry visible. It is called with mu held.
func (h *hub) publish(l *line, res *group.Result) {
	h.r.count.appended.Add(1)
	h.window.most = h.r.limits.WindowBytes * min(windowCrowd+len(h.sessions), 4*windowCrowd) / windowCrowd
	h.window.add(l)
	h.flush.bytes += len(l.text)
	if l.target != 0 {
		h.window.redact(l.target)
		h.erased++
	}
	h.head.Seq = l.seq
	if l.kind != wire.TypeState {
		return
	}
	h.head.State, h.head.StateSeq, h.text = res.State, l.seq, nil
	if len(h.cfg.Seats) > 0 {
		h.seatsMayHaveChanged()
	}
}

// stateText returns the state as text. It is called with mu held; the text is never changed.
func (h *hub) stateText() []byte {
	if h.text == nil {
		h.text = h.head.State.Text()
	}
	return h.text
}

func entryOf(d *group.Draft, res *group.Result) *group.Entry {
	return &group.Entry{
		Seq: res.Seq, Time: res.Time, From: d.From, Session: d.Session, ID: d.ID, Kind: d.Kind, To: d.To,
		Payload: d.Payload, Patch: d.Patch, Redact: d.Redact,
	}
}
