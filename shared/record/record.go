// Package record reads libp2p's signed peer records: where a host says that it is reached, signed with its
// key. A door checks them before it keeps them, and a visitor checks again what the door hands out. It must
// not know where records come from or which addresses may stand in them.
//
// A record travels in an envelope, a protobuf message as go-libp2p's core/record writes it:
//
//	1 public_key   the key, itself a message: 1 type (1, Ed25519), 2 the 32 bytes
//	2 payload_type 03 01
//	3 payload      the peer record: 1 peer_id, 2 seq, 3 addresses, each a message: 1 multiaddr
//	5 signature    by the key, of the three texts "libp2p-peer-record", payload_type and payload, each with
//	               its length as an uvarint in front
//
// Open takes what record.Seal of go-libp2p writes, byte for byte, and is stricter than its reader: only
// Ed25519 keys, each field exactly once and in the order of its number, no unknown ones, no varint longer
// than it must be, the record's peer is that of the key, and bounds on size and count. So nobody can
// make a second envelope of a record that they did not sign.
//
// https://github.com/libp2p/specs/blob/master/RFC/0002-signed-envelopes.md
// https://github.com/libp2p/specs/blob/master/RFC/0003-routing-records.md
package record

import (
	"bytes"

	"goop/shared/peerid"
	"goop/shared/wire"
)

const (
	// MaxSize bounds an envelope, in bytes. One with two addresses has about 320.
	MaxSize = 4 << 10
	// MaxAddrs bounds the addresses of a record, those of unknown kinds included.
	MaxAddrs = 16

	domain = "libp2p-peer-record"
)

var payloadType = []byte{0x03, 0x01}

// Verify reports whether an Ed25519 signature of 64 bytes is that of a message by a public key of 32.
type Verify func(publicKey, message, signature []byte) bool

// Record says where a host is reached.
type Record struct {
	Peer  wire.PeerID
	Seq   uint64 // rises with each record of a host; go-libp2p counts nanoseconds since 1970, more than a JavaScript number holds
	Addrs []Addr
	// Unknown counts the addresses of the record that are left out of Addrs: those of protocols that this
	// package does not know, and what is no address at all.
	Unknown int
}

// Open reads an envelope, of which the record keeps parts, and checks its signature and that it is its own host's. The errors have the codes
// too_large, limit_exceeded (addresses) and bad_message (everything else).
func Open(envelope []byte, verify Verify) (Record, error) {
	if len(envelope) > MaxSize {
		return Record{}, wire.E(wire.TooLarge, "a signed peer record has at most 4096 bytes")
	}
	r := reader{b: envelope}
	key := r.bytes(1)
	kind := r.bytes(2)
	payload := r.bytes(3)
	signature := r.bytes(5)
	if !r.end() || !bytes.Equal(kind, payloadType) {
		return Record{}, wire.E(wire.BadMessage, "this is not the envelope of a libp2p peer record")
	}
	public, err := peerid.UnmarshalKey(key)
	if err != nil {
		return Record{}, wire.E(wire.BadMessage, "the record is not signed with an Ed25519 key")
	}
	rec, err := parse(payload, key)
	if err != nil {
		return Record{}, err
	}
	if len(signature) != 64 || !verify(public, unsigned(payload), signature) {
		return Record{}, wire.E(wire.BadMessage, "the record's signature is wrong")
	}
	rec.Peer = peerid.FromKey(public)
	return rec, nil
}

// parse reads the payload: what the signature is about.
func parse(payload, key []byte) (rec Record, err error) {
	r := reader{b: payload}
	id := r.bytes(1)
	rec.Seq = r.optional(2)
	own := identityHash(key)
	var addrs [][]byte
	for r.more() && len(addrs) <= MaxAddrs {
		info := reader{b: r.bytes(3)}
		addrs = append(addrs, info.bytes(1))
		if !info.end() {
			r.bad = true
		}
	}
	switch {
	case len(addrs) > MaxAddrs:
		return rec, wire.E(wire.LimitExceeded, "a record has at most 16 addresses")
	case !r.end():
		return rec, wire.E(wire.BadMessage, "this is not a libp2p peer record")
	case !bytes.Equal(id, own):
		return rec, wire.E(wire.BadMessage, "the record is another peer's than its signature")
	}
	for _, b := range addrs {
		if a, ok := parseAddr(b, own); ok {
			rec.Addrs = append(rec.Addrs, a)
		} else {
			rec.Unknown++
		}
	}
	return rec, nil
}

// identityHash returns the bytes of the peer id of a key: the key itself, as a multihash.
func identityHash(key []byte) []byte {
	return append([]byte{0x00, byte(len(key))}, key...)
}

// unsigned returns what the signature of a payload signs.
func unsigned(payload []byte) []byte {
	b := make([]byte, 0, len(domain)+len(payloadType)+len(payload)+5)
	b = append(b, byte(len(domain)))
	b = append(b, domain...)
	b = append(b, byte(len(payloadType)))
	b = append(b, payloadType...)
	b = appendUvarint(b, uint64(len(payload)))
	return append(b, payload...)
}

// Descriptor returns the record in the form in which members know a host's addresses: those of unknown kinds
// left out, and without a name or version, which a record does not have.
func (r *Record) Descriptor() wire.Descriptor {
	d := wire.Descriptor{Peer: r.Peer}
	for _, a := range r.Addrs {
		d.Addrs = append(d.Addrs, a.String()+"/p2p/"+string(r.Peer))
		switch a.Kind {
		case WebTransport:
			hashes := make([]string, len(a.CertHashes))
			for i, h := range a.CertHashes {
				hashes[i] = hex(h)
			}
			d.WebTransport = append(d.WebTransport, wire.WebTransportAddr{URL: a.URL(), CertHashes: hashes})
		case WebSocket:
			d.WebSocket = append(d.WebSocket, a.URL())
		}
	}
	return d
}
