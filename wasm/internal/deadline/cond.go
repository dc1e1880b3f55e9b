package deadline

import (
	"sync"
	"time"

	"goop/shared/link"
)

// Cond is a condition variable for one waiter at a time, whose waiting a deadline bounds. Its methods
// are called with the lock held, as sync.Cond's Wait is.
type Cond struct {
	lock sync.Locker
	note chan struct{} // holds one token when somebody called Wake since the last Wait
	at   time.Time
}

// New returns a Cond for the lock that guards what it waits for.
func New(lock sync.Locker) *Cond {
	return &Cond{lock: lock, note: make(chan struct{}, 1)}
}

// Set sets the deadline for the calls that wait now and later; the zero time removes it.
func (c *Cond) Set(at time.Time) {
	c.at = at
	c.Wake()
}

// Expired reports whether the deadline has passed. A blocking call asks before anything else, so that
// a deadline in the past fails at once.
func (c *Cond) Expired() bool { return !c.at.IsZero() && !time.Now().Before(c.at) }

// Wake ends the current Wait, or the next one at once.
func (c *Cond) Wake() {
	select {
	case c.note <- struct{}{}:
	default:
	}
}

// Wait gives up the lock until Wake is called, then takes it again; the caller looks again whether
// what it waits for has come. It returns link.ErrDeadline when the deadline has passed.
func (c *Cond) Wait() error {
	if c.Expired() {
		return link.ErrDeadline
	}
	var passed <-chan time.Time
	if !c.at.IsZero() {
		timer := time.NewTimer(time.Until(c.at))
		defer timer.Stop()
		passed = timer.C
	}
	c.lock.Unlock()
	select {
	case <-c.note:
	case <-passed:
	}
	c.lock.Lock()
	return nil
}
