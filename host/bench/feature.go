package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"goop/host/bench/load"
	"goop/shared/member"
	"goop/shared/wire"
)

// feature is what members use beside the messages of a plain open group, or in their place.
type feature struct {
	name  string
	group wire.GroupID
	// post sends a payload of the load's, the nth of sender i.
	post func(s *member.Session, i, n int, payload []byte) error
	// beside begins what goes on beside the messages, until ctx ends; stop waits for that, and returns what went wrong.
	// It may be nil.
	beside func(ctx context.Context, s *stage) (stop func() error, err error)
	lossy  bool // what waits for too long may be dropped
}

// allFeatures are the plain group, with which the others are compared, and those. Each has a group of its own: what the host
// still has of lossy messages when their turn is over must not come to the members of the next.
var allFeatures = []feature{
	{name: "plain", group: "plain", post: postMessage},
	{name: "durable", group: durableGroup, post: postMessage},
	{name: "state", group: "state", post: postState},
	{name: "volatile", group: "volatile", post: postVolatile, lossy: true},
	{name: "news", group: newsGroup, post: postMessage, beside: comeAndGo},
	{name: "watch", group: "watch", post: postMessage, beside: watchRows},
}

// The groups of allFeatures that are more than a name.
const (
	durableGroup = "durable"
	newsGroup    = "news"
)

func postMessage(s *member.Session, _, _ int, payload []byte) error {
	_, err := s.Post(payload, member.SendOptions{})
	return err
}

// postState sets the sender's own key of the state, as one does who tells where he is.
func postState(s *member.Session, i, _ int, payload []byte) error {
	patch := make([]byte, 0, len(payload)+16)
	patch = append(strconv.AppendInt(append(patch, `{"m`...), int64(i), 10), `":`...)
	_, err := s.PostState(append(append(patch, payload...), '}'), nil)
	return err
}

// postVolatile gives each a key of its own, so that none takes another's place.
func postVolatile(s *member.Session, _, n int, payload []byte) error {
	_, err := s.Post(payload, member.SendOptions{Volatile: true, Key: strconv.Itoa(n)})
	return err
}

const (
	guests     = 10                     // members more than those of the plan
	guestEvery = 100 * time.Millisecond // between two of them that come, and go at once
	rowEvery   = 200 * time.Millisecond
)

// comeAndGo has the guests come into the group, one after the other, and leave it again.
func comeAndGo(ctx context.Context, s *stage) (stop func() error, err error) {
	return every(ctx, guestEvery, func(ctx context.Context, n int) error {
		guest, err := s.guests[n%guests].Join(ctx, newsGroup, member.JoinOptions{Text: func([]byte) {}})
		if err != nil {
			return err
		}
		return guest.Leave(ctx)
	}), nil
}

// watchRows has every member watch the table, into which a guest inserts.
func watchRows(ctx context.Context, s *stage) (stop func() error, err error) {
	unwatch := make([]func(), len(s.members))
	err = load.Each(len(s.members), func(i int) (err error) {
		unwatch[i], err = s.members[i].Watch(ctx, []byte(`{"op":"watch","table":"rows","order":["-_id"],"limit":20}`), func(member.Change) {})
		return err
	})
	insert := every(ctx, rowEvery, func(ctx context.Context, n int) error {
		_, err := s.guests[0].Call(ctx, fmt.Appendf(nil, `{"op":"insert","table":"rows","values":{"text":"row %d"}}`, n))
		return err
	})
	stop = func() error {
		err := insert()
		for _, u := range unwatch {
			if u != nil {
				u()
			}
		}
		return err
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// every calls do again and again until stop is called, which waits for the call under way, or one fails, which is then
// stop's error.
func every(ctx context.Context, d time.Duration, do func(ctx context.Context, n int) error) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var failed error
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for n := 0; failed == nil; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := do(ctx, n); ctx.Err() == nil {
				failed = err
			}
		}
	})
	return func() error {
		cancel()
		running.Wait()
		return failed
	}
}
