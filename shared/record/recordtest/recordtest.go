// Package recordtest signs records for tests, as hosts do with go-libp2p. It must not be used outside of tests: it checks
// nothing, so that wrong ones can be made.
package recordtest

import (
	"crypto/ed25519"
	"encoding/binary"

	"goop/shared/peerid"
	"goop/shared/record"
	"goop/shared/wire"
)

// Key returns the key of a host that is always the same for a number.
func Key(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

// Peer returns the peer id of a key.
func Peer(key ed25519.PrivateKey) wire.PeerID {
	return peerid.FromKey(key.Public().(ed25519.PublicKey))
}

// Label returns the label of a key's peer.
func Label(key ed25519.PrivateKey) string {
	label, err := peerid.Label(Peer(key))
	if err != nil {
		panic(err) // the key is none
	}
	return label
}

// Verify is the one that records are opened with.
func Verify(public, message, signature []byte) bool {
	return ed25519.Verify(public, message, signature)
}

// Seal returns the envelope of a record.
func Seal(key ed25519.PrivateKey, seq uint64, addrs ...record.Addr) []byte {
	return SealAs(key, key.Public().(ed25519.PublicKey), seq, addrs...)
}

// SealAs returns the envelope of a record that names another host's key than the one that signs it.
func SealAs(key ed25519.PrivateKey, of ed25519.PublicKey, seq uint64, addrs ...record.Addr) []byte {
	public := peerid.MarshalKey(key.Public().(ed25519.PublicKey))
	id := peerid.MarshalKey(of)
	payload := field(nil, 1, append([]byte{0, byte(len(id))}, id...))
	if seq != 0 {
		payload = binary.AppendUvarint(append(payload, 2<<3), seq)
	}
	for _, a := range addrs {
		payload = field(payload, 3, field(nil, 1, multiaddr(a)))
	}
	kind := []byte{3, 1}
	var unsigned []byte
	for _, part := range [][]byte{[]byte("libp2p-peer-record"), kind, payload} {
		unsigned = append(binary.AppendUvarint(unsigned, uint64(len(part))), part...)
	}
	e := field(field(field(nil, 1, public), 2, kind), 3, payload)
	return field(e, 5, ed25519.Sign(key, unsigned))
}

func field(to []byte, number byte, b []byte) []byte {
	return append(binary.AppendUvarint(append(to, number<<3|2), uint64(len(b))), b...)
}

// multiaddr returns the binary form of an address. One of no kind becomes one of a protocol that is not known.
func multiaddr(a record.Addr) []byte {
	var b []byte
	code := func(n uint64) { b = binary.AppendUvarint(b, n) }
	switch {
	case a.Name != "":
		code(53)
		code(uint64(len(a.Name)))
		b = append(b, a.Name...)
	case a.IP.Is4():
		code(4)
	default:
		code(41)
	}
	b = append(b, a.IP.AsSlice()...)
	port := func(n uint64) { code(n); b = binary.BigEndian.AppendUint16(b, a.Port) }
	switch a.Kind {
	case record.WebTransport:
		port(273)
		code(461)
		code(465)
		for _, h := range a.CertHashes {
			code(466)
			code(uint64(len(h) + 2))
			b = append(b, 0x12, byte(len(h)))
			b = append(b, h...)
		}
	case record.QUIC:
		port(273)
		code(461)
	case record.WebSocket:
		port(6)
		if a.TLS {
			code(448)
		}
		code(477)
	case record.TCP:
		port(6)
	default:
		port(132) // SCTP
	}
	return b
}
