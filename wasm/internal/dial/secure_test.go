package dial

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestUnhexLikeGo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "00", "09aFAf", "0g", "g0", "abc", "  ", "\x10\x11", "`@", "é9", "/:", "\xb0\xb1", "Pp"} {
		want, err := hex.DecodeString(text)
		if got, ok := unhex(text); ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Errorf("%q: got %x, %v, want %x, %v", text, got, ok, want, err)
		}
	}
	for c := range 256 {
		text := string([]byte{byte(c), '7'})
		want, err := hex.DecodeString(text)
		if got, ok := unhex(text); ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Errorf("%q: got %x, %v, want %x, %v", text, got, ok, want, err)
		}
	}
}
