package member

import (
	"context"
	"io"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/wire"
)

const (
	// welcomeWait is how long the host may take for its first line.
	welcomeWait = 15 * time.Second
	// leaveWait is how long answers are waited for after a leave.
	leaveWait = 2 * time.Second
	// textAhead is how much is read at once for a page: a browser hands over 64 KiB, and what is left of a line
	// before that fits too.
	textAhead = 80 << 10
)

// ended is the error of a session whose host has ended it, or refused it, for good.
type ended struct{ why *wire.Error }

func (e *ended) Error() string { return e.why.Error() }

// fault returns the error of a stream that is of no more use: the session joins again on another one.
func fault(what string) *wire.Error {
	return wire.E(wire.BadMessage, "the host broke the protocol: ", what)
}

// run keeps the session until it ends.
func (s *Session) run() {
	k := s.out.keeper
	var keeping sync.WaitGroup
	if k != nil {
		keeping.Go(s.keep)
	}
	err := s.stay()
	s.m.forget(s)
	why := asError(err, wire.Closed)
	e, told := err.(*ended) // then its line was delivered
	if told {
		why = e.why
	}
	s.cancel(why)
	keeping.Wait()
	if k != nil {
		s.storeEnd(s.m.ctx.Err() != nil)
	}
	s.mu.Lock()
	known := s.welcome != nil
	s.err = why
	s.out.settleAll(why, nil)
	s.out.volatile, s.out.early, s.out.unsent = nil, nil, nil
	s.mu.Unlock()
	if k != nil {
		s.persist(context.Background(), true)
	}
	if known && !told && why.Code == wire.WrongHost {
		final := *why
		final.Fatal = true
		bye := batch{asText: s.text != nil}
		bye.add(errorEvent(s.id, &final))
		s.deliver(&bye, true)
	}
	if !known {
		close(s.joined)
	}
	close(s.done)
}

// stay joins, and joins again after each loss. It returns why the session is over.
func (s *Session) stay() error {
	var outage backoff
	for {
		c, err := s.m.connected(s.ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		err = s.attend(c)
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if e, ok := err.(*ended); ok {
			return e
		}
		next := c.moved()
		if s.isLeaving() && next == nil {
			return wire.E(wire.Closed, "the group was left")
		}
		if next != nil {
			continue
		}
		if time.Since(began) >= steadyAfter {
			outage.reset()
		}
		wait := outage.next(time.Now(), s.m.jitter)
		if e := asError(err, wire.Offline); e.RetryAfter > 0 {
			wait += time.Duration(e.RetryAfter) * time.Millisecond
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.ctx.Done(): // the next connection has nothing to do with what went wrong on this one
		case <-s.ctx.Done():
		}
		timer.Stop()
	}
}

func (s *Session) isLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving
}

// attend joins on a connection and works on the stream until it ends, and returns why it did.
func (s *Session) attend(c *connection) error {
	stream, err := c.open(s.ctx, wire.GroupProtocol)
	if err != nil {
		return err
	}
	join, err := s.begin(c, stream)
	if err != nil {
		stream.Reset()
		return err
	}
	defer s.leaveStream(c)
	err = s.converse(c, stream, join)
	if _, over := err.(*ended); over || err == io.EOF {
		stream.Close() // the host waits for this end to have read its last line
	} else if c.moved() == nil { // otherwise the next join makes it a ghost, which is less than an absence
		stream.Reset()
	}
	return err
}

// begin makes a stream the current one and returns the line to begin it with.
func (s *Session) begin(c *connection, stream link.Stream) (join []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil { // abandon has not seen the stream
		return nil, context.Cause(s.ctx)
	}
	s.stream, s.host = stream, c.Host()
	if s.next != c {
		s.next, s.out.volatile = nil, nil
	}
	s.renewed = false
	f := wire.Frame{
		Type:    wire.TypeJoin,
		Group:   s.id,
		Session: s.m.session,
		Invite:  s.invite,
		Meta:    s.meta,
		Caps:    []string{wire.CapDelta},
	}
	if c.datagrams() != nil {
		f.Caps = append(f.Caps, wire.CapDatagrams)
	}
	if s.welcome != nil {
		since := s.position
		f.Since = &since
	}
	return f.Append(nil), nil
}

func (s *Session) leaveStream(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream, s.live = nil, false
	if s.next = c.moved(); s.next != nil {
		return // there is a connection, and the group is joined on it at once
	}
	s.out.volatile = nil
	if s.out.keeper != nil {
		signal(s.out.keeper.hurry) // nothing will be answered now
	}
}

// converse joins and then reads and writes until one of the two comes to an end.
func (s *Session) converse(c *connection, stream link.Stream, join []byte) error {
	by := time.Now().Add(welcomeWait)
	stream.SetReadDeadline(by)
	stream.SetWriteDeadline(by)
	if _, err := stream.Write(join); err != nil {
		return err
	}
	r := link.NewReader(stream, wire.MaxLine)
	batch := batch{asText: s.text != nil}
	if batch.asText {
		r.Ahead(textAhead)
	}
	first := true
	unbind := func() {}
	defer func() { unbind() }()
	read := func() error {
		line, err := r.ReadLine()
		if err != nil {
			return err
		}
		batch.begin()
		for err == nil {
			err = s.take(&batch, line, first)
			first = false
			if err != nil || !r.Buffered() {
				break
			}
			line, err = r.ReadLine()
		}
		if err != nil {
			unbind() // a last line is the last event
		}
		_, last := err.(*ended)
		s.deliver(&batch, last)
		return err
	}
	if err := read(); err != nil {
		return err
	}
	unbind = s.bind(c)
	stream.SetReadDeadline(time.Time{})
	stream.SetWriteDeadline(time.Time{})
	if c.ctx.Err() != nil { // its deadlines may just have been lifted
		return context.Cause(c.ctx)
	}

	ctx, cancel := context.WithCancel(s.ctx)
	var writer sync.WaitGroup
	writer.Go(func() {
		if err := s.write(ctx, stream); err != nil {
			stream.Reset() // which the reader notices
		}
	})
	var err error
	for err == nil {
		err = read()
	}
	cancel()
	stream.SetWriteDeadline(time.Now()) // nobody reads it any more
	writer.Wait()
	return err
}

// write sends what is posted, until ctx ends or the group is left.
func (s *Session) write(ctx context.Context, stream link.Stream) error {
	var buf []byte
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		if s.lookDue() {
			s.look(ctx, true)
			if ctx.Err() != nil {
				return nil
			}
		}
		var leave bool
		buf, leave = s.pending(buf[:0])
		if len(buf) > 0 {
			if _, err := stream.Write(buf); err != nil {
				return err
			}
			if cap(buf) > 2*writeSize {
				buf = nil // one large message need not be remembered
			}
			continue
		}
		if leave {
			f := wire.Frame{Type: wire.TypeLeave}
			if _, err := stream.Write(f.Append(nil)); err != nil {
				return err
			}
			return stream.CloseWrite()
		}
		select {
		case <-s.work:
		case <-s.nextLook(again):
		case <-ctx.Done():
			return nil
		}
	}
}

// nextLook returns what tells that it is time to look again for what others have left, nil when they have
// nothing.
func (s *Session) nextLook(timer *time.Timer) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.out.keeper
	if k == nil || k.due.IsZero() || !s.m.storing() {
		return nil
	}
	timer.Reset(time.Until(k.due))
	return timer.C
}

// pending appends what the stream has not got yet, and tells whether the group is to be left then.
func (s *Session) pending(buf []byte) (out []byte, leave bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewed {
		s.renewed = false
		f := wire.Frame{Type: wire.TypeJoin, Group: s.id, Meta: s.meta}
		buf = f.Append(buf)
	}
	holding := s.out.keeper != nil && len(s.out.keeper.holds) > 0
	if !holding {
		before := s.out.written
		buf, s.out.written = s.out.take(buf, before, writeSize)
		s.out.writing(before, s.attempt())
	}
	for _, v := range s.out.volatile {
		buf = append(buf, v.line...)
	}
	s.out.volatile = s.out.volatile[:0]
	return buf, s.leaving && !holding
}

// deliver hands events to the handler, unless it has had its last ones. It reports whether it did.
func (s *Session) deliver(b *batch, last bool) bool {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.over {
		return false
	}
	s.over = last
	s.hand(b)
	return true
}
