package sha2_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"

	"goop/wasm/internal/sha2"
)

// The examples of FIPS 180-4 and RFC 4231.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	long := "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
	for _, tt := range []struct{ in, want256, want512 string }{
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{long, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
			"8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
		{strings.Repeat("a", 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
			"e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
	} {
		if got := sha2.Sum256([]byte(tt.in)); hex.EncodeToString(got[:]) != tt.want256 {
			t.Errorf("SHA-256 of %d bytes: got %x, want %s", len(tt.in), got, tt.want256)
		}
		if got := sha2.Sum512([]byte(tt.in)); hex.EncodeToString(got[:]) != tt.want512 {
			t.Errorf("SHA-512 of %d bytes: got %x, want %s", len(tt.in), got, tt.want512)
		}
	}
	for _, tt := range []struct{ key, in, want string }{
		{strings.Repeat("\x0b", 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	} {
		if got := sha2.HMAC256([]byte(tt.key), []byte(tt.in)); hex.EncodeToString(got[:]) != tt.want {
			t.Errorf("HMAC of %q: got %x, want %s", tt.in, got, tt.want)
		}
	}
}

// Every length around the borders of blocks, in two parts that are cut everywhere.
func TestLikeGo(t *testing.T) {
	t.Parallel()
	b := bytes.Repeat([]byte("0123456789abcdef~"), 20)
	for n := range 300 {
		for _, cut := range []int{0, 1, n / 2, n} {
			cut = min(cut, n)
			same(t, b[:cut], b[cut:n])
		}
	}
}

func same(t *testing.T, first, second []byte) {
	t.Helper()
	whole := append(bytes.Clone(first), second...)
	if got, want := sha2.Sum256(first, second), sha256.Sum256(whole); got != want {
		t.Errorf("SHA-256 of %d + %d bytes: got %x, want %x", len(first), len(second), got, want)
	}
	if got, want := sha2.Sum512(first, second), sha512.Sum512(whole); got != want {
		t.Errorf("SHA-512 of %d + %d bytes: got %x, want %x", len(first), len(second), got, want)
	}
	key := first[:min(len(first), 64)]
	mac := hmac.New(sha256.New, key)
	mac.Write(whole)
	if got, want := sha2.HMAC256(key, first, second), mac.Sum(nil); !bytes.Equal(got[:], want) {
		t.Errorf("HMAC of %d + %d bytes: got %x, want %x", len(first), len(second), got, want)
	}
}

func FuzzLikeGo(f *testing.F) {
	f.Add([]byte("key"), []byte("message"))
	f.Fuzz(func(t *testing.T, first, second []byte) { same(t, first, second) })
}
