// Package peerid turns Ed25519 public keys into libp2p peer ids and back. It must not know where a
// key comes from. Its functions are pure.
//
// A peer id is the base58 text of an identity multihash (0x00, its length) over the key's protobuf
// (type 1, 32 bytes), so that the key can be read back from it.
//
// https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
package peerid

import (
	"bytes"

	"goop/shared/wire"
)

// KeySize is the length of an Ed25519 public key in bytes.
const KeySize = 32

// maxText bounds what is decoded: an Ed25519 peer id has 52 characters.
const maxText = 64

var (
	keyPrefix  = []byte{0x08, 0x01, 0x12, KeySize}            // protobuf: Type = Ed25519, Data = 32 bytes
	hashPrefix = []byte{0x00, byte(len(keyPrefix)) + KeySize} // multihash: identity
)

// MarshalKey returns the protobuf form of a public key, as handshakes carry it.
func MarshalKey(public []byte) []byte {
	return append(bytes.Clone(keyPrefix), public...)
}

// UnmarshalKey returns the public key of a protobuf form. Keys of other types than Ed25519 are an
// error: hosts of this project have none.
func UnmarshalKey(b []byte) ([]byte, error) {
	if len(b) != len(keyPrefix)+KeySize || !bytes.HasPrefix(b, keyPrefix) {
		return nil, wire.E(wire.WrongHost, "the host's identity is not an Ed25519 key")
	}
	return b[len(keyPrefix):], nil
}

// FromKey returns the peer id of a public key of KeySize bytes.
func FromKey(public []byte) wire.PeerID {
	return wire.PeerID(encode(append(bytes.Clone(hashPrefix), MarshalKey(public)...), base58))
}

// Key returns the public key that an Ed25519 peer id contains.
func Key(id wire.PeerID) ([]byte, error) {
	if len(id) > maxText {
		return nil, wire.E(wire.InvalidValue, "a peer id has 52 characters")
	}
	b, ok := decode(string(id), base58)
	if !ok || !bytes.HasPrefix(b, hashPrefix) {
		return nil, wire.E(wire.InvalidValue, `"`, string(id), `" is not an Ed25519 peer id`)
	}
	return UnmarshalKey(b[len(hashPrefix):])
}
