package dataserve

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"goop/shared/data"
	"goop/shared/wire"
)

// maxRemembered is how many answers about groups are kept in memory.
const maxRemembered = 4096

// once has a request about groups done one time, however often it comes. Unlike what is done to tables,
// a group is not made in the store's transaction: the answer is kept right after. What a host that is
// killed between the two has done is done again when the member asks again.
type once struct {
	tables Tables
	log    *slog.Logger

	// mu guards the following.
	mu      sync.Mutex
	known   map[onceKey]*outcome
	forgets []onceKey // in the order in which they came
}

type onceKey struct {
	peer wire.PeerID
	key  string
}

// outcome is a request under way, or its answer.
type outcome struct {
	request []byte
	done    chan struct{}
	answer  []byte
	err     error
}

// do calls fn unless the request has been answered before. The answer is kept through restarts of the
// host when durable is true; an error is not kept.
func (o *once) do(ctx context.Context, peer wire.PeerID, key data.WriteKey, durable bool, fn func() ([]byte, error)) ([]byte, error) {
	k := onceKey{peer, key.Key}
	for {
		mine := &outcome{request: key.Request, done: make(chan struct{})}
		other := o.begin(k, mine)
		if other == nil {
			o.finish(ctx, mine, peer, key, durable, fn)
			return mine.answer, mine.err
		}
		if !bytes.Equal(other.request, key.Request) {
			return nil, wire.E(wire.IDConflict, "this key belongs to another request; make a new random one for each request")
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if other.err == nil {
			return other.answer, nil
		}
		// It failed, perhaps only because its stream was lost: now it is this one's turn.
	}
}

// begin makes mine the outcome of a key, or returns the one that there is.
func (o *once) begin(k onceKey, mine *outcome) (other *outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if other := o.known[k]; other != nil {
		return other
	}
	o.known[k] = mine
	return nil
}

// finish finds or makes the outcome, and lets go those who wait for it.
func (o *once) finish(ctx context.Context, mine *outcome, peer wire.PeerID, key data.WriteKey, durable bool, fn func() ([]byte, error)) {
	mine.answer, mine.err = o.tables.Answered(ctx, peer, key)
	if mine.err == nil && mine.answer == nil {
		if mine.answer, mine.err = fn(); mine.err == nil && durable {
			// It is done, whatever becomes of ctx; and it stays done when this fails.
			if err := o.tables.Keep(context.WithoutCancel(ctx), peer, key, mine.answer); err != nil {
				o.log.Error("the answer to a request about a group cannot be kept", "peer", peer, "err", err)
			}
		}
	}
	k := onceKey{peer, key.Key}
	o.mu.Lock()
	defer o.mu.Unlock()
	if mine.err != nil {
		delete(o.known, k)
	} else {
		o.forgets = append(o.forgets, k)
		if len(o.forgets) > maxRemembered {
			delete(o.known, o.forgets[0])
			o.forgets = o.forgets[1:]
		}
	}
	close(mine.done)
}
