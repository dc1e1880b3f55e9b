package peerid

import "strings"

// alphabet is base58's: no 0, O, I, l. Leading zero bytes are leading '1's.
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func encode(b []byte) string {
	zeros := 0
	for zeros < len(b) && b[zeros] == 0 {
		zeros++
	}
	var digits []byte // base 58, least significant first
	for _, c := range b[zeros:] {
		digits = shift(digits, 58, 256, int(c))
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

func decode(s string) ([]byte, bool) {
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
		digits = shift(digits, 256, 58, d)
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
