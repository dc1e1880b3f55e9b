package node_test

import (
	"crypto/ed25519"
	"net/netip"
	"slices"
	"testing"

	"goop/host/node"
	"goop/shared/record"
	"goop/shared/wire"
)

func verify(public, message, signature []byte) bool {
	return ed25519.Verify(public, message, signature)
}

// At a router's address the host is reached as on its own, if it listens where a router can forward to.
func TestRecordAddrsAt(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort("93.184.215.14:7999")
	n := openHost(t, node.Options{Listen: "0.0.0.0:0"}, nil)
	own, got := n.RecordAddrs(), n.RecordAddrsAt(at)
	if len(got) != 2 || got[0].Kind != record.WebTransport || got[1].Kind != record.QUIC {
		t.Fatalf("got %+v", got)
	}
	for _, a := range got {
		if netip.AddrPortFrom(a.IP, a.Port) != at {
			t.Errorf("got %v", a)
		}
	}
	if !slices.EqualFunc(got[0].CertHashes, own[0].CertHashes, slices.Equal) || len(got[0].CertHashes) == 0 {
		t.Errorf("the certificates are %x, and those of the host's own addresses %x", got[0].CertHashes, own[0].CertHashes)
	}
	if got := openHost(t, node.Options{}, nil).RecordAddrsAt(at); len(got) != 0 {
		t.Errorf("on the machine alone: %+v", got)
	}
}

func TestSealIsOpened(t *testing.T) {
	t.Parallel()
	n := openHost(t, node.Options{}, nil)
	addrs := n.RecordAddrs()
	if len(addrs) == 0 {
		t.Fatal("no addresses")
	}
	b, err := n.Seal(1795328554356060336, addrs)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := record.Open(b, verify)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Peer != n.Peer() || rec.Seq != 1795328554356060336 || rec.Unknown != 0 || len(rec.Addrs) != len(addrs) {
		t.Fatalf("got %+v, want %+v", rec, addrs)
	}
	d, own := rec.Descriptor(), n.Descriptor("127.0.0.1:1", false)
	if d.Peer != n.Peer() || len(d.WebTransport) == 0 || !slices.Equal(d.WebTransport[0].CertHashes, own.WebTransport[0].CertHashes) {
		t.Errorf("got the descriptor %+v, want one like %+v", d, own)
	}
	for _, a := range d.WebTransport {
		if !slices.ContainsFunc(own.WebTransport, func(o wire.WebTransportAddr) bool { return o.URL == a.URL }) {
			t.Errorf("%s is not in the host's own descriptor: %+v", a.URL, own.WebTransport)
		}
	}
	for _, a := range d.WebSocket {
		if !slices.Contains(own.WebSocket, a) {
			t.Errorf("%s is not in the host's own descriptor: %q", a, own.WebSocket)
		}
	}
}
