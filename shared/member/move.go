package member

import (
	"context"
	"errors"
	"time"

	"goop/shared/wire"
)

const (
	// doubtAfter is how long a heartbeat may go without its answer, and all else be silent, before another
	// connection is begun beside the one that is there. It costs the host a handshake, so it is not short.
	doubtAfter = time.Second
	// regained is what a heartbeat that is answered in time takes off the patience that a false alarm has cost.
	regained = 50 * time.Millisecond
	// roundTrips is how many times the last answer's time is waited at least.
	roundTrips = 8

	firstClimb = 4 * time.Second // bound of the first wait for a better connection
	lastClimb  = 5 * time.Minute
	soonClimb  = time.Second // after a Wake
	climbLimit = 8 * time.Second
	lingerFor  = time.Second // that a connection is kept after a move from it
	// climbSteady is how long a connection has to last for the waits to begin anew: on a network where the better
	// kind of connection opens and dies again, each climb would cost an outage.
	climbSteady = 5 * time.Minute
)

// try is one attempt to connect. It may outlast the connection beside which it was begun.
type try struct {
	giveUp context.CancelCauseFunc
	done   chan struct{} // closed when the following are set
	conn   Conn
	err    error
}

// begin starts a try; the caller waits for its end, or leaves it in m.running.
func (m *Member) begin(limit time.Duration, dial func(context.Context) (Conn, error)) *try {
	bounded, cancel := context.WithTimeout(m.ctx, limit)
	ctx, giveUp := context.WithCancelCause(bounded)
	a := &try{giveUp: giveUp, done: make(chan struct{})}
	m.mu.Lock()
	m.dialing, m.giveUp = time.Now(), giveUp
	m.mu.Unlock()
	m.wg.Go(func() {
		a.conn, a.err = dial(ctx)
		m.mu.Lock()
		m.giveUp = nil
		m.mu.Unlock()
		giveUp(nil)
		cancel()
		close(a.done)
	})
	return a
}

// discard ends a try and what has come of it.
func (a *try) discard() {
	a.giveUp(errNotNeeded)
	<-a.done
	if a.conn != nil {
		a.conn.Close()
	}
}

// relieve looks for what could take the place of c, until c is over: something that answers while c is in
// doubt, and something better while it is not.
func (m *Member) relieve(c *connection) {
	climber, _ := m.opts.Dialer.(Climber)
	due := time.NewTimer(m.climbWait())
	defer due.Stop()
	if climber == nil {
		due.Stop()
	}
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.doubted:
			m.standIn(c)
			continue
		case <-c.hurry:
			if climber != nil {
				m.climbBound = 0
				due.Reset(soonClimb/2 + m.jitter(soonClimb/2))
			}
			continue
		case <-due.C:
		}
		if !m.isVisible() {
			continue // becoming visible is a hurry
		}
		if m.climb(c, climber) {
			climber = nil
		} else {
			m.climbed(false)
			due.Reset(m.climbWait())
		}
	}
}

// climbWait returns the wait before the next climb.
func (m *Member) climbWait() time.Duration {
	bound := max(m.climbBound, firstClimb)
	return bound/2 + m.jitter(bound/2)
}

// climbed takes in whether a climb was worth it: what came of it has lasted.
func (m *Member) climbed(well bool) {
	m.climbBound = min(2*max(m.climbBound, firstClimb), lastClimb)
	if well {
		m.climbBound = 0
	}
}

// climb tries for something better than c and hands over to it. It reports whether there is no use in
// another try.
func (m *Member) climb(c *connection, climber Climber) (top bool) {
	a := m.begin(climbLimit, func(ctx context.Context) (Conn, error) { return climber.Climb(ctx, c.Conn) })
	select {
	case <-a.done:
	case <-c.ctx.Done():
		a.discard()
		return false
	case <-c.doubted:
		a.discard()
		m.standIn(c)
		return false
	}
	if a.err != nil {
		return errors.Is(a.err, wire.NotSupported)
	}
	m.handOver(c, a, true)
	return false
}

// standIn connects anew while c is in doubt, and hands over unless c answers first.
func (m *Member) standIn(c *connection) {
	a := m.begin(dialTimeout, m.opts.Dialer.Dial)
	select {
	case <-a.done:
	case <-c.certain:
		a.discard()
		return
	case <-c.ctx.Done():
		m.running = a
		return
	}
	select {
	case <-c.certain:
		a.discard()
		return
	default:
	}
	if a.err == nil { // otherwise the heartbeat decides
		m.handOver(c, a, false)
	}
}

// handOver ends c for what has come of a try, which may be a better connection: nothing waits, and nobody is told that
// there was none. Where c was lost a moment before, the try is left for the next attempt to connect.
func (m *Member) handOver(c *connection, a *try, better bool) {
	next := m.connect(a.conn)
	next.better = better
	c.next = next
	c.drop(errMoved)
	if c.moved() == nil {
		next.drop(errNotNeeded)
		m.running = a
	}
}

// linger closes a connection that was moved from, a little later than that: to the others in a group a session that
// has joined on the new one by then was never away.
func (m *Member) linger(c *connection) {
	wait := time.NewTimer(lingerFor)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.Done():
	case <-m.ctx.Done():
	}
	c.Conn.Close()
}

// moved returns the connection that takes the place of one that is over, or nil.
func (c *connection) moved() *connection {
	if c.ctx.Err() != nil && context.Cause(c.ctx) == errMoved {
		return c.next
	}
	return nil
}

func (m *Member) isVisible() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.visible
}
