package relay

import (
	"sync"
	"time"

	"goop/shared/wire"
)

// pace measures how fast something comes. Up to burst at once is free, then rate a second.
type pace struct {
	rate, burst float64
	used        float64
	at          time.Time
}

// take counts n and returns how long to wait before the next.
func (p *pace) take(n float64, now time.Time) time.Duration {
	p.used = p.owed(now) + n
	p.at = now
	return p.wait()
}

// try counts n unless there would be something to wait for, which it then returns.
func (p *pace) try(n float64, now time.Time) time.Duration {
	wait := p.take(n, now)
	if wait > 0 {
		p.used -= n
	}
	return wait
}

func (p *pace) wait() time.Duration {
	if over := p.used - p.burst; over > 0 {
		return time.Duration(over / p.rate * float64(time.Second))
	}
	return 0
}

// owed returns what is not yet forgotten of what was counted.
func (p *pace) owed(now time.Time) float64 {
	return max(0, p.used-p.rate*now.Sub(p.at).Seconds())
}

const (
	// droppedLines is how many times wire.Limits.Rate a peer may send when what is over the rate is
	// dropped, as volatile messages are; then it is read more slowly all the same.
	droppedLines = 10
	// abusePause is for how long a peer that was dropped for abuse may not join.
	abusePause = time.Minute
)

// account is what is counted of one peer, over all its streams.
type account struct {
	limits *Limits

	// mu guards the following.
	mu      sync.Mutex
	streams int
	lines   pace
	all     pace // lines too, those included that are dropped
	bytes   pace
	joins   pace
	refused pace
	abuse   int       // lines refused since it was read more slowly for that
	until   time.Time // no joins before
	logged  bool
}

// join counts a join, and returns an error when there are too many.
func (a *account) join(now time.Time) *wire.Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	wait := a.until.Sub(now)
	if wait <= 0 {
		if wait = a.joins.try(1, now); wait <= 0 {
			return nil
		}
	}
	return tooFast("you join too often", wait)
}

// line counts a line of size bytes and returns how long to wait before the next is read.
func (a *account) line(size int, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(a.all.take(1, now), a.bytes.take(float64(size), now))
}

// ordered counts a line that cannot be dropped, and returns how long to wait before the next is read.
func (a *account) ordered(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lines.take(1, now)
}

// volatile counts a message that is dropped when there are too many; that is the error.
func (a *account) volatile(now time.Time) *wire.Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.lines.try(1, now); wait > 0 {
		return tooFast(`you send more than the limit "rate" of the welcome, so what is volatile is dropped`, wait)
	}
	return nil
}

// datagram is line and volatile for a datagram.
func (a *account) datagram(size int, now time.Time) *wire.Error {
	if e := a.volatile(now); e != nil {
		return e
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.bytes.try(float64(size), now); wait > 0 {
		return tooFast("you send too many bytes a second, so what is unreliable is dropped", wait)
	}
	return nil
}

// accept notes that something was not refused, which makes up for something that was.
func (a *account) accept() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused.used = max(0, a.refused.used-1)
}

// refuse counts something that was refused. It returns how long to wait before the next line is read,
// and an error when the peer has sent nothing else for so long that it is dropped; log is set for the
// first of its streams with which that happens.
func (a *account) refuse(now time.Time) (wait time.Duration, dropped *wire.Error, log bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait = a.refused.take(1, now); wait == 0 {
		a.abuse = 0
		return 0, nil, false
	}
	if a.abuse++; a.abuse < a.limits.Abuse {
		return wait, nil, false
	}
	log = !a.logged
	a.logged, a.until = true, now.Add(abusePause)
	return wait, tooFast("too much of what you sent was refused", abusePause), log
}

// idle reports whether nothing needs to be remembered. It is called with mu held.
func (a *account) idle(now time.Time) bool {
	owed := 0.0
	for _, p := range []*pace{&a.lines, &a.all, &a.bytes, &a.joins, &a.refused} {
		owed += p.owed(now)
	}
	return a.streams == 0 && owed == 0 && !a.until.After(now)
}

func tooFast(what string, wait time.Duration) *wire.Error {
	e := wire.E(wire.RateLimited, what)
	e.RetryAfter = max(1, wait.Milliseconds())
	return e
}

// accounts are those of the peers that have streams, and of those that had some a while ago.
type accounts struct {
	// mu guards the following. It is locked before that of an account.
	mu   sync.Mutex
	of   map[wire.PeerID]*account
	most int // accounts until it is looked for idle ones
}

// fewAccounts are not looked through for idle ones.
const fewAccounts = 64

// account returns the account of a peer for one more stream.
func (r *Relay) account(peer wire.PeerID) *account {
	as, l, now := &r.accounts, &r.limits, time.Now()
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.of[peer]
	if a == nil {
		rate, joins := float64(r.wire.Rate), float64(r.wire.Joins)
		a = &account{
			limits: l,
			lines:  pace{rate: rate, burst: l.LineBurst},
			all:    pace{rate: droppedLines * rate, burst: droppedLines * l.LineBurst},
			bytes:  pace{rate: l.Bytes, burst: l.ByteBurst},
			joins:  pace{rate: joins / 60, burst: joins},

			refused: pace{rate: l.Refusals, burst: l.RefusalBurst},
		}
		if len(as.of) >= max(fewAccounts, as.most) {
			as.sweep(now)
		}
		as.of[peer] = a
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams++
	return a
}

// sweep forgets those that are idle. Half of what may be there before the next time is new by then, so
// looking costs each of them little. It is called with mu held.
func (as *accounts) sweep(now time.Time) {
	for peer, a := range as.of {
		a.mu.Lock()
		idle := a.idle(now)
		a.mu.Unlock()
		if idle {
			delete(as.of, peer)
		}
	}
	as.most = 2 * len(as.of)
}

func (a *account) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams--
}
