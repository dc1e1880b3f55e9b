//go:build !js

package peerid_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"goop/shared/wire"
	"goop/wasm/internal/peerid"
)

// What go-libp2p makes of a key must be what we make of it, both ways.
func TestLikeLibp2p(t *testing.T) {
	t.Parallel()
	for range 50 {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, err := crypto.UnmarshalEd25519PublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		want, err := peer.IDFromPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		id := peerid.FromKey(public)
		if string(id) != want.String() {
			t.Fatalf("got %s, want %s", id, want)
		}
		if back, err := peerid.Key(id); err != nil || !bytes.Equal(back, public) {
			t.Fatalf("and back: got %x, %v, want %x", back, err, public)
		}
		if marshaled, err := crypto.MarshalPublicKey(key); err != nil || !bytes.Equal(peerid.MarshalKey(public), marshaled) {
			t.Fatalf("got the protobuf %x, want %x", peerid.MarshalKey(public), marshaled)
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, id := range []wire.PeerID{
		"",
		"12D3KooW",
		"0OIl", // not base58
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",        // an RSA peer's
		"12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtff", // too long
		"1111111111111111111111111111111111111111111111111111",
		wire.PeerID(bytes.Repeat([]byte("z"), 10_000)),
	} {
		if _, err := peerid.Key(id); err == nil {
			t.Errorf("%.60q: got no error", id)
		}
	}
	if _, err := peerid.UnmarshalKey(make([]byte, 36)); !errors.Is(err, wire.WrongHost) {
		t.Errorf("a key of another type: got %v, want wrong_host", err)
	}
}

func FuzzKey(f *testing.F) {
	f.Add("12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf")
	f.Add("1111")
	f.Fuzz(func(t *testing.T, id string) {
		if key, err := peerid.Key(wire.PeerID(id)); err == nil && string(peerid.FromKey(key)) != id {
			t.Errorf("%q is read as %x, which is %q", id, key, peerid.FromKey(key))
		}
	})
}
