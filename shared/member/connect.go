package member

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

const (
	dialTimeout = 10 * time.Second
	openTimeout = 5 * time.Second
	// staleDial is the age from which a Wake starts a running attempt anew: it may have slept.
	staleDial = 3 * time.Second
)

// connection is one Conn while it is up. Its data stream is its pulse: when that ends, or its
// heartbeat gets no answer, the connection is dropped with everything on it.
type connection struct {
	Conn
	ctx   context.Context // ends with the connection
	drop  context.CancelCauseFunc
	wg    sync.WaitGroup
	heard atomic.Int64 // when bytes came last on any stream, in nanoseconds since base
	base  time.Time

	doubted chan struct{} // holds one token: a heartbeat waits for too long
	certain chan struct{} // holds one token: and now it was answered
	hurry   chan struct{} // holds one token: the network may be another one
	better  bool          // it came of a climb
	next    *connection   // what takes its place, if it ends by errMoved; set before that
}

// heardStream notes when bytes come. Nobody waits on it any more once its connection is over.
type heardStream struct {
	link.Stream
	c    *connection
	stop func() bool
}

func (s heardStream) Close() error {
	s.stop()
	return s.Stream.Close()
}

func (s heardStream) Reset() error {
	s.stop()
	return s.Stream.Reset()
}

func (s heardStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if n > 0 {
		s.c.heard.Store(int64(time.Since(s.c.base)))
	}
	return n, err
}

// open opens a stream. The error says that the connection is no good.
func (c *connection) open(ctx context.Context, protocol string) (link.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s, err := c.Conn.Open(ctx, protocol)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(c.ctx, func() {
		now := time.Now()
		s.SetReadDeadline(now)
		s.SetWriteDeadline(now)
	})
	return heardStream{s, c, stop}, nil
}

// silence is how long nothing has come.
func (c *connection) silence() time.Duration {
	return time.Since(c.base) - time.Duration(c.heard.Load())
}

// run keeps the connection until the member ends. It dials alone, or has a connection's relieve do so while that
// is served, so there is one attempt at a time.
func (m *Member) run() {
	defer m.retire()
	var outage backoff
	var c *connection // the one to serve next; nil when it has to be dialled
	for c != nil || m.ctx.Err() == nil {
		var err error
		if c == nil {
			c, err = m.dial()
		}
		if c != nil {
			err = m.serve(c)
			lasted := time.Since(c.base)
			if lasted >= steadyAfter {
				outage.reset()
			}
			if lasted >= climbSteady || c.better {
				m.climbed(lasted >= climbSteady)
			}
			if c = c.moved(); c != nil {
				continue
			}
		}
		if m.ctx.Err() != nil {
			break
		}
		if errors.Is(err, wire.WrongHost) {
			m.cancel(asError(err, wire.WrongHost))
			break
		}
		m.setStatus(func(s *Status) {
			*s = Status{State: Offline, Self: s.Self, Host: s.Host, Err: asError(err, wire.Offline)}
		})
		if m.running != nil { // no wait: the next attempt is on its way
			continue
		}
		wait := time.NewTimer(outage.next(time.Now(), m.jitter))
		select {
		case <-wait.C:
		case <-m.wake:
			outage.reset()
		case <-m.ctx.Done():
		}
		wait.Stop()
	}
	if m.running != nil {
		m.running.discard()
	}
}

// dial connects, with the attempt that is under way if there is one.
func (m *Member) dial() (*connection, error) {
	a := m.running
	m.running = nil
	if a == nil {
		a = m.begin(dialTimeout, m.opts.Dialer.Dial)
	}
	<-a.done
	if a.err != nil {
		return nil, a.err
	}
	return m.connect(a.conn), nil
}

func (m *Member) connect(conn Conn) *connection {
	c := &connection{
		Conn:    conn,
		base:    time.Now(),
		doubted: make(chan struct{}, 1),
		certain: make(chan struct{}, 1),
		hurry:   make(chan struct{}, 1),
	}
	c.ctx, c.drop = context.WithCancelCause(m.ctx)
	return c
}

// serve works on a connection until it ends, and returns why it did.
func (m *Member) serve(c *connection) error {
	defer c.wg.Wait()
	c.wg.Go(func() { // the one place that closes it
		select {
		case <-c.Done():
			c.drop(errLost)
		case <-c.ctx.Done():
		}
		if c.moved() != nil {
			m.wg.Go(func() { m.linger(c) })
			return
		}
		c.Conn.Close()
	})
	stream, err := c.open(c.ctx, wire.DataProtocol)
	if err != nil {
		c.drop(asError(err, wire.Offline))
		return context.Cause(c.ctx)
	}
	m.publish(c)
	c.wg.Go(func() { m.relieve(c) })
	err = m.desk.serve(c, stream)
	c.drop(asError(err, wire.Offline))
	if c.moved() == nil {
		m.publish(nil)
	}
	return context.Cause(c.ctx)
}

// publish makes c the connection that sessions use, and wakes those that wait for one.
func (m *Member) publish(c *connection) {
	change := func(s *Status) {
		m.current = c
		close(m.changed)
		m.changed = make(chan struct{})
	}
	if c == nil { // run tells the new state, with its reason
		m.mu.Lock()
		defer m.mu.Unlock()
		change(nil)
		return
	}
	m.setStatus(func(s *Status) {
		change(s)
		*s = Status{State: Online, Transport: c.Transport(), Self: c.Self(), Host: c.Host()}
	})
}

// connected waits for a connection that is up.
func (m *Member) connected(ctx context.Context) (*connection, error) {
	for {
		m.mu.Lock()
		c, changed := m.current, m.changed
		m.mu.Unlock()
		if c != nil && c.ctx.Err() == nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
