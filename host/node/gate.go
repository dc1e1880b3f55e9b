package node

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/quic-go/quic-go"
)

// Why the gate refuses. The far end sees a closed connection, and go-libp2p's debug log the reason.
var (
	errShut        = errors.New("the host is shutting down")
	errAddressFull = errors.New("too many unauthenticated connections from this address")
	errBrought     = errors.New("too many connections from this address")
	errFull        = errors.New("too many members are connected")
	errLate        = errors.New("the connection has ended or has a member already")
)

// gate is go-libp2p's resource manager with the three things that it cannot do: bound the connections
// of one address that are not authenticated, bound the authenticated ones of all, and shut the door
// without touching who is inside. (Closing a WebTransport listener closes its sessions.)
type gate struct {
	network.ResourceManager
	limits Limits
	exempt []netip.Prefix // nets without limits per address

	// mu guards the following.
	mu      sync.Mutex
	closed  bool
	pending map[netip.Prefix]int // unauthenticated connections by address, and by IPv6 /48 net
	members int                  // authenticated connections
	brought map[netip.Prefix]int // connections that proxies have brought, the same by the visitors' addresses
}

func newGate(l Limits, proxies []netip.Prefix) (*gate, error) {
	exempt := append(slices.Clone(loopback), proxies...)
	rm, err := newResources(l, exempt)
	if err != nil {
		return nil, err
	}
	return &gate{ResourceManager: rm, limits: l, exempt: exempt, pending: map[netip.Prefix]int{}, brought: map[netip.Prefix]int{}}, nil
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// OpenConnection lets a connection in, or says why not.
func (g *gate) OpenConnection(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (network.ConnManagementScope, error) {
	from := g.addressOf(endpoint)
	if err := g.arrive(from); err != nil {
		return nil, err
	}
	scope, err := g.ResourceManager.OpenConnection(dir, usefd, endpoint)
	if err != nil {
		g.depart(from)
		return nil, err
	}
	return &guest{ConnManagementScope: scope, gate: g, from: from}, nil
}

func (g *gate) arrive(from origin) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errShut
	}
	if g.pending[from.address] >= g.limits.AddressPending || g.pending[from.net] >= min(4*g.limits.AddressPending, g.limits.Pending/2) {
		return errAddressFull
	}
	for _, p := range []netip.Prefix{from.address, from.net} {
		if p.IsValid() {
			g.pending[p]++
		}
	}
	return nil
}

// depart ends what arrive began: the connection is no longer pending.
func (g *gate) depart(from origin) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range []netip.Prefix{from.address, from.net} {
		if g.pending[p]--; g.pending[p] <= 0 {
			delete(g.pending, p)
		}
	}
}

// bring makes room for a connection of a visitor whom a proxy brings, or reports that there is none; takeAway must
// follow. It is what the resource manager does for those who come by themselves.
func (g *gate) bring(from origin) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.brought[from.address] >= g.limits.AddressConnections || g.brought[from.net] >= 4*g.limits.AddressConnections {
		return false
	}
	for _, p := range []netip.Prefix{from.address, from.net} {
		if p.IsValid() {
			g.brought[p]++
		}
	}
	return true
}

func (g *gate) takeAway(from origin) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range []netip.Prefix{from.address, from.net} {
		if g.brought[p]--; g.brought[p] <= 0 {
			delete(g.brought, p)
		}
	}
}

// enroll makes room for a member, or reports that there is none; leave must follow.
func (g *gate) enroll() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members >= g.limits.Connections {
		return false
	}
	g.members++
	return true
}

// connections is the number of members.
func (g *gate) connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members--
}

// origin is where a connection comes from. A zero Prefix is without limits.
type origin struct {
	address netip.Prefix // what counts as one address
	net     netip.Prefix // of an IPv6 address: who has a line of his own may have all the addresses of it
}

// addressOf returns where an address counts, which is nowhere when it is without limits.
func (g *gate) addressOf(a ma.Multiaddr) (o origin) {
	ip, err := manet.ToIP(a)
	if err != nil {
		return o
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return o
	}
	return g.originOf(addr.Unmap())
}

// originOf is addressOf for an address as such.
func (g *gate) originOf(addr netip.Addr) (o origin) {
	for _, l := range g.exempt {
		if l.Contains(addr) {
			return o
		}
	}
	// These cannot fail: the address is without zone and long enough.
	if addr.Is4() {
		o.address, _ = addr.Prefix(32)
		return o
	}
	o.address, _ = addr.Prefix(64)
	o.net, _ = addr.Prefix(48)
	return o
}

// guest is the scope of one connection: pending until SetPeer, then a member until Done.
type guest struct {
	network.ConnManagementScope
	gate *gate
	from origin

	// mu guards the following.
	mu     sync.Mutex
	member bool
	gone   bool
}

// SetPeer is called when the far end has proved who it is.
func (c *guest) SetPeer(p peer.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.member {
		return errLate
	}
	if !c.gate.enroll() {
		return errFull
	}
	if err := c.ConnManagementScope.SetPeer(p); err != nil {
		c.gate.leave()
		return err
	}
	c.member = true
	c.gate.depart(c.from)
	return nil
}

// Done is called at least once when the connection has ended.
func (c *guest) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.gone = true
	if c.member {
		c.gate.leave()
	} else {
		c.gate.depart(c.from)
	}
	c.ConnManagementScope.Done()
}

// quicManager makes the part of go-libp2p that QUIC and WebTransport share. It differs from the stock
// one in what a connection's scope outlives: there, a second WebTransport session that fails ends the
// scope of a connection that goes on, and a stranger could hold as many as he likes.
func (g *gate) quicManager(key crypto.PrivKey, more ...quicreuse.Option) (*quicreuse.ConnManager, error) {
	reset, err := config.PrivKeyToStatelessResetKey(key)
	if err != nil {
		return nil, err
	}
	token, err := config.PrivKeyToTokenGeneratorKey(key)
	if err != nil {
		return nil, err
	}
	return quicreuse.NewConnManager(reset, token, append(more,
		quicreuse.ConnContext(func(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
			addr, err := quicreuse.ToQuicMultiaddr(info.RemoteAddr, quic.Version1)
			if err != nil {
				return ctx, err
			}
			scope, err := g.OpenConnection(network.DirInbound, false, addr)
			if err != nil {
				return ctx, err
			}
			context.AfterFunc(ctx, scope.Done)
			return network.WithConnManagementScope(ctx, lasting{scope}), nil
		}),
		quicreuse.VerifySourceAddress(g.VerifySourceAddress),
	)...)
}

// lasting is a scope that ends with its connection and not before.
type lasting struct{ network.ConnManagementScope }

func (lasting) Done() {}
