package curve

import "filippo.io/edwards25519/field"

// Size is the length of a private key, a public key and a shared secret of X25519, and of a seed and a public
// key of Ed25519.
const Size = 32

// base is the public key of the private key 1, by RFC 7748.
var base = [Size]byte{9}

// PublicX25519 returns the public key of a private one, which may be any 32 bytes.
func PublicX25519(private *[Size]byte) [Size]byte {
	public, _ := X25519(private, &base) // which is not of low order
	return public
}

// X25519 returns what the owner of a private key shares with the owner of a public one, and reports whether
// that is a secret: a public key of low order makes it all zeros, whatever the private one is.
func X25519(private, public *[Size]byte) (shared [Size]byte, ok bool) {
	e := *private
	e[0] &= 248
	e[31] = e[31]&127 | 64

	// The Montgomery ladder of RFC 7748, section 5, with its names.
	var x1, x2, z2, x3, z3, a, b, c, d, aa, bb, da, cb field.Element
	if _, err := x1.SetBytes(public[:]); err != nil {
		panic(err.Error()) // only for another length
	}
	x2.One()
	x3.Set(&x1)
	z3.One()
	swap := 0
	for t := 254; t >= 0; t-- {
		bit := int(e[t/8] >> (t % 8) & 1)
		x2.Swap(&x3, swap^bit)
		z2.Swap(&z3, swap^bit)
		swap = bit

		a.Add(&x2, &z2)
		b.Subtract(&x2, &z2)
		c.Add(&x3, &z3)
		d.Subtract(&x3, &z3)
		aa.Square(&a)
		bb.Square(&b)
		da.Multiply(&d, &a)
		cb.Multiply(&c, &b)
		x3.Square(a.Add(&da, &cb))
		z3.Multiply(&x1, b.Square(b.Subtract(&da, &cb)))
		x2.Multiply(&aa, &bb)
		c.Subtract(&aa, &bb)
		z2.Multiply(&c, d.Add(&aa, d.Mult32(&c, 121665)))
	}
	x2.Swap(&x3, swap)
	z2.Swap(&z3, swap)
	copy(shared[:], x2.Multiply(&x2, z2.Invert(&z2)).Bytes())

	any := byte(0)
	for _, b := range shared {
		any |= b
	}
	return shared, any != 0
}
