package webtransport

import (
	"errors"
	"io"
	"sync"
	"syscall/js"
	"time"

	"goop/shared/link"
	"goop/wasm/internal/deadline"
	"goop/wasm/internal/jsx"
)

// maxChunk bounds what one call hands to the browser, in bytes; a longer Write is several.
const maxChunk = 256 << 10

// stream is one bidirectional stream.
type stream struct {
	session *Session
	reader  js.Value
	writer  js.Value

	// mu guards the following. Callbacks take it too, so nobody who holds it waits for one.
	mu sync.Mutex

	readable *deadline.Cond
	reading  bool   // the browser was asked for a chunk
	chunk    []byte // has arrived and is not yet returned
	ended    error  // behind the chunk: io.EOF, reset, or why the session ended
	rerr     error  // at once: closed here

	writable *deadline.Cond
	writing  bool // a chunk was handed to the browser, and is not yet taken
	werr     error
	finish   bool // the writing half was ended here
}

var _ link.Stream = (*stream)(nil)

func newStream(s *Session, bidirectional js.Value) (*stream, error) {
	st := &stream{
		session: s,
		reader:  bidirectional.Get("readable").Call("getReader"),
		writer:  bidirectional.Get("writable").Call("getWriter"),
	}
	st.readable, st.writable = deadline.New(&st.mu), deadline.New(&st.mu)
	ignore(st.reader.Get("closed"))
	ignore(st.writer.Get("closed"))
	if err := s.add(st); err != nil {
		st.Reset()
		return nil, err
	}
	return st, nil
}

// Read implements link.Stream.
func (st *stream) Read(p []byte) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		switch {
		case st.readable.Expired():
			return 0, link.ErrDeadline
		case st.rerr != nil:
			return 0, st.rerr
		case len(st.chunk) > 0 || len(p) == 0:
			n := copy(p, st.chunk)
			st.chunk = st.chunk[n:]
			return n, nil
		case st.ended != nil:
			return 0, st.ended
		case !st.reading:
			st.reading = true
			jsx.Then(st.reader.Call("read"), st.arrived)
		}
		if err := st.readable.Wait(); err != nil {
			return 0, err
		}
	}
}

// arrived takes the outcome of a read.
func (st *stream) arrived(next js.Value, err error) {
	var chunk []byte
	if err == nil {
		if next.Get("done").Truthy() {
			err = io.EOF
		} else if chunk, err = jsx.Bytes(next.Get("value")); err == nil && len(chunk) == 0 {
			chunk = nil // ask again
		}
	} else {
		err = ending(err)
	}
	st.mu.Lock()
	st.reading = false
	st.chunk = chunk
	if err != nil && st.ended == nil {
		st.ended = err
	}
	st.readable.Wake()
	st.settle()
}

// Write implements link.Stream. It returns when the browser has taken all of p.
func (st *stream) Write(p []byte) (n int, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	handed := 0
	for {
		switch {
		case st.writable.Expired():
			return n, link.ErrDeadline
		case st.werr != nil:
			return n, st.werr
		case !st.writing:
			if n = handed; n == len(p) {
				return n, nil
			}
			part := p[n:min(len(p), n+maxChunk)]
			handed += len(part)
			st.writing = true
			jsx.Then(st.writer.Call("write", jsx.Uint8Array(part)), st.taken)
		}
		if err := st.writable.Wait(); err != nil {
			return n, err
		}
	}
}

// taken takes the outcome of a write.
func (st *stream) taken(_ js.Value, err error) {
	st.mu.Lock()
	st.writing = false
	if err != nil && st.werr == nil {
		st.werr = ending(err)
	}
	st.writable.Wake()
	st.settle()
}

// settle gives up the lock, and lets the session forget a stream of which both halves have ended.
func (st *stream) settle() {
	over := st.werr != nil && (st.ended != nil || st.rerr != nil)
	st.mu.Unlock()
	if over {
		st.session.forget(st)
	}
}

// CloseWrite implements link.Stream.
func (st *stream) CloseWrite() error {
	st.mu.Lock()
	err := st.closeWriteLocked()
	st.settle()
	return err
}

func (st *stream) closeWriteLocked() error {
	switch {
	case st.finish:
		return nil
	case st.werr != nil:
		return st.werr
	}
	st.finish, st.werr = true, link.ErrClosed
	st.writable.Wake()
	ignore(st.writer.Call("close")) // behind what was written before
	return nil
}

// Close implements link.Stream.
func (st *stream) Close() error {
	st.mu.Lock()
	if st.rerr == nil {
		st.rerr, st.chunk = link.ErrClosed, nil
		st.readable.Wake()
		ignore(st.reader.Call("cancel"))
	}
	if st.werr == nil {
		st.closeWriteLocked()
	}
	st.settle()
	return nil
}

// Reset implements link.Stream.
func (st *stream) Reset() error {
	st.mu.Lock()
	if st.rerr == nil {
		st.rerr, st.chunk = link.ErrClosed, nil
		ignore(st.reader.Call("cancel"))
	}
	st.werr, st.finish = link.ErrClosed, true
	st.readable.Wake()
	st.writable.Wake()
	ignore(st.writer.Call("abort"))
	st.settle()
	return nil
}

// lost ends the stream because the session has ended. What has arrived can still be read.
func (st *stream) lost(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended == nil {
		st.ended = err
	}
	if st.werr == nil {
		st.werr = err
	}
	st.readable.Wake()
	st.writable.Wake()
}

// SetReadDeadline implements link.Stream.
func (st *stream) SetReadDeadline(t time.Time) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.readable.Set(t)
	return nil
}

// SetWriteDeadline implements link.Stream.
func (st *stream) SetWriteDeadline(t time.Time) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.writable.Set(t)
	return nil
}

// ending turns the browser's error about a stream into a reset, unless the whole session is lost.
func ending(err error) error {
	if e, ok := errors.AsType[*jsx.Error](err); ok && e.Value.Type() == js.TypeObject {
		if source, err := jsx.Get(e.Value, "source"); err == nil && source.Equal(js.ValueOf("session")) {
			return lost(e)
		}
	}
	return link.ErrReset
}
