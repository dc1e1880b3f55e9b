package member

import "time"

const (
	quickBeat = 2 * time.Second  // between heartbeats while the page is visible and in a group
	slowBeat  = 15 * time.Second // otherwise
	// beatWait is how long an answer may take while nothing else comes either.
	beatWait = 3 * time.Second
	// beatLimit is how long it may take when other bytes come: a slow line that is busy is no dead one.
	beatLimit = 30 * time.Second
	// frozenAfter is how late a timer of a page may be. One that is later was frozen, with the answer
	// perhaps waiting to be read.
	frozenAfter = time.Second
)

// pace is the time between two heartbeats as things are now.
func (m *Member) pace() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.visible && len(m.sessions) > 0 {
		return quickBeat
	}
	return slowBeat
}

// heartbeat asks for the host's time again and again, and drops the connection when it gets none. Before that
// it casts doubt on it. A host under load answers late, and must not get all its members' handshakes for that: there
// is no doubt before the first answer, which in a storm of joins takes long; a host that takes its time is given more
// of it; the moment is a little different in each member, and each false alarm doubles the patience of the connection.
func (m *Member) heartbeat(c *connection) {
	least := doubtAfter + m.jitter(doubtAfter/4)
	alarmed := time.Duration(0) // what false alarms have added
	patience := beatWait
	for {
		sent := time.Now()
		m.desk.ping()
		took, doubted := m.awaitPong(c, sent, patience)
		if took < 0 {
			return
		}
		if doubted {
			alarmed = 2*patience - least
		} else {
			alarmed = max(alarmed-regained, 0)
		}
		patience = min(max(least+alarmed, roundTrips*took), beatWait)
		if !m.rest(c, sent) {
			return
		}
	}
}

// awaitPong waits for the answer to the heartbeat that was sent then. It returns how long that took, less than 0 when
// the connection was over before, and whether it was longer than patience.
func (m *Member) awaitPong(c *connection, sent time.Time, patience time.Duration) (took time.Duration, doubted bool) {
	since := sent // or when the page came back from having been frozen
	wait := patience
	for {
		armed := time.Now()
		timer := time.NewTimer(wait)
		select {
		case p := <-m.desk.pong:
			timer.Stop()
			m.clock.sample(p.host, sent, p.at)
			took = p.at.Sub(sent)
			m.setStatus(func(s *Status) { s.RTT = took })
			if doubted {
				drain(c.doubted)
				signal(c.certain)
			}
			return took, doubted
		case <-c.ctx.Done():
			timer.Stop()
			return -1, doubted
		case <-timer.C:
		}
		now := time.Now()
		late := now.Sub(armed) - wait
		if late > frozenAfter {
			since = now
		}
		asked := now.Sub(since)
		silent := min(c.silence(), asked)
		if wait = lease(late, silent, asked); wait == 0 {
			c.drop(errSilent)
			return -1, doubted
		}
		switch {
		case doubted:
		case silent >= patience:
			doubted = true
			drain(c.certain) // of an earlier doubt
			signal(c.doubted)
		default:
			wait = patience - silent
		}
	}
}

// lease returns how much longer a heartbeat may go without its answer, 0 when the connection is dead:
// the timer fired this late, nothing at all has come for silent, and the heartbeat went out asked ago.
func lease(late, silent, asked time.Duration) time.Duration {
	switch {
	case late > frozenAfter:
		return beatWait
	case silent < beatWait && asked < beatLimit:
		return beatWait - silent
	}
	return 0
}

// rest waits until it is time for the next heartbeat. It reports false when the connection is over.
func (m *Member) rest(c *connection, sent time.Time) bool {
	for {
		timer := time.NewTimer(m.pace() - time.Since(sent))
		select {
		case <-timer.C:
			return true
		case <-m.beat: // the pace may have changed
			timer.Stop()
		case <-m.wake:
			timer.Stop()
			return true
		case <-c.ctx.Done():
			timer.Stop()
			return false
		}
	}
}
