//go:build !js

package peerid_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multibase"

	"goop/shared/peerid"
	"goop/shared/wire"
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

func TestLabelLikeLibp2p(t *testing.T) {
	t.Parallel()
	for range 50 {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id := peerid.FromKey(public)
		theirs, err := peer.Decode(string(id))
		if err != nil {
			t.Fatal(err)
		}
		want, err := peer.ToCid(theirs).StringOfBase(multibase.Base36)
		if err != nil {
			t.Fatal(err)
		}
		label, err := peerid.Label(id)
		if err != nil || label != want || len(label) != peerid.LabelSize {
			t.Fatalf("got %s, %v, want %s", label, err, want)
		}
		if back, err := peerid.FromLabel(label); err != nil || back != id {
			t.Fatalf("and back: got %s, %v, want %s", back, err, id)
		}
	}
}

func TestLabelRefuses(t *testing.T) {
	t.Parallel()
	label, err := peerid.Label(peerid.FromKey(make([]byte, peerid.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	of := func(prefix ...byte) string {
		s, err := multibase.Encode(multibase.Base36, append(prefix, peerid.MarshalKey(make([]byte, peerid.KeySize))...))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got := of(1, 0x72, 0, 36); got != label {
		t.Fatalf("got %s, want %s", got, label)
	}
	for _, s := range []string{
		"", "k", "www", label[1:], label + "0", label[:len(label)-1],
		"b" + label[1:],        // another base
		strings.ToUpper(label), // a caller makes a Host header small
		label[:10] + "-" + label[11:],
		of(1, 0x55, 0, 36),    // raw bytes
		of(1, 0x72, 0x12, 36), // not an identity hash
		of(0, 0x72, 0, 36),
		"k" + strings.Repeat("z", peerid.LabelSize-1), // more than fits
		"k" + strings.Repeat("0", peerid.LabelSize-1),
		strings.Repeat("k", 10_000),
	} {
		if id, err := peerid.FromLabel(s); err == nil {
			t.Errorf("%.70q is read as %s", s, id)
		}
	}
	if label, err := peerid.Label("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"); err == nil {
		t.Errorf("an RSA peer's label: %s", label)
	}
}

func FuzzLabel(f *testing.F) {
	for _, b := range []byte{0, 1, 0xff} {
		label, err := peerid.Label(peerid.FromKey(bytes.Repeat([]byte{b}, peerid.KeySize)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(label)
	}
	f.Add("k0000")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := peerid.FromLabel(s)
		if err != nil {
			return
		}
		if back, err := peerid.Label(id); err != nil || back != s {
			t.Errorf("%q is read as %s, whose label is %s, %v", s, id, back, err)
		}
		if theirs, err := peer.Decode(s); err != nil || theirs.String() != string(id) {
			t.Errorf("%q: got %s, want %s, %v", s, id, theirs, err)
		}
	})
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
