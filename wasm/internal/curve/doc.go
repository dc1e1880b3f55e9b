// Package curve is X25519 (RFC 7748) and Ed25519 (RFC 8032), on the arithmetic of filippo.io/edwards25519,
// which is that of Go's own. It knows nothing of handshakes. Its functions are pure, and only Verify, which
// has no secret, takes longer for one input than for another.
//
// It stands here because crypto/ecdh and crypto/ed25519 bring the NIST curves, whose table alone has 88 KB
// that no compressor makes smaller, and the self-tests of FIPS 140.
package curve
