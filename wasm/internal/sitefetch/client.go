package sitefetch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

const (
	// maxOpen is how many requests are under way at once; a host takes 256 streams of one peer.
	maxOpen = 64
	// maxWaiting is how many more may wait for one of these to end.
	maxWaiting = 1024
	// silence is how long a connection may say nothing, while a request waits for its answer, before another is
	// made: a machine that slept finds its old one dead, and is not told.
	silence = 5 * time.Second
	// headTime is how long the head of an answer may take.
	headTime = 30 * time.Second
	// rest is how long a failure to connect stands for the requests that come after it: those of one page come
	// by the dozen.
	rest = time.Second

	// maxLeaked is how much may be lost of the room that a connection has for what nobody has read yet, in bytes,
	// before another one is made: see Options.Leaky.
	maxLeaked = 2 << 20
	// unread is how much one answer that was given up may have cost of that room, at most: what a browser lets
	// a host send ahead on one stream.
	unread = 1 << 20
)

// Options say how a Client connects.
type Options struct {
	// Dial is called once at a time.
	Dial func(ctx context.Context) (member.Conn, error)
	// Leaky tells that a stream which is thrown away keeps what has arrived on it: Firefox 153 tells the host nothing of
	// it, and the room that it took is missing for all others of the connection, until none is left. Such a
	// connection is replaced in time.
	Leaky bool
}

// Client asks one host, over one connection that it makes when it is needed and when the last one was lost.
type Client struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	line    *line
	spoiled map[*line]struct{} // those that were replaced, until what goes over them has ended
	dialing *dialing
	waiting int
}

// line is a connection, when something came over it last, and what goes over it.
type line struct {
	member.Conn

	// mu guards the following.
	mu     sync.Mutex
	last   time.Time
	open   int // answers under way
	leaked int64
}

func (l *line) heard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

func (l *line) silentFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.last)
}

// count notes that an answer begins or ends, and what was lost with it, and returns what there is then.
func (l *line) count(answers int, leaked int64) (open int, sum int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += answers
	l.leaked += leaked
	return l.open, l.leaked
}

// dialing is one attempt to connect, which all share that want a connection meanwhile.
type dialing struct {
	done  chan struct{}
	ended time.Time
	err   error
}

// New returns a Client.
func New(opts Options) *Client {
	c := &Client{opts: opts, slots: make(chan struct{}, maxOpen), spoiled: map[*line]struct{}{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Close ends the connection and what goes over it, and waits for the Client's goroutines.
func (c *Client) Close() {
	c.cancel()
	c.mu.Lock()
	lines := slices.Collect(maps.Keys(c.spoiled))
	if c.line != nil {
		lines = append(lines, c.line)
	}
	c.mu.Unlock()
	for _, l := range lines {
		l.Close()
	}
	c.wg.Wait()
}

// ended notes the end of an answer. left is what was not read of it, -1 when that is not known.
func (c *Client) ended(l *line, left int64) {
	if left < 0 || left > unread {
		left = unread
	}
	if !c.opts.Leaky {
		left = 0
	}
	open, leaked := l.count(-1, left)
	if leaked <= maxLeaked {
		return
	}
	c.mu.Lock()
	if c.line == l {
		c.line = nil
		c.spoiled[l] = struct{}{}
	}
	if open == 0 {
		delete(c.spoiled, l)
	}
	c.mu.Unlock()
	if open == 0 {
		l.Close()
	}
}

// Connected returns the connection, or nil when there is none at the moment.
func (c *Client) Connected() member.Conn {
	if l := c.current(); l != nil {
		return l.Conn
	}
	return nil
}

// Connect returns the connection, and makes one when there is none. Its error is the dialer's.
func (c *Client) Connect(ctx context.Context) (member.Conn, error) {
	l, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	return l.Conn, nil
}

func (c *Client) current() *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.currentLocked()
}

func (c *Client) currentLocked() *line {
	if c.line != nil {
		select {
		case <-c.line.Done():
			c.line = nil
		default:
		}
	}
	return c.line
}

func (c *Client) connect(ctx context.Context) (*line, error) {
	for {
		c.mu.Lock()
		if l := c.currentLocked(); l != nil {
			c.mu.Unlock()
			return l, nil
		}
		d := c.dialing
		if d == nil || !d.ended.IsZero() && (d.err == nil || time.Since(d.ended) > rest) {
			d = &dialing{done: make(chan struct{})}
			c.dialing = d
			c.wg.Go(func() { c.run(d) })
		}
		c.mu.Unlock()
		select {
		case <-d.done:
			if d.err != nil {
				return nil, d.err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// run dials, whoever of those that wait gives up meanwhile.
func (c *Client) run(d *dialing) {
	conn, err := c.opts.Dial(c.ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.ctx.Err() != nil {
		conn.Close()
		err = context.Cause(c.ctx)
	}
	if err == nil {
		c.line = &line{Conn: conn, last: time.Now()}
	}
	d.err, d.ended = err, time.Now()
	close(d.done)
}

// Do asks, and returns the head of the answer. A stream or connection that turns out to be dead is replaced, if
// asking twice does no harm. ctx bounds the body too.
//
// Besides the dialer's errors, those of Do have the codes offline and timeout, bad_message when the host's answer is
// not understood, invalid_value and too_large for what cannot be asked, limit_exceeded when too much is asked at once.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	text, err := r.append(nil)
	if err != nil {
		return nil, err
	}
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() { <-c.slots })
	for attempt := 1; ; attempt++ {
		l, err := c.connect(ctx)
		if err != nil {
			release()
			return nil, err
		}
		answer, err := c.ask(ctx, l, r.Method, text, release)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if ctx.Err() != nil || attempt == 3 || !repeatable(r.Method) || !passing(err) {
			release()
			return nil, err
		}
		if attempt == 2 { // it was not the stream alone
			l.Close()
		}
	}
}

// repeatable tells whether asking twice does no harm.
func repeatable(method string) bool { return method == "GET" || method == "HEAD" }

// passing tells whether another stream or connection may do what one did not.
func passing(err error) bool {
	return !errors.Is(err, wire.BadMessage) && !errors.Is(err, wire.NotSupported) && !errors.Is(err, wire.Timeout)
}

// acquire waits for a place among those under way.
func (c *Client) acquire(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	c.mu.Lock()
	full := c.waiting == maxWaiting
	if !full {
		c.waiting++
	}
	c.mu.Unlock()
	if full {
		return wire.E(wire.LimitExceeded, "too many requests at once")
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting--
	}()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ask sends a request on a stream of its own. release is called when the answer is over, if there is one.
func (c *Client) ask(ctx context.Context, l *line, method string, text []byte, release func()) (*Response, error) {
	limited, cancel := context.WithTimeoutCause(ctx, headTime, wire.E(wire.Timeout, "the host does not answer"))
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	answered := make(chan struct{})
	defer close(answered)
	wg.Go(func() { l.watch(answered) })

	stream, err := l.Open(limited, wire.SiteProtocol)
	if err != nil {
		return nil, err
	}
	l.count(1, 0)
	stop := context.AfterFunc(limited, func() { stream.Reset() })
	answer, err := l.talk(stream, method, text, func(left int64) {
		release()
		c.ended(l, left)
	})
	if !stop() && err != nil {
		err = context.Cause(limited)
	}
	if err != nil {
		stream.Reset()
		c.ended(l, -1)
		return nil, err
	}
	if body := answer.Body; !body.over {
		off := context.AfterFunc(ctx, func() { stream.Reset() })
		ended := body.ended
		body.ended = func(left int64) {
			off()
			ended(left)
		}
	}
	return answer, nil
}

// watch closes a connection that says nothing while an answer is waited for: it is as good as its last byte.
func (l *line) watch(answered <-chan struct{}) {
	asked := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-answered:
			return
		case <-tick.C:
			if time.Since(asked) > silence && l.silentFor() > silence {
				l.Close()
				return
			}
		}
	}
}

func (l *line) talk(stream link.Stream, method string, text []byte, ended func(left int64)) (*Response, error) {
	if _, err := stream.Write(text); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	return receive(stream, method, l.heard, ended)
}
