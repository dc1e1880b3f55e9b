package member

import "time"

const (
	firstDelay  = 250 * time.Millisecond // bound of the first wait
	earlyCap    = 2 * time.Second        // bound of a wait in the first lateAfter of an outage
	lateCap     = 30 * time.Second
	lateAfter   = 30 * time.Second
	steadyAfter = 5 * time.Second // a connection that lasted this long ends an outage
)

// backoff gives the waits between attempts: exponential with full jitter. The zero value is ready.
type backoff struct {
	began time.Time // of the outage
	bound time.Duration
}

// next returns the wait before the next attempt. jitter returns a random duration below its argument.
func (b *backoff) next(now time.Time, jitter func(time.Duration) time.Duration) time.Duration {
	if b.bound == 0 {
		b.began, b.bound = now, firstDelay
	} else {
		b.bound = min(2*b.bound, lateCap)
	}
	if now.Sub(b.began) < lateAfter {
		return jitter(min(b.bound, earlyCap))
	}
	return jitter(b.bound)
}

// reset begins a new outage with the next call of next.
func (b *backoff) reset() { *b = backoff{} }
