package node

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"goop/shared/link"
	"goop/shared/wire"
)

// openBehind opens a host that trusts the machine's own proxies.
func openBehind(t *testing.T, l Limits) *Node {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Key: key, Listen: "127.0.0.1:0", Limits: l, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	n.Handle("/goop/test-wait/1.0.0", func(ctx context.Context, _ wire.PeerID, _ link.Stream) { <-ctx.Done() })
	n.HandleHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestForwardedLimits has a proxy bring visitors: each address has its own room, and gives it back.
func TestForwardedLimits(t *testing.T) {
	t.Parallel()
	n := openBehind(t, Limits{AddressConnections: 2, AddressPending: 2})
	at := strings.Replace(n.Origins()[0], "http://", "ws://", 1) + "/"
	come := func(from string) (*websocket.Conn, int) {
		t.Helper()
		header := http.Header{}
		if from != "" {
			header.Set("X-Forwarded-For", "203.0.113.7, "+from)
		}
		c, res, err := websocket.DefaultDialer.DialContext(t.Context(), at, header)
		if res == nil {
			t.Fatal(err)
		}
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return c, res.StatusCode
	}
	first, code := come("192.0.2.1")
	if code != http.StatusSwitchingProtocols {
		t.Fatalf("the first: got %d", code)
	}
	for _, tt := range []struct {
		from string
		want int
	}{
		{"192.0.2.1", 101}, {"192.0.2.1", 503}, {"192.0.2.2", 101}, {"2001:db8::1", 101}, {"2001:db8::2", 101}, {"2001:db8::3", 503}, {"203.0.113.7", 101}, {"127.0.0.1", 101}, {"127.0.0.1", 503}, // a proxy behind a proxy
		{"", 101}, {"", 101}, {"", 101}, {"unknown", 101},
	} {
		if _, got := come(tt.from); got != tt.want {
			t.Errorf("from %q: got %d, want %d", tt.from, got, tt.want)
		}
	}
	for range 5 { // what is no WebSocket does not count
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, n.Origins()[0]+"/", nil)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("a page: got %s", res.Status)
		}
	}
	first.Close()
	end := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, code := come("192.0.2.1"); code == http.StatusSwitchingProtocols {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("a connection that has ended keeps its room")
		}
	}
}

// TestForwardedAddress has a member come through a real reverse proxy, and looks at where libp2p sees it.
func TestForwardedAddress(t *testing.T) {
	t.Parallel()
	n := openBehind(t, Limits{})
	target, err := url.Parse(n.Origins()[0])
	if err != nil {
		t.Fatal(err)
	}
	front := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Set("X-Forwarded-For", "192.0.2.77")
	}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go front.Serve(l) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { front.Close() })
	d, err := NewDialer(DialerOptions{Transport: WebSocket, Descriptor: func(context.Context) (wire.Descriptor, error) {
		return wire.Descriptor{Peer: n.Peer(), WebSocket: []string{"ws://" + l.Addr().String() + "/"}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := c.Open(t.Context(), "/goop/test-wait/1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conns := n.host.Network().Conns()
	if len(conns) != 1 || !strings.HasPrefix(conns[0].RemoteMultiaddr().String(), "/ip4/192.0.2.77/tcp/") {
		t.Errorf("the host sees %v, want one from 192.0.2.77", conns)
	}
}
