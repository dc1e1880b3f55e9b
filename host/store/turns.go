package store

import (
	"context"
	"sync"
	"time"

	"goop/shared/wire"
)

const (
	// lookTime is how long one request of somebody who does not own the site may look for rows in the writer,
	// where everybody waits for it.
	lookTime = time.Second
	// lookRest is how many times as long as such a request took its peer waits before the next one.
	lookRest = 9
	// quickLook is what needs no rest.
	quickLook = 5 * time.Millisecond
)

// turns has each peer look for rows in the writer by one request at a time, and rest after one that took
// long: however bad its conditions are, the others have most of the writer's time. It is safe for use by many
// goroutines.
type turns struct {
	// mu guards the following.
	mu sync.Mutex
	of map[wire.PeerID]*turn // of those that look, or rest
}

type turn struct {
	wanted int           // by how many requests; guarded by the mu of turns
	token  chan struct{} // holds one while nobody looks
	until  time.Time     // the rest ends; belongs to whoever has the token
}

// take waits for a peer's turn. done has to be called with how long the writer was held.
func (ts *turns) take(ctx context.Context, peer wire.PeerID) (done func(took time.Duration), err error) {
	t := ts.want(peer)
	select {
	case <-t.token:
	case <-ctx.Done():
		ts.leave(peer, t)
		return nil, context.Cause(ctx)
	}
	done = func(took time.Duration) {
		if took > quickLook {
			t.until = time.Now().Add(lookRest * took)
		}
		t.token <- struct{}{}
		ts.leave(peer, t)
	}
	if pause := time.Until(t.until); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			done(0)
			return nil, context.Cause(ctx)
		}
	}
	return done, nil
}

func (ts *turns) want(peer wire.PeerID) *turn {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t := ts.of[peer]
	if t == nil {
		if ts.of == nil {
			ts.of = make(map[wire.PeerID]*turn)
		}
		t = &turn{token: make(chan struct{}, 1)}
		t.token <- struct{}{}
		ts.of[peer] = t
	}
	t.wanted++
	return t
}

// leave forgets a peer for which nothing waits and that has no rest to take; one that rests is forgotten at
// the rest's end.
func (ts *turns) leave(peer wire.PeerID, t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.wanted--; t.wanted > 0 {
		return
	}
	// Nobody has the token, nor can take it while mu is held.
	if rest := time.Until(t.until); rest > 0 {
		t.wanted++
		time.AfterFunc(rest, func() { ts.leave(peer, t) })
		return
	}
	delete(ts.of, peer)
}
