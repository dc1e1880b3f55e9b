package node

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func addrs(s string) []netip.Addr {
	var list []netip.Addr
	for f := range strings.FieldsSeq(s) {
		list = append(list, netip.MustParseAddr(f))
	}
	return list
}

func texts(list []endpoint) []string {
	var s []string
	for _, e := range list {
		s = append(s, e.String())
	}
	return s
}

// TestEndpoints is the table of what a descriptor offers to whom.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	const machine = "192.168.1.5 10.0.0.5 2001:db8::5 127.0.0.1 ::1" // as rank puts them
	for _, tt := range []struct {
		name   string
		listen string
		host   string
		secure bool
		wt, ws string // what is offered; ws "=" is the same as wt
	}{
		{"an address of the LAN", ":7780", "192.168.1.5:7780", false, "192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"another one", ":7780", "10.0.0.5:7780", false, "10.0.0.5:7780 192.168.1.5:7780 [2001:db8::5]:7780", "="},
		{"IPv6", ":7780", "[2001:db8::5]:7780", false, "[2001:db8::5]:7780 192.168.1.5:7780 10.0.0.5:7780", "="},
		{"IPv6 on port 80", ":80", "[2001:db8::5]", false, "[2001:db8::5]:80 192.168.1.5:80 10.0.0.5:80", "="},
		{"a zone is dropped", ":7780", "[fe80::1%25eth0]:7780", false, "[fe80::1]:7780 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"from the machine itself", ":7780", "127.0.0.1:7780", false, "127.0.0.1:7780 [::1]:7780 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"localhost is an address that listens", ":7780", "localhost:7780", false, "127.0.0.1:7780 [::1]:7780 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"localhost, IPv6 alone", "[::1]:7780", "localhost:7780", false, "[::1]:7780", "="},
		{"loopback is all there is", "127.0.0.1:7780", "", false, "127.0.0.1:7780", "="},
		{"one address", "192.168.1.5:7780", "192.168.1.5:7780", false, "192.168.1.5:7780", "="},
		{"a name", ":7780", "Goop.Example:7780", false, "goop.example:7780 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"a forwarded port", ":7780", "203.0.113.9:9000", false,
			"203.0.113.9:9000 203.0.113.9:7780 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780",
			"203.0.113.9:9000 192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780"},
		{"a proxy with TLS", "127.0.0.1:7780", "goop.example", true,
			"goop.example:7780 goop.example:443 127.0.0.1:7780", "goop.example:443 127.0.0.1:7780"},
		{"a proxy with TLS on this machine", "127.0.0.1:7780", "localhost", true,
			"localhost:7780 localhost:443 127.0.0.1:7780", "localhost:443 127.0.0.1:7780"},
		{"no Host", ":7780", "", false, "192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"no host at all", ":7780", "a b<script>:7780", false, "192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"a port that is none", ":7780", "goop.example:x", false, "192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
		{"an unspecified Host", ":7780", "0.0.0.0:7780", false, "192.168.1.5:7780 10.0.0.5:7780 [2001:db8::5]:7780", "="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binds, err := parseListen("--listen", tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			from := parseHost(tt.host, tt.secure)
			wt, ws := endpoints(from, tt.secure, binds[0].port, reachable(binds, addrs(machine), from.loopback()))
			if tt.ws == "=" {
				tt.ws = tt.wt
			}
			if got := strings.Join(texts(wt), " "); got != tt.wt {
				t.Errorf("WebTransport:\ngot  %s\nwant %s", got, tt.wt)
			}
			if got := strings.Join(texts(ws), " "); got != tt.ws {
				t.Errorf("WebSocket:\ngot  %s\nwant %s", got, tt.ws)
			}
		})
	}
}

func TestReachableIsBounded(t *testing.T) {
	t.Parallel()
	var machine []netip.Addr
	for i := range 100 {
		machine = append(machine, netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}))
	}
	binds, err := parseListen("--listen", ":7780")
	if err != nil {
		t.Fatal(err)
	}
	if got := reachable(binds, machine, false); len(got) != maxHosts {
		t.Errorf("got %d addresses, want %d", len(got), maxHosts)
	}
}

// TestDescriptor reads the descriptor of a running host.
func TestDescriptor(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Key: key, Name: "Chess club", Version: "v1.2.3", Listen: "127.0.0.1:0", ListenTCP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if d := n.Descriptor("", false); len(d.Addrs)+len(d.WebTransport)+len(d.WebSocket) != 0 {
		t.Errorf("before Listen: got %+v, want no addresses", d)
	}
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	main := strings.TrimPrefix(n.Origins()[0], "http://")
	d := n.Descriptor(main, false)
	if d.Peer != key.Peer() || d.Name != "Chess club" || d.Version != "v1.2.3" {
		t.Errorf("got %+v", d)
	}
	if len(d.WebTransport) != 1 || d.WebTransport[0].URL != "https://"+main+"/.well-known/libp2p-webtransport?type=noise" {
		t.Fatalf("WebTransport: got %+v", d.WebTransport)
	}
	hashes := d.WebTransport[0].CertHashes
	if len(hashes) != 2 || len(hashes[0]) != 64 || hashes[0] == hashes[1] || strings.ToLower(hashes[0]) != hashes[0] {
		t.Errorf("certhashes: got %q, want those of now and of next in lower-case hexadecimal", hashes)
	}
	if want := []string{"ws://" + main + "/"}; !slices.Equal(d.WebSocket, want) {
		t.Errorf("WebSocket: got %q, want %q", d.WebSocket, want)
	}
	if got := n.Descriptor("goop.example", true).WebSocket; got[0] != "wss://goop.example:443/" || got[1] != "ws://"+main+"/" {
		t.Errorf("behind a proxy: got %q", got)
	}
	if got := n.Descriptor("", true).WebSocket; got[0] != "ws://"+main+"/" {
		t.Errorf("https without a Host: got %q", got)
	}
	port := main[strings.LastIndex(main, ":")+1:]
	p2p := "/p2p/" + string(d.Peer)
	for i, want := range []string{"/ip4/127.0.0.1/udp/" + port + "/quic-v1" + p2p, "/ip4/127.0.0.1/udp/" + port + "/quic-v1/webtransport/certhash/", "/ip4/127.0.0.1/tcp/" + port + "/ws" + p2p, "/ip4/127.0.0.1/tcp/"} {
		if len(d.Addrs) != 4 || !strings.HasPrefix(d.Addrs[i], want) || !strings.HasSuffix(d.Addrs[i], p2p) {
			t.Errorf("addrs: got %q, want %s… at %d", d.Addrs, want, i)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"", "goop.example", "192.168.1.5:7780", "[::1]:7780", "[fe80::1%25eth0]:80", "localhost", "[", "%", ":1", "a:b:c"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, secure bool) {
		e := parseHost(s, secure)
		if e == (endpoint{}) {
			return
		}
		// What gets through must be something that a URL and a multiaddr can hold.
		again := parseHost(e.String(), secure)
		if again != e {
			t.Errorf("%q gives %+v, which as a Host gives %+v", s, e, again)
		}
		if strings.ContainsAny(e.host, " /%<>\"'?#@\\") {
			t.Errorf("%q gives the host %q", s, e.host)
		}
	})
}
