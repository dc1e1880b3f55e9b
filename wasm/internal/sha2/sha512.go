package sha2

import (
	"encoding/binary"
	"math/bits"
)

// Size512 is the length of a SHA-512 digest.
const Size512 = 64

const block512 = 128

// Sum512 returns the SHA-512 digest of the parts, one behind the other.
func Sum512(parts ...[]byte) (out [Size512]byte) {
	state := start
	var (
		part  [block512]byte // of a block that is not yet whole
		used  int
		count uint64
	)
	write := func(p []byte) {
		for len(p) > 0 {
			n := copy(part[used:], p)
			p = p[n:]
			if used += n; used == block512 {
				block(&state, &part)
				used = 0
			}
		}
	}
	for _, p := range parts {
		count += uint64(len(p))
		write(p)
	}
	// A length has 128 bits; the upper half, and with it 2 EiB of message, is always 0 here.
	var end [block512 + 16]byte
	end[0] = 0x80
	n := (block512+112-1-used)%block512 + 1
	binary.BigEndian.PutUint64(end[n+8:], count*8)
	write(end[:n+16])
	for i, h := range state {
		binary.BigEndian.PutUint64(out[8*i:], h)
	}
	return out
}

func block(state *[8]uint64, p *[block512]byte) {
	var w [80]uint64
	for i := range 16 {
		w[i] = binary.BigEndian.Uint64(p[8*i:])
	}
	for i := 16; i < 80; i++ {
		x, y := w[i-15], w[i-2]
		s0 := bits.RotateLeft64(x, -1) ^ bits.RotateLeft64(x, -8) ^ x>>7
		s1 := bits.RotateLeft64(y, -19) ^ bits.RotateLeft64(y, -61) ^ y>>6
		w[i] = w[i-16] + s0 + w[i-7] + s1
	}
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for i := range 80 {
		s1 := bits.RotateLeft64(e, -14) ^ bits.RotateLeft64(e, -18) ^ bits.RotateLeft64(e, -41)
		t1 := h + s1 + (e&f ^ ^e&g) + primes[i] + w[i]
		s0 := bits.RotateLeft64(a, -28) ^ bits.RotateLeft64(a, -34) ^ bits.RotateLeft64(a, -39)
		t2 := s0 + (a&b ^ a&c ^ b&c)
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	for i, v := range [8]uint64{a, b, c, d, e, f, g, h} {
		state[i] += v
	}
}
