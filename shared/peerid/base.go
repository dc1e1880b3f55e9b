package peerid

import "strings"

const (
	base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz" // no 0, O, I, l
	base36 = "0123456789abcdefghijklmnopqrstuvwxyz"                       // a DNS label's, in small letters
)

// encode writes bytes as a number in a base, in digits of an alphabet of that many; leading zero bytes are
// leading digits of zero.
func encode(b []byte, alphabet string) string {
	zeros := 0
	for zeros < len(b) && b[zeros] == 0 {
		zeros++
	}
	var digits []byte // least significant first
	for _, c := range b[zeros:] {
		digits = shift(digits, len(alphabet), 256, int(c))
	}
	out := make([]byte, 0, zeros+len(digits))
	for range zeros {
		out = append(out, alphabet[0])
	}
	for i := len(digits) - 1; i >= 0; i-- {
		out = append(out, alphabet[digits[i]])
	}
	return string(out)
}

func decode(s, alphabet string) ([]byte, bool) {
	zeros := 0
	for zeros < len(s) && s[zeros] == alphabet[0] {
		zeros++
	}
	var digits []byte // base 256, least significant first
	for _, c := range []byte(s[zeros:]) {
		d := strings.IndexByte(alphabet, c)
		if d < 0 {
			return nil, false
		}
		digits = shift(digits, 256, len(alphabet), d)
	}
	out := make([]byte, zeros, zeros+len(digits))
	for i := len(digits) - 1; i >= 0; i-- {
		out = append(out, digits[i])
	}
	return out, true
}

// shift returns digits*factor + carry, where digits is a number in the given base, least significant
// digit first.
func shift(digits []byte, base, factor, carry int) []byte {
	for i, d := range digits {
		carry += int(d) * factor
		digits[i] = byte(carry % base)
		carry /= base
	}
	for carry > 0 {
		digits = append(digits, byte(carry%base))
		carry /= base
	}
	return digits
}
