package node

import (
	"errors"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

func newTestGate(t *testing.T, l Limits) *gate {
	t.Helper()
	g, err := newGate(l.withDefaults(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// knock opens a connection from an address.
func knock(g *gate, addr string) (network.ConnManagementScope, error) {
	return g.OpenConnection(network.DirInbound, false, ma.StringCast(addr+"/udp/1/quic-v1"))
}

func admit(t *testing.T, s network.ConnManagementScope) {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPeer(k.id); err != nil {
		t.Fatal(err)
	}
}

// TestGateBoundsPending checks that one address has a bounded number of connections that have not
// proved who they are, that members do not count, and that other addresses do not suffer.
func TestGateBoundsPending(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{AddressPending: 3})
	var scopes []network.ConnManagementScope
	for range 3 {
		s, err := knock(g, "/ip4/192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		scopes = append(scopes, s)
	}
	if _, err := knock(g, "/ip4/192.0.2.1"); !errors.Is(err, errAddressFull) {
		t.Errorf("the fourth: got %v, want errAddressFull", err)
	}
	for _, other := range []string{"/ip4/192.0.2.2", "/ip6/2001:db8::1", "/ip4/127.0.0.1", "/ip6/::1"} {
		if _, err := knock(g, other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
	admit(t, scopes[0]) // makes room
	scopes[1].Done()    // so does this, once
	scopes[1].Done()
	for i, want := range []error{nil, nil, errAddressFull} {
		if _, err := knock(g, "/ip4/192.0.2.1"); !errors.Is(err, want) {
			t.Errorf("after one became a member and one left, number %d: got %v, want %v", i, err, want)
		}
	}
}

// TestGateIPv6 checks that a /64 counts as one address, for anybody at home has one.
func TestGateIPv6(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{AddressPending: 2})
	for i, want := range []error{nil, nil, errAddressFull} {
		if _, err := knock(g, fmt.Sprintf("/ip6/2001:db8::%x", i+1)); !errors.Is(err, want) {
			t.Errorf("number %d: got %v, want %v", i, err, want)
		}
	}
	if _, err := knock(g, "/ip6/2001:db8:0:1::1"); err != nil {
		t.Errorf("the next net: %v", err)
	}
}

// TestGateBoundsPendingOfAWideNet checks that somebody with many /64 nets, as providers give them out,
// cannot take all the room that there is for those who come in.
func TestGateBoundsPendingOfAWideNet(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{AddressPending: 4, Pending: 16})
	var scopes []network.ConnManagementScope
	for i := range 64 {
		if s, err := knock(g, fmt.Sprintf("/ip6/2001:db8:0:%x::1", i)); err == nil {
			scopes = append(scopes, s)
		} else if !errors.Is(err, errAddressFull) {
			t.Errorf("number %d: got %v, want errAddressFull", i, err)
		}
	}
	if len(scopes) != 8 {
		t.Errorf("one /48 got %d of the 16 places, want 8", len(scopes))
	}
	if _, err := knock(g, "/ip6/2001:db8:1::1"); err != nil {
		t.Errorf("another /48: %v", err)
	}
	for _, s := range scopes {
		s.Done()
	}
	if len(g.pending) != 2 { // those of the other one
		t.Errorf("%d nets are remembered, want 2", len(g.pending))
	}
}

// TestGateBoundsMembers checks the number of all members, and that one who leaves makes room.
func TestGateBoundsMembers(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{Connections: 2})
	open := func() network.ConnManagementScope {
		t.Helper()
		s, err := knock(g, "/ip4/127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, second, third := open(), open(), open()
	admit(t, first)
	admit(t, second)
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := third.SetPeer(k.id); !errors.Is(err, errFull) {
		t.Errorf("one member too many: got %v, want errFull", err)
	}
	first.Done()
	admit(t, third)
	if g.members != 2 {
		t.Errorf("members: got %d, want 2", g.members)
	}
}

// TestGateBoundsConnections checks the numbers that go-libp2p keeps for us.
func TestGateBoundsConnections(t *testing.T) {
	t.Parallel()
	t.Run("of one address", func(t *testing.T) {
		t.Parallel()
		g := newTestGate(t, Limits{AddressConnections: 5})
		for i := range 6 {
			s, err := knock(g, "/ip4/192.0.2.1")
			if (err != nil) != (i == 5) {
				t.Fatalf("connection %d: %v", i, err)
			}
			if err == nil {
				admit(t, s)
			}
		}
	})
	t.Run("rate of one address", func(t *testing.T) {
		t.Parallel()
		g := newTestGate(t, Limits{AddressConnections: 20, AddressRate: 1})
		refused := 0
		for range 30 {
			s, err := knock(g, "/ip4/192.0.2.1")
			if err != nil {
				refused++
				continue
			}
			s.Done()
		}
		if refused < 8 || refused > 10 { // one or two may have been earned meanwhile
			t.Errorf("of 30 connections one after the other %d were refused, want about 10", refused)
		}
	})
	t.Run("of one peer", func(t *testing.T) {
		t.Parallel()
		g := newTestGate(t, Limits{PeerConnections: 3})
		k, err := NewKey()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			s, err := knock(g, "/ip4/127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetPeer(k.id); (err != nil) != (i == 3) {
				t.Errorf("connection %d: %v", i, err)
			}
		}
	})
	t.Run("all that are pending", func(t *testing.T) {
		t.Parallel()
		g := newTestGate(t, Limits{Pending: 3})
		for i := range 4 {
			if _, err := knock(g, fmt.Sprintf("/ip4/192.0.2.%d", i+1)); (err != nil) != (i == 3) {
				t.Errorf("connection %d: %v", i, err)
			}
		}
	})
}

func TestGateShut(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{})
	s, err := knock(g, "/ip4/192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	g.shut()
	if _, err := knock(g, "/ip4/192.0.2.1"); !errors.Is(err, errShut) {
		t.Errorf("a newcomer: got %v, want errShut", err)
	}
	admit(t, s) // who is inside goes on
	s.Done()
}

// TestGateHolds checks the defaults against what they promise: a class of 200 behind one address with
// all that a browser opens, and 10,000 members in all.
func TestGateHolds(t *testing.T) {
	t.Parallel()
	g := newTestGate(t, Limits{})
	for range 200 * 7 { // six for HTTP, one for the member
		if _, err := knock(g, "/ip4/192.0.2.1"); err != nil {
			t.Fatal("a class at one address:", err)
		}
	}
	for i := range 10_000 {
		s, err := knock(g, fmt.Sprintf("/ip4/10.%d.%d.1", i>>8, i&255))
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
		admit(t, s)
	}
}
