package terminal

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"goop/shared/jsontext"
)

// Form says what a line that comes in is.
type Form int

const (
	Either Form = iota // JSON where it is JSON, and text otherwise
	JSON               // JSON, or refused
	Text               // text, whatever it looks like
)

// Payload returns the line as the payload of a message.
func (f Form) Payload(line string) ([]byte, error) {
	if !utf8.ValidString(line) {
		return nil, errors.New("it is not UTF-8 text")
	}
	if f != Text {
		err := jsontext.Check([]byte(line))
		if err == nil {
			return []byte(line), nil
		}
		if f == JSON {
			return nil, fmt.Errorf("it is not JSON: %w", err)
		}
	}
	return jsontext.AppendString(nil, line), nil
}

// visible appends a line of JSON in which nothing can steer a terminal, or hide: such letters can only stand in
// texts, where an escape means the same, and control characters between them, where a space does.
func visible(dst, line []byte) []byte {
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c < ' ':
			dst = append(dst, ' ')
			i++
		case c < 0x7f:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(line[i:])
			if r == ' ' || unicode.IsPrint(r) && r != utf8.RuneError {
				dst = append(dst, line[i:i+n]...)
			} else if a, b := utf16.EncodeRune(r); a != utf8.RuneError {
				dst = fmt.Appendf(dst, `\u%04x\u%04x`, a, b)
			} else {
				dst = fmt.Appendf(dst, `\u%04x`, r)
			}
			i += n
		}
	}
	return dst
}
