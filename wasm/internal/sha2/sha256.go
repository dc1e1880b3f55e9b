package sha2

import (
	"encoding/binary"
	"math/bits"
)

// Size256 is the length of a SHA-256 digest.
const Size256 = 32

const block256 = 64

// Sum256 returns the SHA-256 digest of the parts, one behind the other.
func Sum256(parts ...[]byte) [Size256]byte {
	d := new256()
	for _, p := range parts {
		d.write(p)
	}
	return d.sum()
}

// HMAC256 returns the HMAC-SHA-256 of the parts, one behind the other. The key has at most 64 bytes.
func HMAC256(key []byte, parts ...[]byte) [Size256]byte {
	if len(key) > block256 {
		panic("sha2: an HMAC key of more than 64 bytes")
	}
	var pad [block256]byte
	inner, outer := new256(), new256()
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	inner.write(pad[:])
	for _, p := range parts {
		inner.write(p)
	}
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	outer.write(pad[:])
	hash := inner.sum()
	outer.write(hash[:])
	return outer.sum()
}

type digest256 struct {
	h     [8]uint32
	part  [block256]byte // of a block that is not yet whole
	count uint64         // of the bytes so far
}

func new256() *digest256 {
	d := &digest256{}
	for i := range d.h {
		d.h[i] = uint32(start[i] >> 32)
	}
	return d
}

func (d *digest256) write(p []byte) {
	used := int(d.count % block256)
	d.count += uint64(len(p))
	if used > 0 {
		n := copy(d.part[used:], p)
		p = p[n:]
		if used+n < block256 {
			return
		}
		d.block(&d.part)
	}
	for len(p) >= block256 {
		d.block((*[block256]byte)(p))
		p = p[block256:]
	}
	copy(d.part[:], p)
}

// sum ends the message.
func (d *digest256) sum() (out [Size256]byte) {
	length := d.count * 8
	var end [block256 + 8]byte
	end[0] = 0x80
	n := (block256+56-1-int(d.count%block256))%block256 + 1 // up to 8 bytes before the end of a block
	binary.BigEndian.PutUint64(end[n:], length)
	d.write(end[:n+8])
	for i, h := range d.h {
		binary.BigEndian.PutUint32(out[4*i:], h)
	}
	return out
}

func (d *digest256) block(p *[block256]byte) {
	var w [64]uint32
	for i := range 16 {
		w[i] = binary.BigEndian.Uint32(p[4*i:])
	}
	for i := 16; i < 64; i++ {
		x, y := w[i-15], w[i-2]
		s0 := bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
		s1 := bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10
		w[i] = w[i-16] + s0 + w[i-7] + s1
	}
	a, b, c, d3, e, f, g, h := d.h[0], d.h[1], d.h[2], d.h[3], d.h[4], d.h[5], d.h[6], d.h[7]
	for i := range 64 {
		s1 := bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)
		t1 := h + s1 + (e&f ^ ^e&g) + uint32(primes[i]>>32) + w[i]
		s0 := bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)
		t2 := s0 + (a&b ^ a&c ^ b&c)
		h, g, f, e, d3, c, b, a = g, f, e, d3+t1, c, b, a, t1+t2
	}
	d.h[0] += a
	d.h[1] += b
	d.h[2] += c
	d.h[3] += d3
	d.h[4] += e
	d.h[5] += f
	d.h[6] += g
	d.h[7] += h
}
