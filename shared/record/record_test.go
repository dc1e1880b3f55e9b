package record_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"goop/shared/record"
	"goop/shared/record/recordtest"
	"goop/shared/wire"
)

var key = recordtest.Key(1)

func addrs() []record.Addr {
	return []record.Addr{
		{Kind: record.WebTransport, IP: netip.MustParseAddr("198.51.100.7"), Port: 7780, CertHashes: [][]byte{bytes.Repeat([]byte{0xab}, 32), make([]byte, 32)}},
		{Kind: record.QUIC, IP: netip.MustParseAddr("2001:db8::7"), Port: 7780},
		{Kind: record.WebSocket, IP: netip.MustParseAddr("2001:db8::7"), Port: 7780},
		{Kind: record.WebSocket, Name: "quiz.example.org", Port: 443, TLS: true},
		{Kind: record.TCP, IP: netip.MustParseAddr("198.51.100.7"), Port: 4001},
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	const seq = 1795328554356060336
	rec, err := record.Open(recordtest.Seal(key, seq, append(addrs(), record.Addr{IP: netip.MustParseAddr("198.51.100.7"), Port: 1})...), recordtest.Verify)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Peer != recordtest.Peer(key) || rec.Seq != seq || rec.Unknown != 1 {
		t.Errorf("got %+v", rec)
	}
	var texts []string
	for _, a := range rec.Addrs {
		texts = append(texts, a.String())
	}
	want := []string{
		"/ip4/198.51.100.7/udp/7780/quic-v1/webtransport/certhash/uEiCrq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw/certhash/uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"/ip6/2001:db8::7/udp/7780/quic-v1", "/ip6/2001:db8::7/tcp/7780/ws", "/dns/quiz.example.org/tcp/443/tls/ws", "/ip4/198.51.100.7/tcp/4001",
	}
	if !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
	d := rec.Descriptor()
	if len(d.WebTransport) != 1 || d.WebTransport[0].URL != "https://198.51.100.7:7780/.well-known/libp2p-webtransport?type=noise" ||
		!slices.Equal(d.WebTransport[0].CertHashes, []string{strings.Repeat("ab", 32), strings.Repeat("00", 32)}) {
		t.Errorf("got %+v", d.WebTransport)
	}
	if !slices.Equal(d.WebSocket, []string{"ws://[2001:db8::7]:7780/", "wss://quiz.example.org:443/"}) {
		t.Errorf("got %q", d.WebSocket)
	}
	if len(d.Addrs) != 5 || d.Addrs[4] != want[4]+"/p2p/"+string(rec.Peer) || d.Peer != rec.Peer {
		t.Errorf("got %+v", d)
	}
	text := d.Append(nil)
	if back, err := wire.ParseDescriptor(text); err != nil || back.Peer != d.Peer {
		t.Errorf("as a descriptor: %s, %v", text, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]record.Addr{addrs()[4]}, record.MaxAddrs)
	long := record.Addr{Kind: record.WebTransport, IP: netip.MustParseAddr("198.51.100.7"), Port: 1, CertHashes: slices.Repeat([][]byte{make([]byte, 32)}, 110)}
	if _, err := record.Open(recordtest.Seal(key, 1, many...), recordtest.Verify); err != nil {
		t.Errorf("as many addresses as may be: %v", err)
	}
	for _, c := range []struct {
		what string
		b    []byte
		want wire.Code
	}{
		{"nothing", nil, wire.BadMessage},
		{"text", []byte("hello"), wire.BadMessage},
		{"too many addresses", recordtest.Seal(key, 1, append(many, many[0])...), wire.LimitExceeded},
		{"too long", recordtest.Seal(key, 1, long), wire.TooLarge},
		{"signed by another", recordtest.SealAs(key, recordtest.Key(2).Public().(ed25519.PublicKey), 1), wire.BadMessage},
	} {
		if rec, err := record.Open(c.b, recordtest.Verify); !errors.Is(err, c.want) {
			t.Errorf("%s: got %+v, %v, want %s", c.what, rec, err, c.want)
		}
	}
	whole := recordtest.Seal(key, 300, addrs()...)
	for i := range whole {
		if _, err := record.Open(whole[:i], recordtest.Verify); !errors.Is(err, wire.BadMessage) {
			t.Errorf("its first %d bytes: got %v", i, err)
		}
	}
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if _, err := record.Open(b, recordtest.Verify); err == nil {
			t.Errorf("with bit %d turned it is taken", i)
		}
	}
}

// What a page does with a record depends on no more than what the signature is about.
func FuzzOpen(f *testing.F) {
	f.Add(recordtest.Seal(key, 1, addrs()...))
	f.Add(recordtest.Seal(key, 0))
	always := func(_, _, signature []byte) bool { return len(signature) == 64 }
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := record.Open(b, always)
		if err != nil {
			return
		}
		if len(rec.Addrs)+rec.Unknown > record.MaxAddrs || rec.Peer == "" {
			t.Fatalf("%+v", rec)
		}
		d := rec.Descriptor()
		if _, err := wire.ParseDescriptor(d.Append(nil)); err != nil {
			t.Fatalf("its descriptor %+v is none: %v", d, err)
		}
		for _, a := range rec.Addrs {
			if a.IP.IsValid() == (a.Name != "") || strings.ContainsAny(a.Name, "/:@ ") {
				t.Fatalf("%+v", a)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	whole := recordtest.Seal(key, 300, addrs()[:2]...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Open(whole, recordtest.Verify); err != nil {
			b.Fatal(err)
		}
	}
}
