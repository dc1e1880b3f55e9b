package noise

import "encoding/binary"

// The handshake payload is a protobuf message:
//
//	1: identity key (bytes)   2: identity signature (bytes)
//	4: extensions { 1: certificate hashes (repeated bytes)  2: muxers (repeated string) }
//
// https://github.com/libp2p/specs/blob/master/noise/README.md#the-libp2p-handshake-payload
type payload struct {
	key        []byte
	sig        []byte
	certHashes [][]byte // multihashes
	muxers     []string
}

// maxRepeated bounds the entries of each list that a strange host may send.
const maxRepeated = 32

func (p *payload) marshal() []byte {
	b := appendField(nil, 1, p.key)
	b = appendField(b, 2, p.sig)
	var ext []byte
	for _, m := range p.muxers {
		ext = appendField(ext, 2, []byte(m))
	}
	if len(ext) > 0 {
		b = appendField(b, 4, ext)
	}
	return b
}

// unmarshal reads a payload and reports whether it is well-formed. What it keeps aliases b.
func (p *payload) unmarshal(b []byte) bool {
	return fields(b, func(num uint64, v []byte) bool {
		switch num {
		case 1:
			p.key = v
		case 2:
			p.sig = v
		case 4:
			return fields(v, func(num uint64, v []byte) bool {
				switch num {
				case 1:
					p.certHashes = append(p.certHashes, v)
				case 2:
					p.muxers = append(p.muxers, string(v))
				}
				return len(p.certHashes) <= maxRepeated && len(p.muxers) <= maxRepeated
			})
		}
		return true
	})
}

// Protobuf's wire types.
const (
	varintType = 0
	fixed64    = 1
	lengthType = 2
	fixed32    = 5
)

func appendField(b []byte, num uint64, v []byte) []byte {
	b = binary.AppendUvarint(b, num<<3|lengthType)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// fields hands each length-delimited field to set and skips the others. It reports whether b is
// well-formed and set was content with all.
func fields(b []byte, set func(num uint64, v []byte) bool) bool {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return false
		}
		b = b[n:]
		skip := uint64(0)
		switch tag & 7 {
		case varintType:
			if _, n = binary.Uvarint(b); n <= 0 {
				return false
			}
			skip = uint64(n)
		case fixed64:
			skip = 8
		case fixed32:
			skip = 4
		case lengthType:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return false
			}
			b = b[n:]
			if !set(tag>>3, b[:size:size]) {
				return false
			}
			skip = size
		default:
			return false
		}
		if skip > uint64(len(b)) {
			return false
		}
		b = b[skip:]
	}
	return true
}
