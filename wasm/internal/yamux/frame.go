package yamux

import "encoding/binary"

// A frame is a header of 12 bytes: version (0), type, flags (2), stream id (4), length (4), and in a
// data frame length bytes of payload.
const headerSize = 12

type frameType byte

const (
	typeData   frameType = iota // length: of the payload
	typeWindow                  // length: how many more bytes the sender may receive; of a reset: an error code
	typePing                    // length: an opaque value, to be echoed
	typeGoAway                  // length: an error code
	typeCount
)

type flags uint16

const (
	flagSYN flags = 1 << iota // the stream is new; of a ping: a question
	flagACK                   // the stream is accepted; of a ping: an answer
	flagFIN                   // the sender writes no more
	flagRST                   // the stream is thrown away
)

type frame struct {
	typ    frameType
	flags  flags
	stream uint32
	length uint32
}

func (f frame) append(b []byte) []byte {
	b = append(b, 0, byte(f.typ))
	b = binary.BigEndian.AppendUint16(b, uint16(f.flags))
	b = binary.BigEndian.AppendUint32(b, f.stream)
	return binary.BigEndian.AppendUint32(b, f.length)
}

// parse reads a header and reports whether its version and type are known.
func (f *frame) parse(b *[headerSize]byte) bool {
	f.typ = frameType(b[1])
	f.flags = flags(binary.BigEndian.Uint16(b[2:]))
	f.stream = binary.BigEndian.Uint32(b[4:])
	f.length = binary.BigEndian.Uint32(b[8:])
	return b[0] == 0 && f.typ < typeCount
}
