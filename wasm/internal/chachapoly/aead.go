package chachapoly

import (
	"encoding/binary"
	"slices"
)

// KeySize is the length of a key.
const KeySize = 32

// Key encrypts and decrypts. It may be used from any goroutine.
type Key struct{ words [8]uint32 }

// New returns the Key of 32 bytes.
func New(key *[KeySize]byte) *Key {
	k := &Key{}
	for i := range k.words {
		k.words[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return k
}

// Seal appends plain, encrypted, and the tag of it and of ad to dst. A nonce must be used once only. What is
// appended must not overlap plain, unless it begins where plain does.
func (k *Key) Seal(dst []byte, nonce uint64, plain, ad []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(plain)+TagSize)[:start+len(plain)]
	var s state
	var m mac
	k.begin(&s, &m, nonce)
	s.xor(dst[start:], plain)
	tag := seal(&m, dst[start:], ad)
	return append(dst, tag[:]...)
}

// Open appends what Seal has encrypted to dst, and reports whether it, nonce and ad are as they were; if not,
// nothing is decrypted. What is appended must not overlap box, unless it begins where box does.
func (k *Key) Open(dst []byte, nonce uint64, box, ad []byte) (plain []byte, ok bool) {
	n := len(box) - TagSize
	if n < 0 {
		return dst, false
	}
	var s state
	var m mac
	k.begin(&s, &m, nonce)
	tag := seal(&m, box[:n], ad)
	differ := byte(0)
	for i, b := range box[n:] {
		differ |= b ^ tag[i]
	}
	if differ != 0 {
		return dst, false
	}
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	s.xor(dst[start:], box[:n])
	return dst, true
}

// begin makes the stream, and the tag's key of its first block.
func (k *Key) begin(s *state, m *mac, nonce uint64) {
	var first [blockSize]byte
	s.init(&k.words, nonce)
	s.next(&first)
	m.init((*[32]byte)(first[:]))
}

func seal(m *mac, box, ad []byte) [TagSize]byte {
	m.write(ad)
	m.write(box)
	var lengths [16]byte
	binary.LittleEndian.PutUint64(lengths[:], uint64(len(ad)))
	binary.LittleEndian.PutUint64(lengths[8:], uint64(len(box)))
	m.write(lengths[:])
	return m.sum()
}
