package relay

import "time"

// pace measures how fast something comes. Up to burst at once is free, then rate a second.
type pace struct {
	rate, burst float64
	used        float64
	at          time.Time
}

// take counts n and returns how long to wait before the next.
func (p *pace) take(n float64, now time.Time) time.Duration {
	p.used = max(0, p.used-p.rate*now.Sub(p.at).Seconds()) + n
	p.at = now
	if over := p.used - p.burst; over > 0 {
		return time.Duration(over / p.rate * float64(time.Second))
	}
	return 0
}
