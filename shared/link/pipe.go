package link

import (
	"io"
	"sync"
	"time"
)

// Pipe returns the two ends of an in-memory stream. Each direction holds up to size bytes before
// Write blocks; a size of 0 means 64 KiB. Deadlines follow the clock of a testing/synctest bubble,
// and a bubble sees a goroutine that waits on a pipe as durably blocked.
func Pipe(size int) (Stream, Stream) {
	if size <= 0 {
		size = 64 << 10
	}
	ab, ba := newHalf(size), newHalf(size)
	return &end{in: ba, out: ab}, &end{in: ab, out: ba}
}

// half is one direction of a pipe.
type half struct {
	size int

	// mu guards the following.
	mu      sync.Mutex
	buf     []byte
	eof     bool          // the writer has ended
	rerr    error         // what the reader gets before anything else
	werr    error         // what the writer gets
	changed chan struct{} // closed and replaced whenever one of the above changes
	readBy  deadline
	writeBy deadline
}

func newHalf(size int) *half {
	return &half{size: size, changed: make(chan struct{})}
}

// update runs f under the lock and wakes everybody who waits for a change.
func (h *half) update(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// await calls try under the lock until it reports that it is done, sleeping for changes between.
func (h *half) await(by *deadline, try func() (done bool)) error {
	for {
		h.mu.Lock()
		if by.passed() {
			h.mu.Unlock()
			return ErrDeadline
		}
		if try() {
			close(h.changed)
			h.changed = make(chan struct{})
			h.mu.Unlock()
			return nil
		}
		changed, timeout := h.changed, by.channel()
		h.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
		}
	}
}

func (h *half) read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	werr := h.await(&h.readBy, func() bool {
		switch {
		case h.rerr != nil:
			err = h.rerr
		case len(h.buf) > 0:
			n = copy(p, h.buf)
			h.buf = h.buf[n:]
		case h.eof:
			err = io.EOF
		default:
			return false
		}
		return true
	})
	if werr != nil {
		return 0, werr
	}
	return n, err
}

func (h *half) write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		werr := h.await(&h.writeBy, func() bool {
			switch {
			case h.werr != nil:
				err = h.werr
			case h.eof:
				err = ErrClosed
			case len(h.buf) < h.size:
				take := min(len(p)-n, h.size-len(h.buf))
				h.buf = append(h.buf, p[n:n+take]...)
				n += take
			default:
				return false
			}
			return true
		})
		if werr != nil {
			return n, werr
		}
	}
	return n, err
}

// deadline is a moment after which waiting ends; the zero value never does.
type deadline struct{ at time.Time }

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// channel returns a channel that fires at the deadline, and nil when there is none. The timer behind
// it is garbage once nobody waits, so there is nothing to stop.
func (d *deadline) channel() <-chan time.Time {
	if d.at.IsZero() {
		return nil
	}
	return time.After(time.Until(d.at))
}

// end is one end of a pipe.
type end struct{ in, out *half }

var _ Stream = (*end)(nil)

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

func (e *end) CloseWrite() error {
	e.out.update(func() { e.out.eof = true })
	return nil
}

func (e *end) Close() error {
	e.out.update(func() { e.out.eof = true })
	e.in.update(func() {
		if e.in.rerr == nil {
			e.in.rerr = ErrClosed
		}
		if e.in.werr == nil { // nobody will read: the far end need not wait
			e.in.werr = ErrReset
		}
	})
	return nil
}

func (e *end) Reset() error {
	for _, h := range []*half{e.in, e.out} {
		mine, far := ErrClosed, ErrReset
		h.update(func() {
			h.buf = nil
			if h.rerr == nil {
				h.rerr = far
				if h == e.in {
					h.rerr = mine
				}
			}
			if h.werr == nil {
				h.werr = far
				if h == e.out {
					h.werr = mine
				}
			}
		})
	}
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.update(func() { e.in.readBy.at = t })
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.update(func() { e.out.writeBy.at = t })
	return nil
}
