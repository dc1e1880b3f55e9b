package member

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"goop/shared/wire"
)

// Options says how a Member works. Only Dialer is required.
type Options struct {
	Dialer Dialer
	// OnStatus is told of each change of the status but those of RTT. It must not call Close.
	OnStatus func(Status)
	// Session is this page load's id; random when empty.
	Session wire.SessionID
	// Rand gives ids and jitter; crypto/rand's Reader when nil, but in a browser's program, which has none,
	// it must be given. It has to be safe for use from many goroutines, and must not fail.
	Rand io.Reader
	// Outbox bounds what may wait to be acknowledged; the zero value means its defaults.
	Outbox OutboxLimits
	// Store keeps what waits in the outboxes of durable groups for the next visit; nil when memory is to
	// be enough.
	Store Store
	// OnWarn is told what somebody should know who looks into why something was lost. It must not call
	// the member.
	OnWarn func(message string)
}

// OutboxLimits bounds what one session, and the data requests of one member, keep in memory while they
// wait for the host. Over it is outbox_full.
type OutboxLimits struct {
	Count int // default 1,000
	Bytes int // default 4 MiB
}

// State is the state of a member's connection.
type State string

const (
	Connecting State = "connecting" // the first connection is on its way
	Online     State = "online"
	Offline    State = "offline" // the connection was lost, or the first try failed; it tries again
	Closed     State = "closed"  // for good: Close was called, or the host is not the expected one
)

// Status tells how a member stands.
type Status struct {
	State     State
	Transport string      // of the connection, while online
	Self      wire.PeerID // this member's id, once it has been connected
	Host      wire.PeerID // the host's, once it has been connected
	// RTT is the time that the latest heartbeat took, 0 before the first. It holds while online.
	RTT time.Duration
	// Err is why the member is not online: of the latest try or loss, or of its end. It is nil while
	// online and before the first try has failed.
	Err *wire.Error
}

// Member keeps one connection to one host, and the sessions and data requests on it.
type Member struct {
	opts    Options
	session wire.SessionID
	ctx     context.Context
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup
	start   sync.Once
	wake    chan struct{} // holds one token: try now
	beat    chan struct{} // holds one token: the heartbeat's interval may have changed
	clock   clock
	desk    desk
	// datagrams is the number of the last datagram of any session: they never go back, also when a group
	// is joined anew.
	datagrams atomic.Uint64
	broken    atomic.Bool // the store has failed
	tooMuch   atomic.Bool // and this was told: there is more than the store may have

	// The goroutine that runs the member has the following, and while it serves a connection, that one's relieve.
	running    *try          // begun beside a connection that is over now
	climbBound time.Duration // of the wait for the latest climb

	// statusMu is held while OnStatus runs, so that the calls come in order.
	statusMu sync.Mutex

	// mu guards the following.
	mu       sync.Mutex
	status   Status
	current  *connection
	changed  chan struct{} // closed and replaced whenever current changes
	visible  bool
	sessions map[wire.GroupID]*Session
	dialing  time.Time               // when the running attempt began
	giveUp   context.CancelCauseFunc // ends the running attempt; nil while there is none
}

// New returns a member that waits for Start. Sessions may be opened and requests made before.
func New(opts Options) *Member {
	if opts.Rand == nil {
		opts.Rand = defaultRand
	}
	if opts.Outbox.Count <= 0 {
		opts.Outbox.Count = defaultOutboxCount
	}
	if opts.Outbox.Bytes <= 0 {
		opts.Outbox.Bytes = defaultOutboxBytes
	}
	m := &Member{
		opts:     opts,
		session:  opts.Session,
		wake:     make(chan struct{}, 1),
		beat:     make(chan struct{}, 1),
		status:   Status{State: Connecting},
		changed:  make(chan struct{}),
		visible:  true,
		sessions: map[wire.GroupID]*Session{},
	}
	if m.session == "" {
		m.session = wire.SessionID(m.newID())
	}
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	m.clock.begin()
	m.desk.init(m)
	return m
}

// Start begins to connect. A second call does nothing.
func (m *Member) Start() {
	m.start.Do(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.ctx.Err() == nil {
			m.wg.Go(m.run)
		}
	})
}

// Close ends the connection, all sessions and all requests, and waits for them. What waits for the
// host gets an error with code closed. The host keeps the member's place for its grace; Leave first
// where that matters.
func (m *Member) Close() {
	m.mu.Lock() // Open and Start begin goroutines under it, so none begins behind Wait
	m.cancel(errClosed)
	m.mu.Unlock()
	m.wg.Wait()
	m.retire()
}

// retire ends the data requests and tells the end, when there is no goroutine left that would.
func (m *Member) retire() {
	err := asError(context.Cause(m.ctx), wire.Closed)
	m.desk.end(err)
	m.setStatus(func(s *Status) {
		if s.State != Closed {
			*s = Status{State: Closed, Self: s.Self, Host: s.Host, Err: err}
		}
	})
}

// Status returns how the member stands.
func (m *Member) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Session returns the id that names this member's sessions in all groups.
func (m *Member) Session() wire.SessionID { return m.session }

// Now returns the host's clock in milliseconds, and the largest amount by which that may be wrong. It
// does not go backwards, unless the host's clock was set back by more than a second. Before the first
// heartbeat it is this machine's clock, and within is negative.
func (m *Member) Now() (ms int64, within time.Duration) { return m.clock.now(time.Now()) }

// Wake tells that the network or the page has come back: an offline member tries at once, and one that
// is online finds out at once whether it still is, and soon whether there is a better way.
func (m *Member) Wake() {
	m.mu.Lock()
	if m.giveUp != nil && time.Since(m.dialing) > staleDial {
		m.giveUp(errStale)
	}
	if m.current != nil {
		signal(m.current.hurry)
	}
	m.mu.Unlock()
	signal(m.wake)
}

// SetVisible tells whether somebody looks at the page (so it is at first): it sets the pace of the
// heartbeat. Becoming visible is a Wake too.
func (m *Member) SetVisible(visible bool) {
	m.mu.Lock()
	came := visible && !m.visible
	m.visible = visible
	m.mu.Unlock()
	if came {
		m.Wake()
	} else {
		signal(m.beat)
	}
	if !visible {
		m.Flush()
	}
}

// setStatus changes the status and tells OnStatus when something other than RTT is new.
func (m *Member) setStatus(change func(*Status)) {
	m.statusMu.Lock()
	defer m.statusMu.Unlock()
	m.mu.Lock()
	before := m.status
	change(&m.status)
	after := m.status
	m.mu.Unlock()
	before.RTT = after.RTT
	if m.opts.OnStatus != nil && after != before {
		m.opts.OnStatus(after)
	}
}

// drain takes the token out of a channel, if there is one in it.
func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// signal puts a token into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
