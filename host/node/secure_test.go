package node

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"goop/shared/record"
)

// TestSecureEndpoints is the table of where WebSocket over TLS is offered.
func TestSecureEndpoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, host, names, want string }{
		{"by a name of the certificate", "quiz.example.org:8443", "quiz.example.org", "quiz.example.org:8443"},
		{"by another one", "chess.example.org", "quiz.example.org chess.example.org", "chess.example.org:443 quiz.example.org:8443"},
		{"through a forwarded port", "quiz.example.org", "quiz.example.org", "quiz.example.org:443"},
		{"by an address", "192.0.2.1:8443", "quiz.example.org 192.0.2.1", "192.0.2.1:8443 quiz.example.org:8443"},
		{"by no host", "a b", "quiz.example.org", "quiz.example.org:8443"},
		{"without a name", "quiz.example.org", "", "quiz.example.org:443"},
		{"too many names", "", strings.Repeat("quiz.example.org ", 100), "quiz.example.org:8443"},
	} {
		keeper := &TLS{Names: func() []string { return strings.Fields(tt.names) }}
		got := secureEndpoints(parseHost(tt.host, true), keeper.names(8443))
		if s := strings.Join(texts(got), " "); s != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, s, tt.want)
		}
	}
}

// TestTLSAddresses looks at all that a host with TLS tells of itself.
func TestTLSAddresses(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Key: key, Listen: "127.0.0.1:0", ListenHTTP: "127.0.0.1:0",
		TLS: &TLS{Config: &tls.Config{}, Names: func() []string { return []string{"quiz.example.org", "127.0.0.1", "::1"} }}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	main, plain := n.Ports()
	if main == 0 || plain == 0 || main == plain {
		t.Errorf("ports: got %d and %d", main, plain)
	}
	port := strconv.Itoa(main)
	if got, want := n.Origins(), []string{"https://quiz.example.org:" + port, "https://127.0.0.1:" + port, "https://[::1]:" + port}; !slices.Equal(got, want) {
		t.Errorf("origins: got %q, want %q", got, want)
	}
	for _, secure := range []bool{true, false} { // the site over libp2p knows no https
		if got := n.Descriptor("quiz.example.org:"+port, secure).WebSocket; got[0] != "wss://quiz.example.org:"+port+"/" || len(got) != 3 {
			t.Errorf("WebSocket: got %q", got)
		}
	}
	var sockets []string
	for _, a := range n.RecordAddrs() {
		if a.Kind == record.WebSocket {
			sockets = append(sockets, a.String())
		}
	}
	if want := []string{"/dns/quiz.example.org/tcp/" + port + "/tls/ws", "/ip4/127.0.0.1/tcp/" + port + "/tls/ws", "/ip6/::1/tcp/" + port + "/tls/ws"}; !slices.Equal(sockets, want) {
		t.Errorf("records: got %q, want %q", sockets, want)
	}
}

// TestProxiesHaveNoAddress lets a proxy bring more visitors than one address may, and nobody else.
func TestProxiesHaveNoAddress(t *testing.T) {
	t.Parallel()
	g, err := newGate(Limits{AddressPending: 2, AddressConnections: 3, AddressRate: 1}.withDefaults(), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for at, want := range map[string]int{"/ip4/10.1.2.3/tcp/80": 20, "/ip6/2001:db8:1::7/tcp/80": 20, "/ip4/127.0.0.1/tcp/80": 20, "/ip4/192.0.2.1/tcp/80": 2, "/ip6/2001:db8:2::7/tcp/80": 2} {
		in := 0
		for range 20 {
			scope, err := g.OpenConnection(network.DirInbound, false, ma.StringCast(at))
			if err == nil {
				in++
				defer scope.Done()
			}
		}
		if in != want {
			t.Errorf("%s: %d are in, want %d", at, in, want)
		}
	}
}
