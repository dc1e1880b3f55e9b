package noise

import (
	"goop/wasm/internal/chachapoly"
	"goop/wasm/internal/curve"
	"goop/wasm/internal/sha2"
)

// protocol is the only one that libp2p has. Its name is as long as a digest and so begins the hash as it is.
const protocol = "Noise_XX_25519_ChaChaPoly_SHA256"

// initiator is the initiator's half of an XX handshake (Noise, revision 34, sections 5 and 7.5), without a
// prologue:
//
//	-> e    <- e, ee, s, es    -> s, se
//
// The messages are made and read in this order, once each. Its names are those of the specification.
type initiator struct {
	s, e   [curve.Size]byte // private keys: the static one, the ephemeral one
	re, rs [curve.Size]byte // the responder's public ones

	h, ck [sha2.Size256]byte
	k     *chachapoly.Key // nil before the first secret
	n     uint64
}

// newInitiator takes both private keys, which must be random and are used once only.
func newInitiator(static, ephemeral [curve.Size]byte) *initiator {
	i := &initiator{s: static, e: ephemeral, h: [sha2.Size256]byte([]byte(protocol))}
	i.ck = i.h
	i.mixHash(nil) // the prologue
	return i
}

// hello appends the first message.
func (i *initiator) hello(dst []byte) []byte {
	e := curve.PublicX25519(&i.e)
	i.mixHash(e[:])
	i.mixHash(nil) // the payload
	return append(dst, e[:]...)
}

// answer reads the second message, which it uses up, and returns its payload. It reports whether the message
// was made by somebody who has the keys that are in it.
func (i *initiator) answer(msg []byte) (payload []byte, ok bool) {
	const sealed = curve.Size + chachapoly.TagSize
	if len(msg) < curve.Size+sealed {
		return nil, false
	}
	i.re = [curve.Size]byte(msg)
	i.mixHash(i.re[:])
	if !i.mixSecret(&i.e, &i.re) {
		return nil, false
	}
	rs, ok := i.open(msg[curve.Size : curve.Size+sealed])
	if !ok {
		return nil, false
	}
	i.rs = [curve.Size]byte(rs)
	if !i.mixSecret(&i.e, &i.rs) {
		return nil, false
	}
	return i.open(msg[curve.Size+sealed:])
}

// finish appends the third message, and returns the keys of both directions. It reports whether the
// responder's ephemeral key is good.
func (i *initiator) finish(dst, payload []byte) (msg []byte, send, receive *chachapoly.Key, ok bool) {
	s := curve.PublicX25519(&i.s)
	dst = i.seal(dst, s[:])
	if !i.mixSecret(&i.s, &i.re) {
		return nil, nil, nil, false
	}
	dst = i.seal(dst, payload)
	first, second := hkdf(&i.ck, nil)
	return dst, chachapoly.New(&first), chachapoly.New(&second), true
}

func (i *initiator) mixHash(data []byte) { i.h = sha2.Sum256(i.h[:], data) }

func (i *initiator) mixSecret(private, public *[curve.Size]byte) bool {
	secret, ok := curve.X25519(private, public)
	ck, k := hkdf(&i.ck, secret[:])
	i.ck, i.k, i.n = ck, chachapoly.New(&k), 0
	return ok
}

func (i *initiator) seal(dst, plain []byte) []byte {
	start := len(dst)
	dst = i.k.Seal(dst, i.n, plain, i.h[:])
	i.n++
	i.mixHash(dst[start:])
	return dst
}

// open decrypts a part of a message in its place.
func (i *initiator) open(box []byte) ([]byte, bool) {
	h := i.h
	i.mixHash(box)
	plain, ok := i.k.Open(box[:0], i.n, box, h[:])
	i.n++
	return plain, ok
}

// hkdf is HKDF with two outputs, as Noise has it.
func hkdf(ck *[sha2.Size256]byte, secret []byte) (first, second [sha2.Size256]byte) {
	temp := sha2.HMAC256(ck[:], secret)
	first = sha2.HMAC256(temp[:], []byte{1})
	second = sha2.HMAC256(temp[:], first[:], []byte{2})
	return first, second
}
