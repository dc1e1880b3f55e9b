package member

import (
	"context"
	"sync"
	"time"

	"goop/shared/jsontext"
	"goop/shared/link"
	"goop/shared/wire"
)

// JoinOptions says how a session joins its group.
type JoinOptions struct {
	Invite  string
	Meta    []byte // a JSON object: label, colour, …; at most wire.MaxMeta bytes
	Handler Handler
	// Text takes the place of Handler for a page, which parses JSON itself: it gets the Lines of the events as
	// one array, which is its own only until it returns.
	Text func(events []byte)
}

// Session is this member's part in one group. It joins again by itself after each loss, until it is
// left, the host ends it, or the member is closed.
type Session struct {
	m       *Member
	id      wire.GroupID
	handler Handler
	text    func(events []byte) // in the place of handler, or nil
	invite  string
	ctx     context.Context
	cancel  context.CancelCauseFunc
	joined  chan struct{} // closed by the first welcome, or the end
	done    chan struct{} // closed by the end
	work    chan struct{} // holds one token: the writer has something to do
	turn    chan struct{} // holds one token while the handler works

	// over tells that the handler has had its last event. Whoever has put the token into turn may use it.
	over bool

	// mu guards the following.
	mu       sync.Mutex
	host     wire.PeerID // of the latest connection
	stream   link.Stream // the current one, or nil
	live     bool        // it has had its welcome
	next     *connection // on which the group is being joined after a move, nil without one
	meta     []byte
	renewed  bool // meta has to be sent on this stream
	leaving  bool
	welcome  *wire.Welcome // the latest
	welcomed time.Time     // when it came
	position wire.Position
	from     wire.PeerID // who sent the latest message
	out      outbox
	err      *wire.Error // set at the end
	// datagrams are those of the connection, nil when the session has none there; number is the session's.
	datagrams link.Datagrams
	number    uint64
}

// Receipt is the host's word that an entry is in the group's log, as durable as the group is.
type Receipt struct {
	Seq  int64
	Time int64 // milliseconds, by the host's clock
}

// SendOptions say how a message travels. The zero value is an ordinary message to all.
type SendOptions struct {
	To wire.PeerID // only this peer gets it
	// Volatile messages are not kept, numbered or acknowledged. They are refused while there is no
	// connection, and the latest of a Key replaces those that wait.
	Volatile bool
	// Unreliable messages are volatile ones that travel in a datagram where that is possible: they may be
	// lost, and one that is overtaken by a later one of the same Key does not arrive. The payload is at
	// most the limit "datagram" of the welcome. They do not come back to the sender's own session.
	Unreliable bool
	Key        string
}

// Join joins a group and returns after the host's welcome; until then it waits for the connection. When
// ctx ends before, the group is left again. A member has one session in a group: while there is one, a
// second Join is refused with conflict, and Lookup has the first.
func (m *Member) Join(ctx context.Context, id wire.GroupID, opts JoinOptions) (*Session, error) {
	s, err := m.Open(id, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Joined(ctx); err != nil {
		s.abandon(asError(err, wire.Timeout))
		return nil, err
	}
	return s, nil
}

// Open is Join without the waiting: Joined tells how it went. What is sent meanwhile waits.
func (m *Member) Open(id wire.GroupID, opts JoinOptions) (*Session, error) {
	if !wire.ValidID(string(id)) {
		return nil, wire.E(wire.InvalidValue, `a group's id is 1 to 64 of a-z, A-Z, 0-9, "-", "_" and "."`)
	}
	meta, err := checkMeta(opts.Meta)
	if err != nil {
		return nil, err
	}
	s := &Session{
		m:       m,
		id:      id,
		handler: opts.Handler,
		text:    opts.Text,
		invite:  opts.Invite,
		meta:    meta,
		joined:  make(chan struct{}),
		done:    make(chan struct{}),
		work:    make(chan struct{}, 1),
		turn:    make(chan struct{}, 1),
	}
	s.out.init(m.opts.Outbox)
	if m.opts.Store != nil {
		s.out.keeper = newKeeper(m.newID())
	}
	s.ctx, s.cancel = context.WithCancelCause(m.ctx)

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return nil, asError(context.Cause(m.ctx), wire.Closed)
	}
	if m.sessions[id] != nil {
		return nil, wire.E(wire.Conflict, "this member has joined the group already")
	}
	m.sessions[id] = s
	m.wg.Go(s.run)
	signal(m.beat)
	return s, nil
}

// Lookup returns the session in a group, if there is one that has not ended.
func (m *Member) Lookup(id wire.GroupID) (*Session, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	return s, ok
}

// Group returns the group's id.
func (s *Session) Group() wire.GroupID { return s.id }

// Joined waits for the first welcome. Its error is the host's refusal, or that ctx ended.
func (s *Session) Joined(ctx context.Context) error {
	select {
	case <-s.joined:
	case <-ctx.Done():
		return gaveUp(ctx, "the group was not joined yet when its caller gave up")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.welcome == nil {
		return s.err
	}
	return nil
}

// Closed is closed when the session has ended; Err then says why.
func (s *Session) Closed() <-chan struct{} { return s.done }

// Err returns why the session ended, and nil before and after a Leave.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || s.leaving {
		return nil
	}
	return s.err
}

// Welcome returns the host's latest welcome, and nil before the first. Its You is kept up to date. It is not
// to be changed.
func (s *Session) Welcome() *wire.Welcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.welcome
}

// Waiting returns how many entries wait for the host's receipt, those of earlier page loads included that
// this session sends.
func (s *Session) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.count
}

// Position returns the place in the group's log up to which events were taken in.
func (s *Session) Position() wire.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position
}

// Post hands over a message and returns at once; Wait of what it returns tells what became of it.
// Messages reach the group in the order of the calls. Without a connection they wait for one.
func (s *Session) Post(payload []byte, opts SendOptions) (*Pending, error) {
	body, err := oneLine(payload, jsontext.Invalid, wire.MaxNesting, "the payload")
	if err != nil {
		return nil, err
	}
	if len(opts.Key) > wire.MaxID {
		return nil, wire.E(wire.InvalidValue, "a key is at most 64 bytes long")
	}
	f := wire.Frame{Type: wire.TypeMsg, Payload: body, To: opts.To, Key: opts.Key, Volatile: opts.Volatile}
	if opts.Unreliable {
		return s.postUnreliable(f)
	}
	return s.post(f)
}

// PostState hands over a merge patch (RFC 7396, a JSON object) for the group's state, in order with
// the messages. With ifSeq it is refused with conflict when an entry after *ifSeq has touched one of
// the patch's top-level keys.
func (s *Session) PostState(patch []byte, ifSeq *int64) (*Pending, error) {
	body, err := oneLine(patch, jsontext.Object, wire.MaxNesting, "the patch")
	if err != nil {
		return nil, err
	}
	f := wire.Frame{Type: wire.TypeState, Patch: body}
	if ifSeq != nil {
		n := *ifSeq
		f.IfSeq = &n
	}
	return s.post(f)
}

// PostRedact hands over that the content of the message at seq is to be taken away, from the group's log and
// from every page. It takes a place in the order as a message does.
func (s *Session) PostRedact(seq int64) (*Pending, error) {
	if seq <= 0 || seq > jsontext.MaxInt {
		return nil, wire.E(wire.InvalidValue, "redact takes the seq of a message, which is at least 1")
	}
	return s.post(wire.Frame{Type: wire.TypeMsg, Redact: seq})
}

// Send is Post and Wait.
func (s *Session) Send(ctx context.Context, payload []byte, opts SendOptions) (Receipt, error) {
	p, err := s.Post(payload, opts)
	if err != nil {
		return Receipt{}, err
	}
	return p.Wait(ctx)
}

// SetState is PostState and Wait.
func (s *Session) SetState(ctx context.Context, patch []byte, ifSeq *int64) (Receipt, error) {
	p, err := s.PostState(patch, ifSeq)
	if err != nil {
		return Receipt{}, err
	}
	return p.Wait(ctx)
}

// Update replaces the meta, for the roster of now and for later joins.
func (s *Session) Update(meta []byte) error {
	body, err := checkMeta(meta)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.meta, s.renewed = body, true
	signal(s.work)
	return nil
}

// Leave leaves the group: what was posted before goes out first, and the host's answers to it are
// waited for a little, when there is a connection. It returns when the session has ended; when ctx ends
// before, the session is cut off and the error says so.
func (s *Session) Leave(ctx context.Context) error {
	s.mu.Lock()
	live := s.live
	s.leaving = true
	s.mu.Unlock()
	s.m.forget(s)
	left := wire.E(wire.Closed, "the group was left")
	if !live {
		s.abandon(left)
	}
	signal(s.work)
	patience := time.NewTimer(leaveWait)
	defer patience.Stop()
	select {
	case <-s.done:
	case <-patience.C:
		s.abandon(left)
	case <-ctx.Done():
		s.abandon(left)
		<-s.done
		return gaveUp(ctx, "the group was left before everything was answered")
	}
	<-s.done
	return nil
}

// abandon ends the session without last words.
func (s *Session) abandon(why *wire.Error) {
	s.cancel(why)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		s.stream.Reset()
	}
}

// forget makes room for another session in the same group.
func (m *Member) forget(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.id] == s {
		delete(m.sessions, s.id)
		signal(m.beat)
	}
}

func checkMeta(meta []byte) ([]byte, error) {
	if len(meta) == 0 {
		return nil, nil
	}
	body, err := oneLine(meta, jsontext.Object, wire.MaxNesting, "the meta")
	if err != nil {
		return nil, err
	}
	if len(body) > wire.MaxMeta {
		return nil, wire.E(wire.TooLarge, "a meta is at most 1024 bytes long")
	}
	return body, nil
}
