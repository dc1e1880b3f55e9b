package chachapoly

import "encoding/binary"

// TagSize is the length of the authentication tag.
const TagSize = 16

// mac is Poly1305: numbers modulo 2^130 - 5 in five limbs of 26 bits, so that all products fit into 64 bits,
// which is what WebAssembly multiplies.
type mac struct {
	r    [5]uint64 // the factor
	h    [5]uint64 // the sum so far
	last [4]uint32 // is added at the end
}

const limb = 1<<26 - 1

func (m *mac) init(key *[32]byte) {
	m.r = limbs(key[:16], 0)
	for i, mask := range [5]uint64{0x3ffffff, 0x3ffff03, 0x3ffc0ff, 0x3f03fff, 0x00fffff} {
		m.r[i] &= mask
	}
	m.h = [5]uint64{}
	for i := range m.last {
		m.last[i] = binary.LittleEndian.Uint32(key[16+4*i:])
	}
}

// limbs cuts 16 bytes, and the bits above them, into limbs.
func limbs(b []byte, above uint64) [5]uint64 {
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:16])
	return [5]uint64{lo & limb, lo >> 26 & limb, (lo>>52 | hi<<12) & limb, hi >> 14 & limb, hi>>40 | above<<24}
}

// write adds data, and zeros up to a whole number of blocks of 16 bytes.
func (m *mac) write(p []byte) {
	r0, r1, r2, r3, r4 := m.r[0], m.r[1], m.r[2], m.r[3], m.r[4]
	s1, s2, s3, s4 := 5*r1, 5*r2, 5*r3, 5*r4
	h0, h1, h2, h3, h4 := m.h[0], m.h[1], m.h[2], m.h[3], m.h[4]
	var end [16]byte
	for len(p) > 0 {
		if len(p) < 16 {
			copy(end[:], p)
			p = end[:]
		}
		b := limbs(p, 1)
		h0, h1, h2, h3, h4 = h0+b[0], h1+b[1], h2+b[2], h3+b[3], h4+b[4]
		d0 := h0*r0 + h1*s4 + h2*s3 + h3*s2 + h4*s1
		d1 := h0*r1 + h1*r0 + h2*s4 + h3*s3 + h4*s2
		d2 := h0*r2 + h1*r1 + h2*r0 + h3*s4 + h4*s3
		d3 := h0*r3 + h1*r2 + h2*r1 + h3*r0 + h4*s4
		d4 := h0*r4 + h1*r3 + h2*r2 + h3*r1 + h4*r0
		d1 += d0 >> 26
		d2 += d1 >> 26
		d3 += d2 >> 26
		d4 += d3 >> 26
		h0 = d0&limb + 5*(d4>>26)
		h1 = d1&limb + h0>>26
		h0, h2, h3, h4 = h0&limb, d2&limb, d3&limb, d4&limb
		p = p[16:]
	}
	m.h = [5]uint64{h0, h1, h2, h3, h4}
}

// sum returns the tag.
func (m *mac) sum() (tag [TagSize]byte) {
	h := &m.h
	for range 2 { // after this each limb has 26 bits
		carry := uint64(0)
		for i := range h {
			h[i] += carry
			carry = h[i] >> 26
			h[i] &= limb
		}
		h[0] += 5 * carry
	}
	// g is h - (2^130 - 5); it counts when it is not negative.
	var g [5]uint64
	carry := uint64(5)
	for i := range h {
		g[i] = h[i] + carry
		carry = g[i] >> 26
		g[i] &= limb
	}
	over := -carry // all ones when h + 5 reaches 2^130
	for i := range h {
		h[i] ^= over & (h[i] ^ g[i])
	}
	words := [4]uint64{h[0] | h[1]<<26, h[1]>>6 | h[2]<<20, h[2]>>12 | h[3]<<14, h[3]>>18 | h[4]<<8}
	carry = 0
	for i, w := range words {
		carry += w&0xffffffff + uint64(m.last[i])
		binary.LittleEndian.PutUint32(tag[4*i:], uint32(carry))
		carry >>= 32
	}
	return tag
}
