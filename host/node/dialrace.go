package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"

	"goop/shared/wire"
)

const (
	// nextAfter is how long an address may be silent until the next one of its lane is tried beside it.
	nextAfter = 150 * time.Millisecond
	// nextLane is how long all of a lane may be silent until the next lane begins: that UDP does not get
	// through, nobody says.
	nextLane = 300 * time.Millisecond
)

// lane is a list of addresses of which the earlier ones are preferred.
type lane []candidate

// outcome is what became of one attempt.
type outcome struct {
	candidate
	lane int
	conn transport.CapableConn
	err  error
}

// race dials until somebody answers, and returns the first connection and its transport. Attempts that were
// slower are given up, and closed when they succeed all the same.
func (d *Dialer) race(ctx context.Context, host peer.ID, lanes []lane) (transport.CapableConn, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome)
	over := make(chan struct{})
	defer close(over)
	start := func(n int, c candidate) {
		d.wg.Go(func() {
			conn, err := d.transports[c.transport].Dial(ctx, c.addr, host)
			select {
			case outcomes <- outcome{c, n, conn, err}:
			case <-over:
				if err == nil {
					_ = conn.Close()
				}
			}
		})
	}

	next := make([]int, len(lanes))      // of each lane, the candidate to try next
	running := make([]int, len(lanes))   // of each lane, the attempts without an outcome
	due := make([]time.Time, len(lanes)) // when to try it, though nothing failed
	for i := range lanes {
		due[i] = time.Now().Add(time.Duration(i) * nextLane)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var failed []outcome
	for {
		var soonest time.Time
		idle := true // every lane before has ended
		for i, l := range lanes {
			if next[i] < len(l) && (!time.Now().Before(due[i]) || idle && running[i] == 0) {
				start(i, l[next[i]])
				next[i]++
				running[i]++
				due[i] = time.Now().Add(nextAfter)
			}
			if next[i] < len(l) && (soonest.IsZero() || due[i].Before(soonest)) {
				soonest = due[i]
			}
			idle = idle && running[i] == 0 && next[i] == len(l)
		}
		if idle {
			return nil, "", allFailed(failed)
		}
		var wait <-chan time.Time
		if !soonest.IsZero() {
			timer.Reset(time.Until(soonest))
			wait = timer.C
		}
		select {
		case <-wait:
		case o := <-outcomes:
			running[o.lane]--
			if o.err == nil {
				return o.conn, o.transport, nil
			}
			failed = append(failed, o)
			due[o.lane] = time.Now()
		case <-ctx.Done():
			return nil, "", fmt.Errorf("dial: %w", errors.Join(context.Cause(ctx), allFailed(failed)))
		}
	}
}

// allFailed tells why nobody answered. It is WrongHost only when the host's own address is somebody else's:
// of the further addresses a machine in another network may have one as well.
func allFailed(failed []outcome) error {
	var said []string
	for _, o := range failed {
		if wrong, ok := errors.AsType[sec.ErrPeerIDMismatch](o.err); ok && o.first {
			return wire.E(wire.WrongHost, "the host is ", wrong.Actual.String(), ", not ", wrong.Expected.String())
		}
		said = append(said, o.addr.String()+": "+o.err.Error())
	}
	if len(said) == 0 {
		return nil
	}
	return errors.New("nobody answers: " + strings.Join(said, "; "))
}
