package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/multiformats/go-multistream"

	"goop/shared/link"
	"goop/shared/member"
	"goop/shared/wire"
)

// conn is one connection of a Dialer.
type conn struct {
	transport.CapableConn
	self, host wire.PeerID
	name       string
	done       chan struct{} // closed by refuse
	wg         sync.WaitGroup
	datagrams  link.Datagrams // nil when there are none
}

var (
	_ member.Conn      = (*conn)(nil)
	_ link.Datagrammer = (*conn)(nil)
)

func newConn(c transport.CapableConn, self, host wire.PeerID, name string) *conn {
	m := &conn{CapableConn: c, self: self, host: host, name: name, done: make(chan struct{})}
	m.wg.Go(m.refuse)
	m.datagrams = startPackets(packetConnOf(c), &m.wg)
	return m
}

// refuse resets what the host opens, such as identify, and notices the end of the connection.
func (c *conn) refuse() {
	defer close(c.done)
	for {
		s, err := c.AcceptStream()
		if err != nil {
			return
		}
		_ = s.Reset()
	}
}

func (c *conn) Self() wire.PeerID     { return c.self }
func (c *conn) Host() wire.PeerID     { return c.host }
func (c *conn) Transport() string     { return c.name }
func (c *conn) Done() <-chan struct{} { return c.done }

// Datagrams implements link.Datagrammer.
func (c *conn) Datagrams() link.Datagrams { return c.datagrams }

func (c *conn) Close() error {
	err := c.CapableConn.Close()
	c.wg.Wait()
	return err
}

func (c *conn) Open(ctx context.Context, proto string) (link.Stream, error) {
	ms, err := c.OpenStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", proto, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = ms.Reset() })
	err = multistream.SelectProtoOrFail(protocol.ID(proto), ms)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		return &stream{Stream: ms}, nil
	}
	_ = ms.Reset()
	if _, ok := errors.AsType[multistream.ErrNotSupported[protocol.ID]](err); ok {
		return nil, wire.E(wire.NotSupported, "the host does not speak ", proto)
	}
	return nil, fmt.Errorf("open %s: %w", proto, err)
}
