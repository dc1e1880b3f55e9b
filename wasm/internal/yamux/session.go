package yamux

import (
	"context"
	"io"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

// ID is the protocol that is negotiated for a session.
const ID = "/yamux/1.0.0"

const (
	maxStreams = 128
	window     = 256 << 10 // bytes that either end may send ahead on a new stream, by the specification
	maxWindow  = 1 << 20   // bytes that the far end may send ahead on a stream that reads fast
	maxGrown   = 8 << 20   // bytes by which the windows of a session may be larger than 256 KiB, together
	maxOut     = 64 << 10  // bytes of one stream that wait to be sent
	maxPart    = 16 << 10  // bytes of one data frame, so that streams take turns
	batch      = 64 << 10  // bytes from which on a batch of frames is written
	maxControl = 64 << 10  // bytes of answers to the far end that may wait to be sent
	farewell   = 500 * time.Millisecond
)

// Session is one multiplexed connection.
type Session struct {
	conn  io.ReadWriteCloser
	wg    sync.WaitGroup
	slots chan struct{} // holds a token for each open stream
	work  chan struct{} // holds a token when the writer has something to do
	done  chan struct{}

	// mu guards the following, and all streams.
	mu      sync.Mutex
	err     error // why the session has ended
	closing bool  // Close was called; the writer sends the rest
	streams map[uint32]*Stream
	nextID  uint32
	grown   int       // bytes by which windows of streams are larger than they were at first
	control []byte    // frames that are about no stream of ours
	turn    []*Stream // streams with something to send, the next first
}

// Client starts a session over a connection on which the far end is the server. It owns the
// connection from now on.
func Client(conn io.ReadWriteCloser) *Session {
	s := &Session{
		conn:    conn,
		slots:   make(chan struct{}, maxStreams),
		work:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		streams: map[uint32]*Stream{},
		nextID:  1,
	}
	s.wg.Go(s.read)
	s.wg.Go(s.write)
	return s
}

// OpenStream opens a stream; the far end learns of it with its first byte. It waits while as many
// streams are open as there may be.
func (s *Session) OpenStream(ctx context.Context) (link.Stream, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.done:
		return nil, s.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return nil, s.err
	case s.nextID >= 1<<31:
		<-s.slots
		return nil, wire.E(wire.LimitExceeded, "the connection has no more stream numbers: dial anew")
	}
	st := newStream(s, s.nextID)
	s.nextID += 2
	s.streams[st.id] = st
	return st, nil
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session has ended, and nil before.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close sends what streams have accepted and the far end is ready for, and closes the connection. When
// that takes too long, it closes the connection all the same. There is no farewell frame: the host
// would answer it by cutting the connection, which a browser takes for a failure, and Firefox then
// holds the next WebSocket back for a while.
func (s *Session) Close() error {
	s.mu.Lock()
	s.closing = true
	s.wakeLocked()
	s.mu.Unlock()
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
	}
	s.end(wire.E(wire.Closed, "the connection was closed"))
	s.wg.Wait()
	return nil
}

// end ends the session and all its streams; only the first call counts.
func (s *Session) end(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	for _, st := range s.streams {
		st.lostLocked(err)
	}
	clear(s.streams)
	close(s.done)
	s.mu.Unlock()
	s.conn.Close()
}

// wakeLocked tells the writer that there is something to do.
func (s *Session) wakeLocked() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// scheduleLocked gives a stream a turn to send.
func (s *Session) scheduleLocked(st *Stream) {
	if !st.scheduled && s.err == nil {
		st.scheduled = true
		s.turn = append(s.turn, st)
		s.wakeLocked()
	}
}

// write is the writer: it sends batches of frames until the session ends.
func (s *Session) write() {
	var b []byte
	for {
		var last bool
		b, last = s.collect(b[:0])
		if len(b) > 0 {
			if _, err := s.conn.Write(b); err != nil {
				s.end(lost(err))
				return
			}
		}
		if last {
			s.end(wire.E(wire.Closed, "the connection was closed"))
			return
		}
		if len(b) > 0 {
			continue // there may be more by now
		}
		select {
		case <-s.work:
		case <-s.done:
			return
		}
	}
}

// collect appends the frames that are to be sent now, and reports whether they are the last ones.
func (s *Session) collect(b []byte) (_ []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b = append(b, s.control...)
	s.control = s.control[:0]
	for len(s.turn) > 0 && len(b) < batch {
		st := s.turn[0]
		s.turn = s.turn[1:]
		st.scheduled = false
		var more bool
		if b, more = st.collectLocked(b); more {
			s.scheduleLocked(st)
		}
	}
	return b, s.closing && len(s.turn) == 0
}

// forgetLocked drops a stream of which both halves have ended.
func (s *Session) forgetLocked(st *Stream) {
	if s.streams[st.id] == st {
		delete(s.streams, st.id)
		s.grown -= st.allowed - window
		<-s.slots
	}
}

// lost makes an error of the connection one that a page understands.
func lost(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return wire.E(wire.Offline, "the host closed the connection")
	}
	return &wire.Error{Code: wire.Offline, Message: "the connection was lost", Err: err}
}
