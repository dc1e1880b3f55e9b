package jsontext

import (
	"strconv"
	"unicode/utf8"
)

// Writer appends one JSON text to B. Inside an object each value is preceded by its Key; commas are
// the Writer's concern. The zero value is ready for use.
//
//	w := jsontext.Writer{B: dst}
//	w.Begin('{')
//	w.Key("seq")
//	w.Int(7)
//	w.End('}')
type Writer struct {
	B     []byte
	comma bool
}

// Rest returns a Writer that goes on in an object or array which has something in it already, wherever
// that is.
func Rest(dst []byte) Writer { return Writer{B: dst, comma: true} }

// Begin opens an object ('{') or an array ('[').
func (w *Writer) Begin(open byte) {
	w.separate()
	w.B = append(w.B, open)
	w.comma = false
}

// End closes an object ('}') or an array (']').
func (w *Writer) End(closing byte) {
	w.B = append(w.B, closing)
	w.comma = true
}

// Key writes the name of the next value.
func (w *Writer) Key(key string) {
	w.separate()
	w.B = AppendString(w.B, key)
	w.B = append(w.B, ':')
	w.comma = false
}

// Str writes a string.
func (w *Writer) Str(s string) {
	w.separate()
	w.B = AppendString(w.B, s)
	w.comma = true
}

// StrUnlessEmpty writes a key and a string, and nothing at all for "".
func (w *Writer) StrUnlessEmpty(key, s string) {
	if s != "" {
		w.Key(key)
		w.Str(s)
	}
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	w.separate()
	w.B = strconv.AppendInt(w.B, n, 10)
	w.comma = true
}

// Bool writes a boolean.
func (w *Writer) Bool(v bool) {
	w.separate()
	w.B = strconv.AppendBool(w.B, v)
	w.comma = true
}

// Raw writes a value that is JSON already, and null for an empty one.
func (w *Writer) Raw(raw []byte) {
	w.separate()
	if len(raw) == 0 {
		w.B = append(w.B, "null"...)
	} else {
		w.B = append(w.B, raw...)
	}
	w.comma = true
}

func (w *Writer) separate() {
	if w.comma {
		w.B = append(w.B, ',')
	}
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD. The line and paragraph
// separators U+2028 and U+2029 are escaped, so that the text is also a JavaScript literal.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; ; {
		as := i
		i = ordinary(s, i)
		if dst = append(dst, s[as:i]...); i == len(s) {
			return append(dst, '"')
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = appendEscape(dst, r)
		i += n
	}
}

// appendEscape appends a character that ordinary stops at.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\u2028', '\u2029':
		return append(dst, '\\', 'u', '2', '0', '2', hexDigits[r&15])
	case utf8.RuneError:
		return append(dst, "\ufffd"...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
}

// ordinary returns the first index from i on of a character that does not stand in a JSON string as it is.
func ordinary(s string, i int) int {
	for {
		i = ordinaryASCII(s, i)
		if i == len(s) || s[i] < utf8.RuneSelf {
			return i
		}
		for i < len(s) && s[i] >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
				return i
			}
			i += n
		}
	}
}

// ordinaryASCII returns the first index from i on of a byte that is not ASCII, or a control character, a quote or a
// backslash. As plain does, it looks at eight bytes at a time.
func ordinaryASCII(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if (special(x)|zeros(x^bytesOf(0x7f))|x)&bytesOf(0x80) != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			break
		}
	}
	return i
}
