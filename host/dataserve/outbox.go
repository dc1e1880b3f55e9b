package dataserve

import (
	"context"
	"errors"
	"sync"
	"time"

	"goop/shared/data"
	"goop/shared/link"
)

// outbox holds the lines that are to be written to one stream. Who puts lines waits while there is too
// much of them, so that a member that does not read holds up its own requests and nothing else. The goroutine that
// writes is there only while there is something to write: of a thousand members nearly all are silent.
type outbox struct {
	st     link.Stream
	failed func(error) // called once, when the stream fails
	writer sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	buf     []byte
	writing bool          // somebody writes; for good when the stream has failed
	room    chan struct{} // closed when buf has been taken; nil while nobody waits for that

	// Who writes alone uses the following.
	deadline time.Time // of writes, as it was set last
	clock    [48]byte  // room for an answer of time
}

func newOutbox(st link.Stream, failed func(error)) *outbox {
	return &outbox{st: st, failed: failed}
}

// put adds a line, which may be in parts, once there is room. It keeps none of them.
func (o *outbox) put(ctx context.Context, line ...[]byte) error {
	for {
		o.mu.Lock()
		if len(o.buf) < maxOut {
			for _, part := range line {
				o.buf = append(o.buf, part...)
			}
			o.startLocked()
			o.mu.Unlock()
			return nil
		}
		if err := o.waitLocked(ctx); err != nil {
			return err
		}
	}
}

// time adds the answer to a request for the time. Most of what a silent member costs is these, and so, where nothing
// else is to be written, the goroutine that has read the request writes the answer, before it reads on.
func (o *outbox) time(ctx context.Context, id int64) error {
	o.mu.Lock()
	if o.writing {
		o.mu.Unlock()
		return o.put(ctx, data.AppendTime(nil, id, time.Now().UnixMilli()))
	}
	o.writing = true
	o.mu.Unlock()
	now := time.Now()
	if err := o.writeAll(data.AppendTime(o.clock[:0], id, now.UnixMilli()), now); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.startLocked() // what has come meanwhile
	return nil
}

// await returns when there is room.
func (o *outbox) await(ctx context.Context) error {
	for {
		o.mu.Lock()
		if len(o.buf) < maxOut {
			o.mu.Unlock()
			return nil
		}
		if err := o.waitLocked(ctx); err != nil {
			return err
		}
	}
}

// waitLocked gives mu up and returns when what there was has been taken.
func (o *outbox) waitLocked(ctx context.Context) error {
	if o.room == nil {
		o.room = make(chan struct{})
	}
	room := o.room
	o.mu.Unlock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close adds last words, for which there is always room, and returns when everything is written or the stream has
// failed. Nothing may be put later.
func (o *outbox) close(last []byte) {
	o.mu.Lock()
	o.buf = append(o.buf, last...)
	o.startLocked()
	o.mu.Unlock()
	o.writer.Wait()
}

// startLocked has what there is written. It is called with mu held.
func (o *outbox) startLocked() {
	if !o.writing && len(o.buf) > 0 {
		o.writing = true
		o.writer.Go(func() {
			if err := o.write(); err != nil {
				o.failed(err)
			}
		})
	}
}

// take swaps spare for what there is to write, and ends the writing when that is nothing.
func (o *outbox) take(spare []byte) (buf []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) == 0 {
		o.buf, o.writing = nil, false
		return nil
	}
	buf, o.buf = o.buf, spare[:0]
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return buf
}

// write writes to the stream until there is nothing more, or until the stream fails.
func (o *outbox) write() error {
	var spare []byte
	for buf := o.take(spare); buf != nil; buf = o.take(spare) {
		if err := o.writeAll(buf, time.Now()); err != nil {
			return err
		}
		if spare = buf; cap(spare) > writeChunk { // a large answer is rare, its memory is not kept
			spare = nil
		}
	}
	return nil
}

// writeAll writes buf, piece by piece, for each of which there is writeTimeout. A deadline that is far is left as it is,
// for setting one is not cheap, and set when it has come too early.
func (o *outbox) writeAll(buf []byte, now time.Time) error {
	for len(buf) > 0 {
		piece, by := buf[:min(len(buf), writeChunk)], now.Add(writeTimeout)
		buf = buf[len(piece):]
		set := o.deadline.Sub(now) < writeTimeout/2
		for len(piece) > 0 {
			if set {
				o.deadline = by
				if err := o.st.SetWriteDeadline(by); err != nil {
					return err
				}
			}
			n, err := o.st.Write(piece)
			piece = piece[n:]
			if err != nil {
				early, ok := errors.AsType[interface {
					error
					Timeout() bool
				}](err)
				if !ok || !early.Timeout() || !time.Now().Before(by) {
					return err
				}
				set = true
			}
		}
		if len(buf) > 0 {
			now = time.Now()
		}
	}
	return nil
}

// budget bounds what is under way, in requests and in bytes.
type budget struct {
	// mu guards the following.
	mu       sync.Mutex
	requests int
	bytes    int
	freed    chan struct{} // closed and replaced when something is given back
}

func newBudget(requests, bytes int) *budget {
	return &budget{requests: requests, bytes: bytes, freed: make(chan struct{})}
}

// spend waits until there is room for one more request of n bytes.
func (b *budget) spend(ctx context.Context, n int) error {
	for {
		b.mu.Lock()
		if b.requests > 0 && b.bytes > 0 {
			b.requests--
			b.bytes -= n
			b.mu.Unlock()
			return nil
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// free gives back what spend took.
func (b *budget) free(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	b.bytes += n
	close(b.freed)
	b.freed = make(chan struct{})
}
