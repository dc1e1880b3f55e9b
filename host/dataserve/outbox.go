package dataserve

import (
	"context"
	"sync"
	"time"

	"goop/shared/link"
)

// outbox holds the lines that are to be written to one stream. Who puts lines waits while there is too
// much of them, so that a member that does not read holds up its own requests and nothing else.
type outbox struct {
	work chan struct{} // holds one token: there is something to write, or it is closed

	// mu guards the following.
	mu     sync.Mutex
	buf    []byte
	closed bool
	room   chan struct{} // closed when buf has been taken; nil while nobody waits for that
}

func newOutbox() *outbox {
	return &outbox{work: make(chan struct{}, 1)}
}

// put adds a line, which may be in parts, once there is room. It keeps none of them.
func (o *outbox) put(ctx context.Context, line ...[]byte) error {
	for {
		o.mu.Lock()
		if len(o.buf) < maxOut {
			for _, part := range line {
				o.buf = append(o.buf, part...)
			}
			o.mu.Unlock()
			o.signal()
			return nil
		}
		if err := o.waitLocked(ctx); err != nil {
			return err
		}
	}
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

// close adds last words, for which there is always room, and has write return when everything is
// written. Nothing may be put later.
func (o *outbox) close(last []byte) {
	o.mu.Lock()
	o.buf = append(o.buf, last...)
	o.closed = true
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.work <- struct{}{}:
	default:
	}
}

// take swaps spare for what there is to write.
func (o *outbox) take(spare []byte) (buf []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	buf, o.buf = o.buf, spare[:0]
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return buf, o.closed
}

// write writes to the stream until close, or until the stream fails.
func (o *outbox) write(st link.Stream) error {
	var spare []byte
	for {
		buf, closed := o.take(spare)
		for rest := buf; len(rest) > 0; {
			n := min(len(rest), writeChunk)
			if err := st.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
				return err
			}
			if _, err := st.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		if spare = buf; cap(spare) > writeChunk { // a large answer is rare, its memory is not kept
			spare = nil
		}
		if len(buf) > 0 {
			continue
		}
		if closed {
			return nil
		}
		<-o.work
	}
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
