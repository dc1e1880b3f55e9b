package node

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Why the gate refuses. The far end sees a closed connection, and go-libp2p's debug log the reason.
var (
	errShut        = errors.New("the host is shutting down")
	errAddressFull = errors.New("too many unauthenticated connections from this address")
	errFull        = errors.New("too many members are connected")
)

// gate is go-libp2p's resource manager with the three things that it cannot do: bound the connections
// of one address that are not authenticated, bound the authenticated ones of all, and shut the door
// without touching who is inside. (Closing a WebTransport listener closes its sessions.)
type gate struct {
	network.ResourceManager
	limits Limits

	// mu guards the following.
	mu      sync.Mutex
	closed  bool
	pending map[netip.Prefix]int // unauthenticated connections by address
	members int                  // authenticated connections
}

func newGate(l Limits) (*gate, error) {
	rm, err := newResources(l)
	if err != nil {
		return nil, err
	}
	return &gate{ResourceManager: rm, limits: l, pending: map[netip.Prefix]int{}}, nil
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// OpenConnection lets a connection in, or says why not.
func (g *gate) OpenConnection(dir network.Direction, usefd bool, endpoint ma.Multiaddr) (network.ConnManagementScope, error) {
	from := addressOf(endpoint)
	if err := g.arrive(from); err != nil {
		return nil, err
	}
	scope, err := g.ResourceManager.OpenConnection(dir, usefd, endpoint)
	if err != nil {
		g.depart(from, false)
		return nil, err
	}
	return &guest{ConnManagementScope: scope, gate: g, from: from}, nil
}

func (g *gate) arrive(from netip.Prefix) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errShut
	}
	if !from.IsValid() {
		return nil
	}
	if g.pending[from] >= g.limits.AddressPending {
		return errAddressFull
	}
	g.pending[from]++
	return nil
}

// depart ends what arrive began; member tells that it became a member, which goes on.
func (g *gate) depart(from netip.Prefix, member bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if member {
		g.members++
	}
	if !from.IsValid() {
		return
	}
	if g.pending[from]--; g.pending[from] <= 0 {
		delete(g.pending, from)
	}
}

func (g *gate) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.members >= g.limits.Connections
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members--
}

// addressOf returns what counts as one address, and the zero Prefix when it is without limits.
func addressOf(a ma.Multiaddr) netip.Prefix {
	ip, err := manet.ToIP(a)
	if err != nil {
		return netip.Prefix{}
	}
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Prefix{}
	}
	addr = addr.Unmap()
	for _, l := range loopback {
		if l.Contains(addr) {
			return netip.Prefix{}
		}
	}
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // cannot fail: the address is without zone and long enough
	return p
}

// guest is the scope of one connection: pending until SetPeer, then a member until Done.
type guest struct {
	network.ConnManagementScope
	gate *gate
	from netip.Prefix

	// mu guards the following.
	mu     sync.Mutex
	member bool
	gone   bool
}

// SetPeer is called once the far end has proved who it is.
func (c *guest) SetPeer(p peer.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.gate.full() {
		return errFull
	}
	if err := c.ConnManagementScope.SetPeer(p); err != nil {
		return err
	}
	if !c.member {
		c.member = true
		c.gate.depart(c.from, true)
	}
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
		c.gate.depart(c.from, false)
	}
	c.ConnManagementScope.Done()
}
