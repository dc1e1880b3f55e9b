// Package membertest is a network in memory between members and one host, for tests. It can refuse to
// connect, fall silent, carry datagrams, and be cut at any byte. It must not know what travels over it.
//
// Everything in it may be used from many goroutines. Close waits for the goroutines that serve streams.
package membertest

import (
	"context"
	"errors"
	"sync"
	"time"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// Net is one host with its network.
type Net struct {
	// Host is the peer id that the host proves.
	Host wire.PeerID
	// Serve works on one stream at the host's end, in a goroutine of its own, until it is over.
	Serve func(peer wire.PeerID, protocol string, s link.Stream)
	// Budget returns how many bytes, both ways together, a new connection of a peer carries until it is
	// cut; a negative number is no bound. Without it there is none.
	Budget func(peer wire.PeerID) int
	// Datagrams gives connections datagrams, which arrive in order; both ends of their streams, and the
	// member's Conn, are link.Datagrammers then.
	Datagrams bool
	// MaxPacket is the size of the largest datagram in bytes, 1,400 when it is 0.
	MaxPacket int

	// Better makes the Dialers climb: it is given what carries the present connection, and returns what carries
	// a better one, or why there is none. Without it nothing is better.
	Better func(now string) (transport string, err error)

	wg sync.WaitGroup

	// mu guards the following.
	mu     sync.Mutex
	climbs []time.Time
	down   error
	stuck  bool
	conns  map[*conn]bool
	dials  []time.Time
	busy   map[wire.PeerID]bool // a Dial is running
	twice  bool
}

// Dialer returns the dialer of one peer.
func (n *Net) Dialer(peer wire.PeerID) member.Dialer { return dialer{n, peer} }

type dialer struct {
	n    *Net
	peer wire.PeerID
}

// Dial implements member.Dialer.
func (d dialer) Dial(ctx context.Context) (member.Conn, error) {
	n := d.n
	n.mu.Lock()
	n.dials = append(n.dials, time.Now())
	down, stuck := n.down, n.stuck
	n.mu.Unlock()
	defer n.enter(d.peer)()
	if stuck {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if down != nil {
		return nil, down
	}
	return n.connect(d.peer, "memory"), nil
}

// Climb implements member.Climber.
func (d dialer) Climb(_ context.Context, now member.Conn) (member.Conn, error) {
	n := d.n
	if n.Better == nil {
		return nil, wire.E(wire.NotSupported, "nothing is better")
	}
	n.mu.Lock()
	n.climbs = append(n.climbs, time.Now())
	n.mu.Unlock()
	defer n.enter(d.peer)()
	transport, err := n.Better(now.Transport())
	if err != nil {
		return nil, err
	}
	return n.connect(d.peer, transport), nil
}

// enter notes that a peer dials, until what it returns is called.
func (n *Net) enter(peer wire.PeerID) (leave func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.twice = n.twice || n.busy[peer]
	if n.busy == nil {
		n.busy = map[wire.PeerID]bool{}
	}
	n.busy[peer] = true
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.busy[peer] = false
	}
}

func (n *Net) connect(peer wire.PeerID, transport string) *conn {
	c := &conn{n: n, peer: peer, transport: transport, done: make(chan struct{}), thaw: make(chan struct{}), budget: -1}
	if n.Budget != nil {
		c.budget = n.Budget(peer)
	}
	if n.Datagrams {
		c.near, c.far = newPackets(c), newPackets(c)
		c.near.to, c.far.to = c.far, c.near
		n.wg.Go(c.near.run)
		n.wg.Go(c.far.run)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		n.conns = map[*conn]bool{}
	}
	n.conns[c] = true
	return c
}

// Down lets every later Dial fail with err; nil lets them succeed again. Connections stay.
func (n *Net) Down(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = err
}

// Stick lets every later Dial wait until it is given up.
func (n *Net) Stick(stuck bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stuck = stuck
}

// Cut loses all connections.
func (n *Net) Cut() {
	for _, c := range n.open() {
		c.Close()
	}
}

// Freeze lets all connections fall silent: nothing arrives any more, and nobody is told.
func (n *Net) Freeze() {
	for _, c := range n.open() {
		c.freeze()
	}
}

// Conns returns how many connections there are.
func (n *Net) Conns() int { return len(n.open()) }

// Dials returns when Dial was called, and whether a peer ever had two running at once.
func (n *Net) Dials() (at []time.Time, twice bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append(at, n.dials...), n.twice
}

// Climbs returns when Climb was called with a Better.
func (n *Net) Climbs() (at []time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append(at, n.climbs...)
}

// Close loses all connections and waits until every Serve has returned.
func (n *Net) Close() {
	n.Cut()
	n.wg.Wait()
}

func (n *Net) open() []*conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	var cs []*conn
	for c := range n.conns {
		cs = append(cs, c)
	}
	return cs
}

type conn struct {
	n         *Net
	peer      wire.PeerID
	transport string
	done      chan struct{}
	thaw      chan struct{} // closed when a frozen connection is closed

	near, far *packets // the member's and the host's; nil without datagrams

	// mu guards the following.
	mu      sync.Mutex
	closed  bool
	frozen  bool
	budget  int
	streams []link.Stream // the host's ends
}

var _ member.Conn = (*conn)(nil)

func (c *conn) Open(ctx context.Context, protocol string) (link.Stream, error) {
	near, far := link.Pipe(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, wire.E(wire.Offline, "the connection is lost")
	}
	c.streams = append(c.streams, far)
	c.n.wg.Go(func() { c.n.Serve(c.peer, protocol, hostStream{far, c}) })
	return &stream{near, c}, nil
}

// Datagrams implements link.Datagrammer.
func (c *conn) Datagrams() link.Datagrams { return c.near.orNone() }

// hostStream is the host's end.
type hostStream struct {
	link.Stream
	c *conn
}

func (s hostStream) Datagrams() link.Datagrams { return s.c.far.orNone() }

func (c *conn) Self() wire.PeerID     { return c.peer }
func (c *conn) Host() wire.PeerID     { return c.n.Host }
func (c *conn) Transport() string     { return c.transport }
func (c *conn) Done() <-chan struct{} { return c.done }

func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked()
	return nil
}

func (c *conn) closeLocked() {
	if c.closed {
		return
	}
	c.closed = true
	close(c.done)
	close(c.thaw)
	for _, s := range c.streams {
		_ = s.Reset()
	}
	c.n.mu.Lock()
	delete(c.n.conns, c)
	c.n.mu.Unlock()
}

func (c *conn) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = true
}

func (c *conn) isFrozen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frozen
}

// spend takes n bytes from the budget and returns how many of them still pass. Where that is fewer,
// cut has to be called once they have.
func (c *conn) spend(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budget < 0 {
		return n
	}
	pass := min(n, c.budget)
	c.budget -= pass
	return pass
}

// stream is the member's end.
type stream struct {
	link.Stream
	c *conn
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if s.c.isFrozen() && !errors.Is(err, link.ErrDeadline) {
		<-s.c.thaw
		return 0, link.ErrReset
	}
	if pass := s.c.spend(n); pass < n {
		s.c.Close()
		if pass == 0 {
			return 0, link.ErrReset
		}
		return pass, nil
	}
	return n, err
}

func (s *stream) Write(p []byte) (int, error) {
	if s.c.isFrozen() {
		return len(p), nil
	}
	if pass := s.c.spend(len(p)); pass < len(p) {
		n, err := s.Stream.Write(p[:pass])
		s.c.Close()
		if err == nil {
			err = link.ErrReset
		}
		return n, err
	}
	return s.Stream.Write(p)
}
