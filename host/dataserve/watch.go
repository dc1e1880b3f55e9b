package dataserve

import (
	"context"
	"runtime/debug"
	"strconv"

	"goop/shared/data"
	"goop/shared/group"
	"goop/shared/wire"
)

// watch is one live query.
type watch struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when it puts no more
	over   bool          // its last line may have been put; guarded by the conn's mu

	request *data.Request
	table   *data.Table // as the site's owner knows it

	// The following belong to its goroutine.
	query *data.Query // for the caller as it was the last time
	bytes int         // of its rows
	seen  *data.Seen  // what it was told last; nil before the answer
	head  []byte      // of its events
}

// watch begins a live query, or refuses it.
func (c *conn) watch(r request) {
	w, err := c.openWatch(r)
	if err != nil {
		_ = c.out.put(c.ctx, data.AppendError(nil, r.ID, true, c.s.refusal(err, string(r.Op), c.peer)))
		c.pending.free(r.size)
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	w.cancel = cancel
	c.watching.Go(func() {
		defer cancel()
		c.paces.wait(ctx, r.Request)
		c.follow(ctx, r, w)
	})
}

// openWatch gives a watch its place among those of the stream.
func (c *conn) openWatch(r request) (*watch, error) {
	t, err := c.s.Site.Lookup(r.Table)
	if err != nil {
		return nil, err
	}
	if err := c.s.checkRows(r.Request); err != nil {
		return nil, err
	}
	w := &watch{done: make(chan struct{}), request: r.Request, table: t}
	if _, _, err := w.plan(c.caller()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := c.watches[r.ID]; old != nil && old.over; old = c.watches[r.ID] { // its id is about to be free
		c.mu.Unlock()
		<-old.done
		c.mu.Lock()
	}
	if c.watches[r.ID] != nil {
		return nil, wire.E(wire.BadMessage, "there is an open watch with the id ", strconv.FormatInt(r.ID, 10))
	}
	if len(c.watches) >= data.MaxWatches {
		return nil, wire.E(wire.LimitExceeded, "a connection has at most ", strconv.Itoa(data.MaxWatches), " watches; end one with unwatch")
	}
	c.watches[r.ID] = w
	return w, nil
}

// plan returns what the watch asks for a caller, who may have become an owner of the site, or be one no
// longer, since the last time. It is the same query as long as it means the same.
func (w *watch) plan(c group.Caller) (group.Caller, *data.Query, error) {
	t := w.table.For(c)
	if w.query != nil && w.query.Table == t {
		return c, w.query, nil
	}
	q, err := t.Query(w.request)
	if err == nil {
		w.query = q
	}
	return c, q, err
}

// follow puts the answer of a watch and then its events. After each it waits for room in the outbox;
// meanwhile the query is not looked at, and what changes comes as one event.
func (c *conn) follow(ctx context.Context, r request, w *watch) {
	w.head = data.AppendHead(nil, r.ID, false)
	emit := func(now *data.Result) error {
		if err := c.account(w, now.Size()); err != nil {
			return err
		}
		head, rest := w.head, now.Next(w.seen)
		if w.seen == nil {
			head = data.AppendHead(nil, r.ID, true)
			c.pending.free(r.size)
		}
		w.seen = now.Seen()
		if rest == nil {
			return nil
		}
		if err := c.out.put(ctx, head, rest); err != nil {
			return err
		}
		return c.out.await(ctx)
	}
	err := c.run(ctx, w, emit)
	first := w.seen == nil
	if first {
		c.pending.free(r.size)
	}
	c.mu.Lock()
	w.over = true
	c.mu.Unlock()
	if ctx.Err() == nil {
		refusal := c.s.refusal(err, string(r.Op), c.peer)
		line := data.AppendWatchError(nil, r.ID, refusal)
		if first {
			line = data.AppendError(nil, r.ID, true, refusal)
		}
		_ = c.out.put(ctx, line) // fails only when the stream is lost
	}
	c.mu.Lock()
	c.watched -= w.bytes
	delete(c.watches, r.ID)
	c.mu.Unlock()
	close(w.done)
}

// run watches until ctx ends or something fails. A panic ends this watch alone.
func (c *conn) run(ctx context.Context, w *watch, emit func(*data.Result) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.Logger.Error("a watch panicked", "table", w.table.Name, "peer", c.peer, "panic", p, "stack", string(debug.Stack()))
			err = wire.E(wire.Internal, "the host failed; its log has the details")
		}
	}()
	if v, ok := views[w.table]; ok {
		return c.watchView(ctx, v, w.query, emit)
	}
	return c.s.Tables.Watch(ctx, func() (group.Caller, *data.Query, error) { return w.plan(c.caller()) }, emit)
}

// account bounds what the rows of all watches of a stream take together. Those that a slow member has
// been told last are counted as its own, though others may share them.
func (c *conn) account(w *watch, size int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched-w.bytes+size > maxWatched {
		return wire.E(wire.LimitExceeded, "the rows of all watches of this connection are more than 4 MiB; watch fewer rows or columns")
	}
	c.watched += size - w.bytes
	w.bytes = size
	return nil
}

// unwatch ends a watch, and reports whether there was one. After that, nothing is put for it.
func (c *conn) unwatch(id int64) bool {
	c.mu.Lock()
	w := c.watches[id]
	open := w != nil && !w.over
	c.mu.Unlock()
	if w == nil {
		return false
	}
	w.cancel()
	<-w.done
	return open
}
