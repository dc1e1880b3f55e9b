package chachapoly

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 8439, section 2.3.2, with the number of the block and the nonce as they are there.
func TestBlock(t *testing.T) {
	t.Parallel()
	var key [KeySize]byte
	for i := range key {
		key[i] = byte(i)
	}
	var s state
	s.init(&New(&key).words, 0)
	s[12], s[13], s[14] = 1, 0x09000000, 0x4a000000
	var out [blockSize]byte
	s.next(&out)
	want := "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
	if hex.EncodeToString(out[:]) != want {
		t.Errorf("got %x, want %s", out, want)
	}
}

// RFC 8439, appendix A.3, the vectors 7 to 11, which are at the edge of the modulus. (An
// AEAD has no part of a block: it fills up with zeros.)
func TestTag(t *testing.T) {
	t.Parallel()
	ff := "ffffffffffffffffffffffffffffffff"
	zero := "00000000000000000000000000000000"
	for _, tt := range []struct{ key, in, want string }{
		{"02000000000000000000000000000000" + zero, ff, "03000000000000000000000000000000"},
		{"02000000000000000000000000000000" + ff, "02000000000000000000000000000000", "03000000000000000000000000000000"},
		{"01000000000000000000000000000000" + zero, ff + "f0ffffffffffffffffffffffffffffff" + "11000000000000000000000000000000", "05000000000000000000000000000000"},
		{"01000000000000000000000000000000" + zero, ff + "fbfefefefefefefefefefefefefefefe" + "01010101010101010101010101010101", zero},
		{"02000000000000000000000000000000" + zero, "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff"},
		{"01000000000000000400000000000000" + zero, "e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000", "14000000000000005500000000000000"},
		{"01000000000000000400000000000000" + zero, "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000", "13000000000000000000000000000000"},
	} {
		var m mac
		m.init((*[32]byte)(unhex(t, tt.key)))
		m.write(unhex(t, tt.in))
		if got := m.sum(); hex.EncodeToString(got[:]) != tt.want {
			t.Errorf("%s: got %x, want %s", tt.in, got, tt.want)
		}
	}
}

// same holds the whole against golang.org/x/crypto: the RFC's own example has a nonce whose first bytes are not 0.
func same(t *testing.T, key [KeySize]byte, nonce uint64, plain, ad []byte) {
	t.Helper()
	theirs, err := chacha20poly1305.New(key[:])
	if err != nil {
		t.Fatal(err)
	}
	var long [12]byte
	binary.LittleEndian.PutUint64(long[4:], nonce)
	want := theirs.Seal([]byte("head"), long[:], plain, ad)
	k := New(&key)
	got := k.Seal([]byte("head"), nonce, plain, ad)
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes with %d: got %x, want %x", len(plain), len(ad), got, want)
	}
	box := got[4:]
	for _, i := range []int{0, len(box) / 2, len(box) - 1} {
		box[i] ^= 4
		if _, ok := k.Open(nil, nonce, box, ad); ok {
			t.Errorf("%d bytes: a change of byte %d is not noticed", len(plain), i)
		}
		box[i] ^= 4
	}
	if _, ok := k.Open(nil, nonce+1, box, ad); ok {
		t.Error("another nonce is not noticed")
	}
	if _, ok := k.Open(nil, nonce, box, append(bytes.Clone(ad), 0)); ok {
		t.Error("another ad is not noticed")
	}
	if back, ok := k.Open([]byte("head"), nonce, box, ad); !ok || string(back) != "head"+string(plain) {
		t.Errorf("%d bytes: got %v and %x back", len(plain), ok, back)
	}
	if back, ok := k.Open(box[:0], nonce, box, ad); !ok || !bytes.Equal(back, plain) {
		t.Errorf("%d bytes, in place: got %v and %x back", len(plain), ok, back)
	}
}

func TestLikeGo(t *testing.T) {
	t.Parallel()
	var key [KeySize]byte
	for i := range key {
		key[i] = byte(7 * i)
	}
	b := bytes.Repeat([]byte{0xff, 0, 0x80, 0x7f, 0xfe}, 100)
	for n := range 300 {
		same(t, key, uint64(n)<<30|1, b[:n], b[n:n+n%40])
	}
	same(t, key, 1<<63, make([]byte, 65519), nil)
	for _, n := range []int{0, 1, TagSize - 1, TagSize} {
		if _, ok := New(&key).Open(nil, 0, make([]byte, n), nil); ok {
			t.Errorf("%d zeros are taken", n)
		}
	}
}

func FuzzLikeGo(f *testing.F) {
	f.Add(make([]byte, KeySize), uint64(1), []byte("plain"), []byte("ad"))
	f.Add(bytes.Repeat([]byte{0xff}, KeySize), uint64(1<<40), bytes.Repeat([]byte{0xff}, 100), []byte{})
	f.Fuzz(func(t *testing.T, key []byte, nonce uint64, plain, ad []byte) {
		if len(key) == KeySize {
			same(t, [KeySize]byte(key), nonce, plain, ad)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k := New(&[KeySize]byte{})
	plain := make([]byte, 16<<10)
	out := make([]byte, 0, len(plain)+TagSize)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		out = k.Seal(out[:0], 1, plain, nil)
	}
}

func BenchmarkOpen(b *testing.B) {
	k := New(&[KeySize]byte{})
	box := k.Seal(nil, 1, make([]byte, 16<<10), nil)
	out := make([]byte, 0, len(box))
	b.SetBytes(int64(len(box) - TagSize))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := k.Open(out, 1, box, nil); !ok {
			b.Fatal("it is not taken")
		}
	}
}
