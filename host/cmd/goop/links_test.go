package main

import (
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"goop/host/node"
	"goop/host/proxy"
	"goop/shared/data"
)

func TestEverywhere(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		":7780": true, "0.0.0.0:7780": true, "[::]:0": true, "localhost:80": true,
		"127.0.0.1:7780": false, "192.168.1.5:80": false, "[::1]:80": false, "nonsense": false,
	} {
		if got := everywhere(listen); got != want {
			t.Errorf("%q: got %v, want %v", listen, got, want)
		}
	}
}

func TestToHandOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pages []string
		want  string
	}{
		{nil, ""},
		{[]string{"http://localhost:7780/"}, "http://localhost:7780/"},
		{[]string{"http://127.0.0.1:7780/", "http://[::1]:7780/"}, "http://127.0.0.1:7780/"},
		{[]string{"http://localhost:7780/", "http://192.0.2.7:7780/"}, "http://192.0.2.7:7780/"},
		{[]string{"https://chess.example.org/", "http://localhost:7780/"}, "https://chess.example.org/"},
	} {
		if got := toHandOut(tt.pages); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.pages, got, tt.want)
		}
	}
}

// TestLinkOf is the table of what people are told about an address.
func TestLinkOf(t *testing.T) {
	t.Parallel()
	at := func(ip, name string, kind node.Kind) node.Address {
		return node.Address{IP: netip.MustParseAddr(ip), Interface: name, Kind: kind}
	}
	machine := []node.Address{
		at("192.168.1.5", "wlan0", node.WiFi), at("193.0.2.9", "eth0", node.Ethernet), at("100.101.102.103", "tailscale0", node.VPN),
		at("172.17.0.1", "docker0", node.Virtual), at("2001:db8::5", "wlan0", node.WiFi),
	}
	for page, want := range map[string]data.Link{
		"http://localhost:7780/":       {Kind: "loopback", Network: "this machine alone", Secure: true},
		"http://127.0.0.1:7780/":       {Kind: "loopback", Network: "this machine alone", Secure: true},
		"http://[::1]:7780/":           {Kind: "loopback", Network: "this machine alone", Secure: true},
		"http://192.168.1.5:7780/":     {Kind: "wifi", Network: "Wi-Fi wlan0"},
		"http://[2001:db8::5]:7780/":   {Kind: "wifi", Network: "Wi-Fi wlan0"},
		"http://193.0.2.9/":            {Kind: "ethernet", Network: "Ethernet eth0, the internet"},
		"http://100.101.102.103:7780/": {Kind: "vpn", Network: "VPN tailscale0"},
		"http://172.17.0.1:7780/":      {Kind: "virtual", Network: "containers docker0"},
		"http://198.51.100.7:7780/":    {Kind: "internet", Network: "the internet"},
		"https://chess.example.org/":   {Kind: "internet", Network: "the internet", Secure: true},
		"https://192.168.1.5/":         {Kind: "wifi", Network: "Wi-Fi wlan0", Secure: true},
	} {
		want.URL = page
		if got := linkOf(page, machine); got != want {
			t.Errorf("%s: got %+v, want %+v", page, got, want)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1234", "", "192.0.2.7"},
		{"[::ffff:192.0.2.7]:1234", "", "192.0.2.7"},
		{"[2001:db8:1:2:3:4:5:6]:1234", "", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:1234", "", "fe80::/64"},
		{"127.0.0.1:1234", "10.0.0.1, 203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1234", "<script>", "127.0.0.1"},
		{"", "", ""},
	} {
		r := httptest.NewRequest("GET", "/goop/host.json", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := networkOf(proxy.ClientAddr(r, proxy.Loopback())); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestSecure(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "https", Host: "Chess.example.org"}
	for _, tt := range []struct {
		name      string
		public    *url.URL
		host      string
		from      string
		forwarded string
		want      bool
	}{
		{"on the machine's own network", nil, "192.168.1.5:7780", "192.168.1.9:1234", "", false},
		{"behind a proxy that says so", nil, "chess.example.org", "127.0.0.1:1234", "https", true},
		{"behind two proxies", nil, "chess.example.org", "[::1]:1234", "HTTPS, http", true},
		{"behind a proxy without TLS", nil, "chess.example.org", "127.0.0.1:1234", "http", false},
		{"by a visitor's own word", nil, "chess.example.org", "192.168.1.9:1234", "https", false},
		{"over libp2p", nil, "chess.example.org", "12D3KooWPeer", "https", false},
		{"by the public address", public, "chess.example.org", "127.0.0.1:1234", "", true},
		{"by another address", public, "192.168.1.5:7780", "192.168.1.9:1234", "", false},
		{"by a public address without TLS", &url.URL{Scheme: "http", Host: "chess.example.org"}, "chess.example.org", "127.0.0.1:1234", "", false},
	} {
		h := &running{opts: options{public: tt.public, log: slog.New(slog.DiscardHandler), https: httpsOptions{trusted: proxy.Loopback()}}}
		r := httptest.NewRequest("GET", "/goop/host.json", nil)
		r.Host, r.RemoteAddr = tt.host, tt.from
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-Proto", tt.forwarded)
		}
		if got := h.secure(r); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
