package nearby_test

import (
	"strings"
	"testing"

	"goop/shared/wire"
	"goop/wasm/internal/nearby"
)

// described is a descriptor with addresses over WebTransport ("10.0.0.1:1"), all with one certificate, and over
// WebSocket ("wss://a:1/").
func described(cert string, addrs ...string) (d wire.Descriptor) {
	for _, a := range addrs {
		if strings.HasPrefix(a, "ws") {
			d.WebSocket = append(d.WebSocket, a)
		} else {
			d.WebTransport = append(d.WebTransport, wire.WebTransportAddr{URL: "https://" + a + "/wt", CertHashes: []string{cert}})
		}
	}
	return d
}

func TestWithin(t *testing.T) {
	t.Parallel()
	own := described("new", "192.168.1.5:7780", "10.0.0.5:7780", "127.0.0.1:7780", "ws://192.168.1.5:7780/")
	own.Name = "Quiz"
	for _, tt := range []struct{ name, used, record, want string }{
		{"in the house", "192.168.1.5:7780", "10.0.0.5:7780 192.168.1.5:7780", "192.168.1.5:7780 10.0.0.5:7780"},
		{"by another way of the house", "10.0.0.5:7780", "10.0.0.5:7780 192.168.1.5:7780", "10.0.0.5:7780 192.168.1.5:7780"},
		{"through the router", "93.184.215.14:7999", "93.184.215.14:7999", "93.184.215.14:7999"},
		{"in the house, of a router", "192.168.1.5:7780", "192.168.1.5:7780 93.184.215.14:7999", "192.168.1.5:7780 93.184.215.14:7999"},
		{"behind the same router, and in by it", "93.184.215.14:7999", "192.168.1.5:7780 93.184.215.14:7999", "93.184.215.14:7999 192.168.1.5:7780"},
		{"a name that the host does not know of", "", "192.168.1.5:7780 ws://192.168.1.5:7780/ wss://quiz.example.org:443/", "192.168.1.5:7780 ws://192.168.1.5:7780/ wss://quiz.example.org:443/"},
		{"the same twice", "", "10.0.0.5:7780 10.0.0.5:7780", "10.0.0.5:7780"},
	} {
		d := nearby.Within(own, described("old", strings.Fields(tt.record)...), "https://"+tt.used+"/wt")
		var got []string
		for _, a := range d.WebTransport {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(a.URL, "https://"), "/wt"))
			if len(a.CertHashes) != 1 || a.CertHashes[0] != "new" {
				t.Errorf("%s: %s has the certificates %q", tt.name, a.URL, a.CertHashes)
			}
		}
		if got := strings.Join(append(got, d.WebSocket...), " "); got != tt.want || d.Name != "Quiz" {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	// What only the record knows of stays as it is.
	d := nearby.Within(wire.Descriptor{}, described("old", "93.184.215.14:7999"), "")
	if len(d.WebTransport) != 1 || d.WebTransport[0].CertHashes[0] != "old" {
		t.Errorf("of a host that tells nothing: %+v", d)
	}
}

func TestAsked(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		"93.184.215.14:7999":                   "",
		"93.184.215.14:7999 192.168.1.5:7780":  "network",
		"192.168.1.5:7780 127.0.0.1:7780":      "device",
		"[fd00::5]:7780":                       "network",
		"[2606:4700::1]:7780":                  "",
		"wss://quiz.example.org:443/":          "",
		"93.184.215.14:1 ws://localhost:7780/": "device",
	} {
		d := described("one", strings.Fields(record)...)
		if got := nearby.Asked(&d); got != want {
			t.Errorf("%s: got %q, want %q", record, got, want)
		}
	}
}
