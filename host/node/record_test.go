package node_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"goop/host/node"
	"goop/shared/record"
	"goop/shared/wire"
)

func verify(public, message, signature []byte) bool {
	return ed25519.Verify(public, message, signature)
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
