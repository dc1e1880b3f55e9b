package record

// reader reads a protobuf message whose fields stand in one order, each written as briefly as possible. After
// the first that is not as expected all others are empty, and end reports it.
type reader struct {
	b   []byte
	bad bool
}

// The wire types of protobuf that are read.
const (
	varint = 0
	length = 2
)

func (r *reader) more() bool { return !r.bad && len(r.b) > 0 }

// end reports whether the message was read to its end, and was as expected.
func (r *reader) end() bool { return !r.bad && len(r.b) == 0 }

// bytes reads a field of bytes, which must be there. An empty one must not: nobody writes these.
func (r *reader) bytes(field byte) []byte {
	if !r.tag(field, length) {
		r.bad = true
		return nil
	}
	n, rest, ok := uvarint(r.b)
	if !ok || n == 0 || n > uint64(len(rest)) {
		r.bad = true
		return nil
	}
	r.b = rest[n:]
	return rest[:n]
}

// optional reads a number, 0 when it is not there.
func (r *reader) optional(field byte) uint64 {
	if !r.tag(field, varint) {
		return 0
	}
	n, rest, ok := uvarint(r.b)
	if !ok || n == 0 {
		r.bad = true
		return 0
	}
	r.b = rest
	return n
}

// tag passes over the tag of a field of less than 16 if it is next.
func (r *reader) tag(field, kind byte) bool {
	if !r.more() || r.b[0] != field<<3|kind {
		return false
	}
	r.b = r.b[1:]
	return true
}

// uvarint reads a number of 64 bits. One that is longer than it must be is none.
func uvarint(b []byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		if i == 9 && c > 1 {
			return 0, nil, false
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, b[i+1:], c != 0 || i == 0
		}
	}
	return 0, nil, false
}

func appendUvarint(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}
