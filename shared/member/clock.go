package member

import (
	"sync"
	"time"
)

const (
	// drift is how fast two clocks may part: 100 µs for each second.
	drift = 10_000
	// setBack is the smallest step backwards of the host's clock that Now follows at once.
	setBack = time.Second
)

// clock estimates the host's clock from the answers of the heartbeat. An answer came somewhere within
// its round trip, so the shortest round trip gives the best estimate; an old one gets worse as the
// clocks drift.
type clock struct {
	base time.Time // set once: all the following are durations since

	// mu guards the following.
	mu     sync.Mutex
	known  bool
	offset time.Duration // host's time since 1970 at base
	within time.Duration // error of offset when it was measured
	at     time.Duration
	last   time.Duration // what now returned last
}

func (c *clock) begin() {
	c.base = time.Now()
	c.offset = time.Duration(c.base.UnixNano())
}

// sample takes in that the host's clock showed ms at some time between sent and received.
func (c *clock) sample(ms int64, sent, received time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := received.Sub(c.base)
	half := received.Sub(sent) / 2
	// The host cuts its time to whole milliseconds: half of one more, either way.
	offset := time.Duration(ms)*time.Millisecond + time.Millisecond/2 - (sent.Sub(c.base) + half)
	within := half + time.Millisecond/2

	aged := c.within + (at-c.at)/drift
	stepped := (offset - c.offset).Abs() > within+aged // one of the clocks was set, or slept
	if !c.known {
		c.last = 0 // what now said before was another clock
	}
	if !c.known || stepped || within <= aged {
		c.known, c.offset, c.within, c.at = true, offset, within, at
	}
}

func (c *clock) now(t time.Time) (ms int64, within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := t.Sub(c.base)
	host := c.offset + elapsed
	if host < c.last && c.last-host < setBack {
		host = c.last
	}
	c.last = host
	within = -1
	if c.known {
		within = c.within + (elapsed-c.at)/drift
	}
	return host.Milliseconds(), within
}
