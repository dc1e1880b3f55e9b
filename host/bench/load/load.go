// Package load makes load on a group of a system under test and measures what comes of it, whatever the
// system is: goop's host or one of its peers. All systems get the same work from the same code, so that
// their figures can be compared.
//
// The schedule is an open loop: each message is due at a moment that was fixed before the run, whatever
// became of those before it, and its latency counts from that moment. So a system that stalls is charged
// for all that would have been sent meanwhile. Each payload names its sender, its number and when it was
// due; each client looks for what is missing, came twice, or came out of its sender's order.
//
// The system is expected to run in a Process of its own, so that its CPU time can be told from that of
// the load. The package must not know what the system is, nor how it is reached.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Plan is what is to be done. All senders are members: the first ones.
type Plan struct {
	Members int
	Senders int
	Rate    float64 // messages a second, of all senders together
	Size    int     // bytes of a payload; more when the stamp does not fit
	Warm    time.Duration
	For     time.Duration
}

// Check returns an error for a plan that cannot be carried out.
func (p Plan) Check() error {
	switch {
	case p.Members < 1:
		return fmt.Errorf("%d members are too few: 1 or more", p.Members)
	case p.Senders < 0 || p.Senders > p.Members:
		return fmt.Errorf("%d senders of %d members: the senders are some of the members", p.Senders, p.Members)
	case p.Rate < 0 || p.Senders > 0 && p.Rate == 0:
		return fmt.Errorf("a rate of %v messages a second: it is more than 0", p.Rate)
	case p.Size < 0:
		return fmt.Errorf("a size of %d bytes: it is not below 0", p.Size)
	case p.For <= 0 || p.Warm < 0:
		return fmt.Errorf("a time of %v after %v: it is more than 0", p.For, p.Warm)
	}
	return nil
}

// System is what is put under load.
type System interface {
	Name() string
	// Connect makes client i and returns when it is in the group. got is called for each delivery, in
	// order, from one goroutine per client; it does not keep the payload. Whether a sender gets its own
	// messages too is all the same.
	Connect(ctx context.Context, i int, got func(payload []byte)) (Client, error)
}

// Client is one member of the group.
type Client interface {
	// Send sends a payload, which is the client's to keep. An error means that it was not sent; the run
	// goes on.
	Send(payload []byte) error
	Close() error
}

// Phase is a moment of a run.
type Phase int

// The moments of a run, in their order.
const (
	Connected Phase = iota // all clients are there, nothing has been sent
	Begin                  // the measured time begins
	End                    // it ends
	Drained                // what is under way has arrived; the clients are still there
)

// Phaser is a System that wants to know where a run is. The run waits for Connected and Drained. Begin and
// End must return at once.
type Phaser interface {
	Phase(ctx context.Context, now Phase) error
}

// Unknown stands in a Result for what cannot be measured here.
const Unknown = -1

// Bounds of a run.
const (
	connecting = 32               // clients that connect, or go, at a time
	quiet      = 10 * time.Second // without any delivery: nothing comes any more
	reports    = time.Second      // between two lines of progress
)

// Run connects the clients, makes the load and measures. host is the process whose CPU is counted; nil when
// it is not known. progress is told what is being done, for people, at most once a second; it may be nil.
// A run that ctx ends has an error.
func Run(ctx context.Context, sys System, plan Plan, host *Process, progress func(string)) (_ Result, err error) {
	if err := plan.Check(); err != nil {
		return Result{}, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	r := &run{sys: sys, plan: plan, host: host, progress: progress, book: newBook(plan)}
	defer func() {
		if e := r.close(); err == nil && e != nil {
			err = fmt.Errorf("close the clients: %w", e)
		}
	}()
	if err := r.connect(ctx); err != nil {
		return Result{}, err
	}
	if err := r.phase(ctx, Connected); err != nil {
		return Result{}, err
	}
	if err := r.measure(ctx); err != nil {
		return Result{}, err
	}
	if err := r.phase(ctx, Drained); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

// run is one run.
type run struct {
	sys      System
	plan     Plan
	host     *Process
	progress func(string)
	clients  []Client
	book     *book
	begin    reading
	end      reading
}

func (r *run) phase(ctx context.Context, now Phase) error {
	if p, ok := r.sys.(Phaser); ok {
		return p.Phase(ctx, now)
	}
	return nil
}

// connect makes the clients, a few at a time.
func (r *run) connect(ctx context.Context) error {
	r.clients = make([]Client, r.plan.Members)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range min(connecting, r.plan.Members) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= r.plan.Members {
					return
				}
				c, err := r.sys.Connect(ctx, i, r.book.reader(i))
				if err != nil {
					cancel(fmt.Errorf("connect member %d of %d: %w", i+1, r.plan.Members, err))
					return
				}
				r.clients[i] = c
				done.Add(1)
			}
		})
	}
	stop := r.every(func() { r.progress(fmt.Sprintf("%d of %d members have joined", done.Load(), r.plan.Members)) })
	wg.Wait()
	stop()
	return context.Cause(ctx)
}

// every calls fn once a second until the function that it returns is called, which waits for it.
func (r *run) every(fn func()) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(reports)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fn()
			case <-quit:
				return
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

// measure keeps the schedule, and takes readings where the measured time begins and ends.
func (r *run) measure(ctx context.Context) error {
	r.book.begin()
	var wg sync.WaitGroup
	for s := range r.plan.Senders {
		wg.Go(func() { r.send(ctx, s) })
	}
	stop := r.every(r.tell)
	err := r.window(ctx)
	wg.Wait()
	if err == nil {
		err = r.drain(ctx)
	}
	stop()
	return err
}

func (r *run) window(ctx context.Context) error {
	if err := sleep(ctx, r.plan.Warm); err != nil {
		return err
	}
	if err := r.phase(ctx, Begin); err != nil {
		return err
	}
	r.begin = r.read()
	if err := sleep(ctx, r.plan.Warm+r.plan.For-r.book.since()); err != nil {
		return err
	}
	r.end = r.read()
	return r.phase(ctx, End)
}

// drain waits until all has arrived that was sent, or nothing comes any more.
func (r *run) drain(ctx context.Context) error {
	last, since := int64(-1), time.Now()
	for {
		got := r.book.delivered()
		if got >= r.expected() {
			return ctx.Err()
		}
		if got != last {
			last, since = got, time.Now()
		} else if time.Since(since) > quiet {
			return ctx.Err()
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// expected is how many deliveries there have to be of what was sent.
func (r *run) expected() int64 { return r.book.sent.Load() * int64(r.plan.Members-1) }

func (r *run) tell() {
	at := r.book.since()
	what := "measuring"
	switch {
	case at < r.plan.Warm:
		what = "warming up"
	case at > r.plan.Warm+r.plan.For:
		what = "waiting for what is under way"
	}
	r.progress(fmt.Sprintf("%s: %.0f of %.0f s, %d sent, %d of %d delivered", what, at.Seconds(),
		(r.plan.Warm + r.plan.For).Seconds(), r.book.sent.Load(), r.book.delivered(), r.expected()))
}

// close closes all clients, also those of a run that failed.
func (r *run) close() error {
	return Each(len(r.clients), func(i int) error {
		if r.clients[i] == nil {
			return nil
		}
		return r.clients[i].Close()
	})
}

// Each calls do for 0 to n-1, for many at a time: some wait for an answer. It returns when all have returned, with their
// errors.
func Each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(connecting, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
