package proxy_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"goop/host/proxy"
)

func trust(t testing.TB, list ...string) []netip.Prefix {
	t.Helper()
	p, err := proxy.ParseTrusted("--trusted-proxy", list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParseTrusted(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1":             "[127.0.0.1/32]",
		"10.1.2.3/8":            "[10.0.0.0/8]",
		"10.0.0.0/8, fd00::1/8": "[10.0.0.0/8 fd00::/8]",
		"::1":                   "[::1/128]",
		"::ffff:192.0.2.7":      "[192.0.2.7/32]",
		"::ffff:192.0.2.0/120":  "[192.0.2.0/24]",
		"fe80::1%eth0":          "[fe80::1/128]",
	} {
		var got strings.Builder
		got.WriteByte('[')
		for i, p := range trust(t, in) {
			if i > 0 {
				got.WriteByte(' ')
			}
			got.WriteString(p.String())
		}
		if got.WriteByte(']'); got.String() != want {
			t.Errorf("%q: got %s, want %s", in, got.String(), want)
		}
	}
	for _, in := range []string{"", "localhost", "10.0.0.0/33", "0.0.0.0/0", "::/0", "1.2.3.4,", "::ffff:0.0.0.0/90", strings.Repeat("1.2.3.4,", 256) + "1.2.3.4"} {
		if p, err := proxy.ParseTrusted("--trusted-proxy", []string{in}); err == nil || !strings.HasPrefix(err.Error(), "--trusted-proxy") {
			t.Errorf("%.30q: got %v, %v; want an error that names the flag", in, p, err)
		}
	}
}

func TestClientAddr(t *testing.T) {
	for _, tt := range []struct {
		why    string
		remote string
		xff    []string
		want   string
	}{
		{"no proxy", "198.51.100.9:1234", nil, "198.51.100.9"},
		{"a visitor who writes the header himself", "198.51.100.9:1234", []string{"192.0.2.1"}, "198.51.100.9"},
		{"one proxy", "10.0.0.1:80", []string{"192.0.2.1"}, "192.0.2.1"},
		{"one proxy, over IPv6 sockets", "[::ffff:10.0.0.1]:80", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"what the visitor wrote stands further left", "10.0.0.1:80", []string{"203.0.113.5, 10.0.0.9, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:80", []string{"203.0.113.5, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"two proxies, a line each", "10.0.0.1:80", []string{"203.0.113.5, 192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		{"a visitor within the trusted net", "10.0.0.1:80", []string{"10.0.0.7"}, "10.0.0.7"},
		{"with ports", "10.0.0.1:80", []string{"192.0.2.1:5000"}, "192.0.2.1"},
		{"IPv6 with a port", "10.0.0.1:80", []string{"[2001:db8::1]:5000"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:80", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a zone", "10.0.0.1:80", []string{"fe80::1%eth0"}, "fe80::1"},
		{"a proxy that says nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"a proxy that says nothing that can be read", "10.0.0.1:80", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"a second proxy that says nothing that can be read", "10.0.0.1:80", []string{"unknown, 10.0.0.2"}, "10.0.0.2"},
		{"too many proxies", "10.0.0.1:80", []string{"192.0.2.1, 10.9.9.9" + strings.Repeat(", 10.0.0.2", 16)}, "10.0.0.2"},
		{"no address at all", "12D3KooWPeer", []string{"192.0.2.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.xff}}
		if got := proxy.ClientAddr(r, trust(t, "10.0.0.0/8")); got.String() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.why, got, tt.want)
		}
	}
}

func TestSecure(t *testing.T) {
	for _, tt := range []struct {
		remote, proto string
		want          bool
	}{
		{"127.0.0.1:80", "https", true},
		{"[::1]:80", "HTTPS , http", true},
		{"127.0.0.1:80", "http", false},
		{"127.0.0.1:80", "http, https", false},
		{"127.0.0.1:80", "", false},
		{"192.0.2.1:80", "https", false}, // anybody may write it
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-Proto": {tt.proto}}}
		if got := proxy.Secure(r, proxy.Loopback()); got != tt.want {
			t.Errorf("%s from %s: got %v, want %v", tt.proto, tt.remote, got, tt.want)
		}
	}
}

// The rightmost entry is the proxy's own: whatever a visitor puts in front of it changes nothing.
func FuzzClientAddr(f *testing.F) {
	f.Add("203.0.113.5, 10.0.0.1", "192.0.2.1")
	f.Add(",,,[", "[2001:db8::1]:443")
	f.Add("", "unknown")
	trusted := trust(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forged, own string) {
		if strings.Contains(own, ",") {
			return // a proxy writes one address
		}
		ask := func(lines ...string) netip.Addr {
			return proxy.ClientAddr(&http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{"X-Forwarded-For": lines}}, trusted)
		}
		alone := ask(own)
		if !alone.IsValid() || alone.Zone() != "" || alone.Is4In6() {
			t.Fatalf("%q: got %s", own, alone)
		}
		if proxy.Trusts(trusted, alone) {
			return // what stands further left counts, and is what this proxy has seen
		}
		for _, got := range []netip.Addr{ask(forged + "," + own), ask(forged, own)} {
			if got != alone {
				t.Fatalf("%q in front of %q: got %s, want %s", forged, own, got, alone)
			}
		}
	})
}
