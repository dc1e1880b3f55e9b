package dial

import (
	"context"
	"errors"
	"sync"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
	"goop/wasm/internal/multistream"
)

// conn implements member.Conn over either transport.
type conn struct {
	session    Session
	self, host wire.PeerID
	transport  string

	// mu guards the following.
	mu      sync.Mutex
	doubted map[string]bool // protocols whose last stream ended before the host had agreed to it
}

var (
	_ member.Conn      = (*conn)(nil)
	_ link.Datagrammer = (*conn)(nil)
)

func newConn(s Session, self, host wire.PeerID, transport string) *conn {
	return &conn{session: s, self: self, host: host, transport: transport, doubted: map[string]bool{}}
}

// Open opens a stream without a wait for the host's consent, which a host of this project gives; only
// after a doubtful end of the last one does it wait. A protocol that the host does not speak is an
// error with code not_supported, of the first stream's Read or of the second one's Open.
func (c *conn) Open(ctx context.Context, protocol string) (link.Stream, error) {
	st, err := c.session.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	doubted := c.doubted[protocol]
	c.mu.Unlock()
	if !doubted {
		return multistream.Stream(st, protocol, func(err error) { c.answered(protocol, err) }), nil
	}
	stop := context.AfterFunc(ctx, func() { st.Reset() })
	err = multistream.Select(st, protocol)
	if !stop() && err != nil {
		err = context.Cause(ctx)
	}
	c.answered(protocol, err)
	if err != nil {
		st.Reset()
		return nil, err
	}
	return st, nil
}

// answered notes how the negotiation of a stream ended.
func (c *conn) answered(protocol string, err error) {
	if errors.Is(err, link.ErrClosed) {
		return // by ourselves, which says nothing of the host
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted[protocol] = err != nil
}

// Datagrams implements link.Datagrammer: there are some where the session is a link.Datagrammer too.
func (c *conn) Datagrams() link.Datagrams {
	if d, ok := c.session.(link.Datagrammer); ok {
		return d.Datagrams()
	}
	return nil
}

func (c *conn) Self() wire.PeerID     { return c.self }
func (c *conn) Host() wire.PeerID     { return c.host }
func (c *conn) Transport() string     { return c.transport }
func (c *conn) Done() <-chan struct{} { return c.session.Done() }
func (c *conn) Close() error          { return c.session.Close() }
