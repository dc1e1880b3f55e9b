package store

import (
	"context"
	"sync"
	"time"

	"goop/shared/data"
)

// How long an evaluation rests before it is made again, counted from its beginning, while what it depends
// on goes on changing: what is committed meanwhile comes as one change.
const (
	leastRest = 2 * time.Millisecond
	mostRest  = 20 * time.Millisecond // unless the evaluation itself takes long
	restShare = 9                     // times as long as it takes, so that it has a tenth of the time
	restEach  = 50 * time.Microsecond // for each watcher who is to be told
	restOther = 10                    // watchers as which each evaluation within mostRest counts
)

// question is what live queries ask of the database. Those with the same key ask the same.
type question struct {
	key    string
	tables []string // on which the answer depends
	owner  string   // on whose rows alone of the table owns it depends as well; "" for none
	owns   string
	clock  clock
	ask    func(tx *ReadTx, before *finding) (*finding, error) // before is nil for the first time
}

// finding is what a question came to in one snapshot.
type finding struct {
	result   *data.Result
	shared   *candidates // when the question is one for many callers, each of whom has a result of its own
	position int64       // of the snapshot
	now      int64       // its moment, in milliseconds
}

// evaluation is what a question came to last.
type evaluation struct {
	*question
	hub *hub

	// The following are guarded by the hub's mu.
	users   int
	stirred int64         // position of the last commit that did it
	wanted  uint64        // rises with whatever may change the finding
	news    chan struct{} // closed and replaced then
	alarm   *time.Timer   // for the moment at which it may change by itself; nil for none
	held    int           // bytes of the candidates in last

	// mu guards the following.
	mu     sync.Mutex
	flight *flight // under way; nil for none
	last   *finding
	known  uint64    // of wanted, what last knows of
	rested time.Time // when the next one may begin
}

// flight is one making of an evaluation, by one of those who want it.
type flight struct {
	done chan struct{} // closed when it is over
	err  error         // of what was asked, not of who asked
}

// stirLocked has the evaluation made anew. The hub's mu is held.
func (e *evaluation) stirLocked() {
	e.wanted++
	close(e.news)
	e.news = make(chan struct{})
}

// state returns how much the finding has to know of, and what is closed when it is more.
func (e *evaluation) state() (wanted uint64, news <-chan struct{}) {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	return e.wanted, e.news
}

// now returns a finding that knows of all that has been told until now, and of the commit of a position.
// The channel is closed when there may be a newer one.
func (e *evaluation) now(ctx context.Context, least int64) (o *finding, news <-chan struct{}, err error) {
	for {
		var wanted uint64
		wanted, news = e.state()
		e.mu.Lock()
		if e.last != nil && e.known >= wanted && e.last.position >= least {
			o = e.last
			e.mu.Unlock()
			return o, news, nil
		}
		f := e.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			e.flight = f
			e.mu.Unlock()
			if err := e.fly(ctx, f); err != nil {
				return nil, nil, err
			}
			continue
		}
		e.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, nil, f.err
			}
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// fly makes the evaluation.
func (e *evaluation) fly(ctx context.Context, f *flight) (err error) {
	defer func() {
		if ctx.Err() == nil {
			f.err = err
		}
		e.mu.Lock()
		e.flight = nil
		e.mu.Unlock()
		close(f.done)
	}()
	if err := pause(ctx, e.rested); err != nil {
		return err
	}
	select {
	case e.hub.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-e.hub.slots }()

	// Asked first: what comes in while the rows are read is looked at again.
	wanted, _ := e.state()
	begin := time.Now()
	load := e.hub.begin(e, begin)
	var o *finding
	var next int64
	err = e.hub.db.Read(ctx, func(tx *ReadTx) (err error) {
		position, err := tx.Position()
		if err != nil {
			return err
		}
		if o, err = e.ask(tx, e.last); err != nil { // last is changed by nobody but a flight
			return err
		}
		o.position, o.now = position, tx.Now()
		next, err = e.clock.next(tx)
		return err
	})
	if err != nil {
		return err
	}
	if o.shared != nil {
		e.hub.hold(e, o.shared)
	}
	e.setAlarm(next, o.now)
	took := time.Since(begin)
	rest := min(time.Duration(load)*restEach, mostRest)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last, e.known = o, wanted
	e.rested = begin.Add(max(leastRest, rest, restShare*took))
	return nil
}

// pause returns at a moment, or with the cause of ctx when that ends before.
func pause(ctx context.Context, until time.Time) error {
	rest := time.Until(until)
	if rest <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
