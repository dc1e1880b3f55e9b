package peerid

import (
	"bytes"

	"goop/shared/wire"
)

// LabelSize is the length of a label in characters: one less than a DNS label may have.
const LabelSize = 62

// cidPrefix is that of a CID, version 1, of a libp2p key.
var cidPrefix = []byte{0x01, 0x72}

// Label returns a peer id in the form that fits into a DNS name: the base36 text of a CIDv1, in small
// letters, of LabelSize characters. Only ids of Ed25519 keys have one: others are an error.
//
// https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#string-representation
func Label(id wire.PeerID) (string, error) {
	public, err := Key(id)
	if err != nil {
		return "", err
	}
	b := bytes.Clone(cidPrefix)
	b = append(b, hashPrefix...)
	return "k" + encode(append(b, MarshalKey(public)...), base36), nil
}

// FromLabel returns the peer id of a label. It reads exactly what Label writes: whoever has a name from a
// Host header makes it small first.
func FromLabel(label string) (wire.PeerID, error) {
	if len(label) != LabelSize || label[0] != 'k' {
		return "", errLabel()
	}
	b, ok := decode(label[1:], base36)
	if !ok {
		return "", errLabel()
	}
	if b, ok = bytes.CutPrefix(b, cidPrefix); !ok {
		return "", errLabel()
	}
	if b, ok = bytes.CutPrefix(b, hashPrefix); !ok {
		return "", errLabel()
	}
	public, err := UnmarshalKey(b)
	if err != nil {
		return "", errLabel()
	}
	return FromKey(public), nil
}

func errLabel() error {
	return wire.E(wire.InvalidValue, "this is not a host's label: one has 62 characters and begins with k51qzi5uqu5")
}
