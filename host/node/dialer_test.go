package node_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"goop/host/node"
	"goop/shared/wire"
)

// TestDialerWrongHost checks both lies: a descriptor that names another host than the expected one, and
// a host that cannot prove to be whom the descriptor names.
func TestDialerWrongHost(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	somebody := newKey(t).Peer()
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			dial := func(d wire.Descriptor, host wire.PeerID) error {
				t.Helper()
				dialer, err := node.NewDialer(node.DialerOptions{Descriptor: always(d), Host: host, Transport: tr})
				if err != nil {
					t.Fatal(err)
				}
				defer dialer.Close()
				c, err := dialer.Dial(ctx)
				if err == nil {
					_ = c.Close()
				}
				return err
			}
			honest := n.Descriptor("", false)
			if err := dial(honest, somebody); !errors.Is(err, wire.WrongHost) {
				t.Errorf("another host than expected: got %v, want wrong_host", err)
			}
			lie := honest
			lie.Peer = somebody
			if err := dial(lie, ""); !errors.Is(err, wire.WrongHost) {
				t.Errorf("a host that is not whom the descriptor names: got %v, want wrong_host", err)
			}
			if err := dial(honest, n.Peer()); err != nil {
				t.Errorf("the right host: %v", err)
			}
		})
	}
}

// TestDialerKeepsToItsHost checks that the first descriptor decides when no host was given.
func TestDialerKeepsToItsHost(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	first, second := openHost(t, node.Options{}, nil), openHost(t, node.Options{}, nil)
	now := first
	d, err := node.NewDialer(node.DialerOptions{Transport: node.QUIC,
		Descriptor: func(context.Context) (wire.Descriptor, error) { return now.Descriptor("", false), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := dial(t, ctx, d)
	_ = c.Close()
	now = second
	if _, err := d.Dial(ctx); !errors.Is(err, wire.WrongHost) {
		t.Errorf("another host in the same place: got %v, want wrong_host", err)
	}
}

// TestDialerCertHash checks that a certificate whose hash is not in the descriptor is refused, and so is
// a hash that the host does not sign although its certificate is right.
func TestDialerCertHash(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	good := n.Descriptor("", false).WebTransport[0].CertHashes
	bad := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name   string
		hashes []string
		ok     bool
	}{
		{"another certificate's", []string{bad}, false},
		{"one that the host does not sign beside the right one", []string{good[0], bad}, false},
		{"none", nil, false},
		{"the current one alone", good[:1], true},
		{"both", good, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			desc := n.Descriptor("", false)
			desc.WebTransport[0].CertHashes = tt.hashes
			d, err := node.NewDialer(node.DialerOptions{Descriptor: always(desc), Transport: node.WebTransport})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			c, err := d.Dial(testContext(t))
			if err == nil {
				defer c.Close()
			}
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want success: %t", err, tt.ok)
			}
		})
	}
}

func TestDialerRefuses(t *testing.T) {
	t.Parallel()
	if _, err := node.NewDialer(node.DialerOptions{Descriptor: always(wire.Descriptor{}), Transport: "carrier pigeon"}); err == nil {
		t.Error("got a dialer for a transport that there is not")
	}
	if _, err := node.NewDialer(node.DialerOptions{Transport: node.QUIC}); err == nil {
		t.Error("got a dialer that does not know whom to dial")
	}
	n := openHost(t, node.Options{Listen: "127.0.0.1:0"}, nil) // no native TCP
	if _, err := newDialer(t, n, node.TCP).Dial(testContext(t)); !errors.Is(err, wire.NotSupported) {
		t.Errorf("native TCP of a host without: got %v, want not_supported", err)
	}
	for _, desc := range []wire.Descriptor{
		{Peer: "nobody"},
		{Peer: n.Peer(), WebSocket: []string{"ws://127.0.0.1:port/"}},
		{Peer: n.Peer(), WebSocket: []string{"::"}},
		{Peer: n.Peer(), WebSocket: []string{"ws:///"}},
	} {
		d, err := node.NewDialer(node.DialerOptions{Descriptor: always(desc), Transport: node.WebSocket})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.Dial(testContext(t)); err == nil {
			t.Errorf("descriptor %+v: got a connection", desc)
		}
	}
}

func TestOpenUnknownProtocol(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			c := dial(t, ctx, newDialer(t, n, tr))
			if _, err := c.Open(ctx, "/goop/none/1.0.0"); !errors.Is(err, wire.NotSupported) {
				t.Errorf("got %v, want not_supported", err)
			}
			over, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := c.Open(over, echoProtocol); err == nil {
				t.Error("opened a stream with a context that has ended")
			}
			s, err := c.Open(ctx, echoProtocol)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, s, "the connection goes on")
		})
	}
}

// TestNobodyHome checks that a dial where nothing listens ends with its context at the latest.
func TestNobodyHome(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	desc := n.Descriptor("", false)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tr := range transports {
		t.Run(tr, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			d, err := node.NewDialer(node.DialerOptions{Descriptor: always(desc), Transport: tr})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if _, err := d.Dial(ctx); err == nil {
				t.Error("connected to a host that has closed")
			}
		})
	}
}

// TestDialerFindsAWay checks what an automatic dialer takes: UDP where it works, whatever else stands in the
// descriptor; TCP where UDP is silent or refused; and each address, not only the first.
func TestDialerFindsAWay(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	honest := n.Descriptor("", false)
	silent := silentPort(t)
	closed := "127.0.0.1:1"
	at := func(network, addr, rest string) string {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		return "/ip4/" + host + "/" + network + "/" + port + rest + "/p2p/" + string(n.Peer())
	}
	only := func(parts ...string) (list []string) {
		for _, a := range honest.Addrs {
			for _, p := range parts {
				if strings.HasSuffix(a, p+"/p2p/"+string(n.Peer())) {
					list = append(list, a)
				}
			}
		}
		return list
	}
	for _, tt := range []struct {
		name string
		desc wire.Descriptor
		want string
	}{
		{"all", honest, node.QUIC},
		{"WebTransport and WebSocket alone, as a page would", wire.Descriptor{WebTransport: honest.WebTransport, WebSocket: honest.WebSocket}, node.WebTransport},
		{"UDP is silent", wire.Descriptor{Addrs: []string{at("udp", silent, "/quic-v1")}, WebSocket: honest.WebSocket}, node.WebSocket},
		{"UDP is silent, and WebSocket too", wire.Descriptor{
			Addrs: append(only("/tcp/"+portOf(t, honest)), at("udp", silent, "/quic-v1")), WebSocket: []string{"ws://" + closed + "/"}}, node.TCP},
		{"the first address is silent", wire.Descriptor{Addrs: append([]string{at("udp", silent, "/quic-v1")}, only("/quic-v1")...)}, node.QUIC},
		{"the first WebSocket is closed", wire.Descriptor{WebSocket: []string{"ws://" + closed + "/", honest.WebSocket[0]}}, node.WebSocket},
		{"a name", wire.Descriptor{Addrs: []string{strings.Replace(only("/quic-v1")[0], "/ip4/127.0.0.1/", "/dns4/localhost/", 1)}}, node.QUIC},
		{"addresses of a time to come", wire.Descriptor{Addrs: append([]string{"/carrier/pigeon"}, only("/quic-v1")...), WebSocket: []string{"::"}}, node.QUIC},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.desc.Peer = n.Peer()
			d, err := node.NewDialer(node.DialerOptions{Descriptor: always(tt.desc), Host: n.Peer()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			ctx := testContext(t)
			c := dial(t, ctx, d)
			if c.Transport() != tt.want {
				t.Errorf("got %s, want %s", c.Transport(), tt.want)
			}
			s, err := c.Open(ctx, echoProtocol)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, s, "over "+tt.want)
		})
	}
}

// TestDialerFurtherAddress checks that another host at a further address does not count, while its own address
// is only out of reach.
func TestDialerFurtherAddress(t *testing.T) {
	t.Parallel()
	other := openHost(t, node.Options{}, nil)
	host := newKey(t).Peer()
	d, err := node.NewDialer(node.DialerOptions{Host: host, Descriptor: always(wire.Descriptor{Peer: host,
		WebSocket: []string{"ws://127.0.0.1:1/", other.Descriptor("", false).WebSocket[0]}})})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Dial(testContext(t)); err == nil || errors.Is(err, wire.WrongHost) {
		t.Errorf("got %v, want an error that is not the last", err)
	}
}

// silentPort is a UDP address that takes everything and never answers.
func silentPort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// portOf is the port of native TCP, which no other address ends with.
func portOf(t *testing.T, d wire.Descriptor) string {
	t.Helper()
	for _, a := range d.Addrs {
		rest, _, _ := strings.Cut(a, "/p2p/")
		if _, port, ok := strings.Cut(rest, "/tcp/"); ok && !strings.Contains(port, "/") {
			return port
		}
	}
	t.Fatal("the host has no native TCP")
	return ""
}

// TestDialerClimbs checks that UDP is tried alone, and only where it would be better than what there is.
func TestDialerClimbs(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	ctx := testContext(t)
	full := n.Descriptor("", false)
	now := wire.Descriptor{Peer: n.Peer(), WebSocket: full.WebSocket, Addrs: []string{"/ip4/127.0.0.1/udp/1/quic-v1"}}
	d, err := node.NewDialer(node.DialerOptions{Descriptor: func(context.Context) (wire.Descriptor, error) { return now, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	low := dial(t, ctx, d)
	if low.Transport() != node.WebSocket {
		t.Fatalf("got %s, want websocket", low.Transport())
	}
	now = full
	high, err := d.Climb(ctx, low)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = high.Close() })
	if high.Transport() != node.QUIC {
		t.Errorf("climbed to %s, want quic", high.Transport())
	}
	if _, err := d.Climb(ctx, high); !errors.Is(err, wire.NotSupported) {
		t.Errorf("from the top: got %v, want not_supported", err)
	}
	alone := newDialer(t, n, node.WebSocket)
	if _, err := alone.Climb(ctx, low); !errors.Is(err, wire.NotSupported) {
		t.Errorf("a dialer for WebSocket alone: got %v, want not_supported", err)
	}
}
