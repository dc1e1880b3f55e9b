// Package chachapoly is the AEAD ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce, as the Noise
// protocol uses it. It knows nothing of what is encrypted. No branch and no address depends on a secret.
//
// It stands here because golang.org/x/crypto's brings, through crypto/cipher, AES and the self-tests of FIPS
// 140, which the member has no use for.
package chachapoly
