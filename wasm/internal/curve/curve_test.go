package curve_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"goop/wasm/internal/curve"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t *testing.T, s string) *[curve.Size]byte {
	t.Helper()
	return (*[curve.Size]byte)(unhex(t, s))
}

// RFC 7748, sections 5.2 and 6.1.
func TestX25519KnownAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ private, public, want string }{
		{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
		{"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
		{"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
	} {
		got, ok := curve.X25519(key(t, tt.private), key(t, tt.public))
		if !ok || hex.EncodeToString(got[:]) != tt.want {
			t.Errorf("got %v, %x, want %s", ok, got, tt.want)
		}
	}
}

// The thousand rounds of RFC 7748, section 5.2.
func TestX25519Rounds(t *testing.T) {
	t.Parallel()
	k := [curve.Size]byte{9}
	u := k
	for range 1000 {
		next, ok := curve.X25519(&k, &u)
		if !ok {
			t.Fatal("a secret of zeros")
		}
		k, u = next, k
	}
	if got, want := hex.EncodeToString(k[:]), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Public keys of low order, as https://cr.yp.to/ecdh.html#validate lists them.
func TestX25519LowOrder(t *testing.T) {
	t.Parallel()
	for _, public := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
		"4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
		"d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		private, point := [curve.Size]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, key(t, public)
		shared, ok := curve.X25519(&private, point)
		mine, err := ecdh.X25519().NewPrivateKey(private[:])
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := ecdh.X25519().NewPublicKey(point[:])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mine.ECDH(theirs); ok != (err == nil) {
			t.Errorf("%s: got %v, Go says %v", public, ok, err)
		}
		if ok != (shared != [curve.Size]byte{}) {
			t.Errorf("%s: got %v with %x", public, ok, shared)
		}
	}
}

// RFC 8032, section 7.1.
func TestEd25519KnownAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ seed, public, message, want string }{
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	} {
		k, message := curve.FromSeed(key(t, tt.seed)), unhex(t, tt.message)
		if got := hex.EncodeToString(k.Public()); got != tt.public {
			t.Errorf("public key: got %s, want %s", got, tt.public)
		}
		if got := hex.EncodeToString(k.Sign(message)); got != tt.want {
			t.Errorf("signature: got %s, want %s", got, tt.want)
		}
		if !curve.Verify(k.Public(), message, unhex(t, tt.want)) {
			t.Error("its own signature is refused")
		}
	}
}

// like holds all of it against Go's.
func like(t *testing.T, seed, other *[curve.Size]byte, message []byte) {
	t.Helper()
	k, theirs := curve.FromSeed(seed), ed25519.NewKeyFromSeed(seed[:])
	signature := k.Sign(message)
	if !bytes.Equal(k.Public(), theirs[32:]) || !bytes.Equal(signature, ed25519.Sign(theirs, message)) {
		t.Errorf("seed %x: got %x and %x", seed, k.Public(), signature)
	}
	verify(t, k.Public(), message, signature)
	for i := range signature {
		signature[i] ^= 1 << (i % 8)
		verify(t, k.Public(), message, signature)
		signature[i] ^= 1 << (i % 8)
	}
	verify(t, k.Public(), append(message, 0), signature)
	verify(t, other[:], message, signature)
	verify(t, k.Public(), message, append(bytes.Clone(other[:]), other[:]...))

	mine, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := curve.PublicX25519(seed), mine.PublicKey().Bytes(); !bytes.Equal(got[:], want) {
		t.Errorf("X25519 of the base: got %x, want %x", got, want)
	}
	public, err := ecdh.X25519().NewPublicKey(other[:])
	if err != nil {
		t.Fatal(err)
	}
	got, ok := curve.X25519(seed, other)
	want, err := mine.ECDH(public)
	if ok != (err == nil) || ok && !bytes.Equal(got[:], want) {
		t.Errorf("X25519 of %x: got %v, %x, want %v, %x", other, ok, got, err, want)
	}
}

func verify(t *testing.T, public, message, signature []byte) {
	t.Helper()
	if got, want := curve.Verify(public, message, signature), ed25519.Verify(public, message, signature); got != want {
		t.Errorf("key %x, signature %x: got %v, want %v", public, signature, got, want)
	}
}

func TestLikeGo(t *testing.T) {
	t.Parallel()
	var seed, other [curve.Size]byte
	for i := range 20 {
		other[i], other[31] = byte(i*i), byte(7*i)
		like(t, &seed, &other, seed[:i])
		seed, _ = curve.X25519(&seed, &[curve.Size]byte{9})
	}
	if curve.Verify(nil, nil, nil) || curve.Verify(make([]byte, 31), nil, make([]byte, 64)) || curve.Verify(make([]byte, 32), nil, make([]byte, 63)) {
		t.Error("what has another length is taken for a signature")
	}
	// s + L stands for the same number as s, and would make a second signature of each.
	k := curve.FromSeed(&seed)
	signature, carry := k.Sign(nil), 0
	for i, b := range unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010") {
		carry += int(signature[32+i]) + int(b)
		signature[32+i] = byte(carry)
		carry >>= 8
	}
	if curve.Verify(k.Public(), nil, signature) {
		t.Error("a signature that is not in its one form is taken")
	}
}

func FuzzLikeGo(f *testing.F) {
	f.Add(make([]byte, 32), make([]byte, 32), []byte("message"))
	f.Fuzz(func(t *testing.T, seed, other, message []byte) {
		if len(seed) == curve.Size && len(other) == curve.Size {
			like(t, (*[curve.Size]byte)(seed), (*[curve.Size]byte)(other), message)
		}
	})
}
