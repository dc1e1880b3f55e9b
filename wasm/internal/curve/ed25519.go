package curve

import (
	"bytes"

	"filippo.io/edwards25519"

	"goop/wasm/internal/sha2"
)

// SignatureSize is the length of a signature.
const SignatureSize = 64

// Private is an Ed25519 key that signs. It may be used from any goroutine.
type Private struct {
	scalar *edwards25519.Scalar
	prefix [32]byte // is hashed with a message for the signature's secret number
	public [Size]byte
}

// FromSeed returns the key of a seed.
func FromSeed(seed *[Size]byte) *Private {
	hash := sha2.Sum512(seed[:])
	s, err := edwards25519.NewScalar().SetBytesWithClamping(hash[:32])
	if err != nil {
		panic(err.Error()) // only for another length
	}
	return &Private{
		scalar: s,
		prefix: [32]byte(hash[32:]),
		public: [Size]byte(timesBase(s).Bytes()),
	}
}

// Public returns the public key.
func (k *Private) Public() []byte { return k.public[:] }

// Sign returns the signature of a message.
func (k *Private) Sign(message []byte) []byte {
	r := uniform(k.prefix[:], message)
	out := timesBase(r).Bytes()
	challenge := uniform(out, k.public[:], message)
	return append(out, challenge.MultiplyAdd(challenge, k.scalar, r).Bytes()...)
}

// Verify reports whether a signature is that of a message by the owner of a public key. What has another
// length than it should is no signature.
func Verify(public, message, signature []byte) bool {
	if len(public) != Size || len(signature) != SignatureSize {
		return false
	}
	a, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return false
	}
	s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	// sB = R + kA, which is R = k(-A) + sB
	k := uniform(signature[:32], public, message)
	r := new(edwards25519.Point).VarTimeMultiScalarMult(
		[]*edwards25519.Scalar{k, s}, []*edwards25519.Point{a.Negate(a), edwards25519.NewGeneratorPoint()})
	return bytes.Equal(r.Bytes(), signature[:32])
}

// timesBase multiplies the base point in constant time. edwards25519's own functions for that first make a table
// of its multiples, which takes longer than all that a page signs and verifies when it connects.
func timesBase(s *edwards25519.Scalar) *edwards25519.Point {
	return new(edwards25519.Point).ScalarMult(s, edwards25519.NewGeneratorPoint())
}

// uniform returns the SHA-512 digest of the parts as a number.
func uniform(parts ...[]byte) *edwards25519.Scalar {
	hash := sha2.Sum512(parts...)
	s, err := edwards25519.NewScalar().SetUniformBytes(hash[:])
	if err != nil {
		panic(err.Error()) // only for another length
	}
	return s
}
