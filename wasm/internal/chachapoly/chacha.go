package chachapoly

import (
	"encoding/binary"
	"math/bits"
)

const blockSize = 64

// state is ChaCha20's: constants, key, number of the block, nonce.
type state [16]uint32

func (s *state) init(key *[8]uint32, nonce uint64) {
	*s = state{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}
	copy(s[4:], key[:])
	s[14], s[15] = uint32(nonce), uint32(nonce>>32)
}

// next writes the next block of the stream.
func (s *state) next(out *[blockSize]byte) {
	x0, x1, x2, x3, x4, x5, x6, x7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	x8, x9, x10, x11, x12, x13, x14, x15 := s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]
	for range 10 {
		x0, x4, x8, x12 = quarter(x0, x4, x8, x12)
		x1, x5, x9, x13 = quarter(x1, x5, x9, x13)
		x2, x6, x10, x14 = quarter(x2, x6, x10, x14)
		x3, x7, x11, x15 = quarter(x3, x7, x11, x15)
		x0, x5, x10, x15 = quarter(x0, x5, x10, x15)
		x1, x6, x11, x12 = quarter(x1, x6, x11, x12)
		x2, x7, x8, x13 = quarter(x2, x7, x8, x13)
		x3, x4, x9, x14 = quarter(x3, x4, x9, x14)
	}
	for i, x := range [16]uint32{x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15} {
		binary.LittleEndian.PutUint32(out[4*i:], x+s[i])
	}
	s[12]++ // a message of 64 KiB has 1,024 blocks
}

func quarter(a, b, c, d uint32) (uint32, uint32, uint32, uint32) {
	a += b
	d = bits.RotateLeft32(d^a, 16)
	c += d
	b = bits.RotateLeft32(b^c, 12)
	a += b
	d = bits.RotateLeft32(d^a, 8)
	c += d
	b = bits.RotateLeft32(b^c, 7)
	return a, b, c, d
}

// xor encrypts or decrypts src into dst, which is as long and may be the same.
func (s *state) xor(dst, src []byte) {
	var key [blockSize]byte
	for len(src) >= blockSize {
		s.next(&key)
		from, to := (*[blockSize]byte)(src), (*[blockSize]byte)(dst)
		for i := 0; i < blockSize; i += 8 {
			binary.LittleEndian.PutUint64(to[i:i+8], binary.LittleEndian.Uint64(from[i:i+8])^binary.LittleEndian.Uint64(key[i:i+8]))
		}
		src, dst = src[blockSize:], dst[blockSize:]
	}
	if len(src) > 0 {
		s.next(&key)
		for i, b := range src {
			dst[i] = b ^ key[i]
		}
	}
}
