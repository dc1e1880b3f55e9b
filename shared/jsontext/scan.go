package jsontext

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting of arrays and objects that is accepted.
const MaxDepth = 64

// SyntaxError tells what is wrong with a text, and at which byte.
type SyntaxError struct {
	Offset int
	What   string
}

func (e *SyntaxError) Error() string {
	return e.What + " at byte " + strconv.Itoa(e.Offset)
}

// Check returns nil when b is exactly one JSON value in valid UTF-8, and a *SyntaxError otherwise.
func Check(b []byte) error {
	if !utf8.Valid(b) {
		return &SyntaxError{firstInvalid(b), "invalid UTF-8"}
	}
	s := scanner{b: b}
	s.space()
	if err := s.value(0); err != nil {
		return err
	}
	s.space()
	if s.i < len(b) {
		return s.fault("unexpected bytes after the value")
	}
	return nil
}

// Kind is the class of a JSON value.
type Kind byte

// The kinds, named by the byte with which a value of it begins.
const (
	Invalid Kind = 0
	Object  Kind = '{'
	Array   Kind = '['
	String  Kind = '"'
	Number  Kind = '0'
	Bool    Kind = 't'
	Null    Kind = 'n'
)

// KindOf returns the kind of a value by its first byte; it does not check the rest.
func KindOf(raw []byte) Kind {
	for _, c := range raw {
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		case '{', '[', '"', 'n':
			return Kind(c)
		case 't', 'f':
			return Bool
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return Number
		}
		break
	}
	return Invalid
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// scanner walks over b; i is the next byte.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) fault(what string) error { return &SyntaxError{s.i, what} }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// value walks over one value. The scanner stands on its first byte, and then behind its last.
func (s *scanner) value(depth int) error {
	if s.i >= len(s.b) {
		return s.fault("unexpected end, expected a JSON value")
	}
	switch c := s.b[s.i]; c {
	case '{', '[':
		if depth >= MaxDepth {
			return s.fault("nested too deeply")
		}
		return s.container(c, depth+1)
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) container(open byte, depth int) error {
	closing := byte('}')
	if open == '[' {
		closing = ']'
	}
	s.i++
	s.space()
	if s.i < len(s.b) && s.b[s.i] == closing {
		s.i++
		return nil
	}
	for {
		if open == '{' {
			if err := s.key(); err != nil {
				return err
			}
		}
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		if s.i >= len(s.b) {
			return s.fault("unexpected end, expected a comma or " + string(closing))
		}
		switch s.b[s.i] {
		case ',':
			s.i++
			s.space()
		case closing:
			s.i++
			return nil
		default:
			return s.fault("expected a comma or " + string(closing))
		}
	}
}

// key walks over a member's name, its colon and the white space around.
func (s *scanner) key() error {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return s.fault("expected a key in double quotes")
	}
	if err := s.str(); err != nil {
		return err
	}
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != ':' {
		return s.fault("expected a colon")
	}
	s.i++
	s.space()
	return nil
}

// bytesOf is a word of eight bytes of that value.
func bytesOf(c byte) uint64 { return 0x0101010101010101 * uint64(c) }

// special has the highest bit of a byte set where x has a quote, a backslash or a control character in it, and none
// set where x has none of them in any.
func special(x uint64) uint64 {
	// A byte of x - n is above 0x7f, where that of x is not, when it was below n; a byte that a
	// lower one has borrowed from may be told wrongly, but only beside one that was told rightly.
	return (x-bytesOf(0x20))&^x | zeros(x^bytesOf('"')) | zeros(x^bytesOf('\\'))
}

// zeros is the same for bytes that are zero.
func zeros(x uint64) uint64 { return (x - bytesOf(1)) &^ x }

// plain returns the first index from i on of a byte that means something within a string: its end, an
// escape, or a control character that may not stand there. It looks at eight bytes at a time: most of
// what a page receives are strings, and byte by byte this took a tenth of all its time.
func plain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if special(binary.LittleEndian.Uint64(b[i:]))&bytesOf(0x80) != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

func (s *scanner) str() error {
	for i := plain(s.b, s.i+1); i < len(s.b); i = plain(s.b, i+1) {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return nil
		case c < 0x20:
			s.i = i
			return s.fault("control character in a string")
		case c == '\\':
			i++
			if i >= len(s.b) {
				break
			}
			switch s.b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(s.b[i+1:]); !ok {
					s.i = i
					return s.fault("expected four hexadecimal digits")
				}
				i += 4
			default:
				s.i = i
				return s.fault("unknown escape in a string")
			}
		}
	}
	s.i = len(s.b)
	return s.fault("unexpected end in a string")
}

func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fault("expected a JSON value")
	}
	s.i += len(w)
	return nil
}

func (s *scanner) number() error {
	start := s.i
	if s.peek() == '-' {
		s.i++
	}
	switch c := s.peek(); {
	case c == '0':
		s.i++
	case '1' <= c && c <= '9':
		s.digits()
	default:
		s.i = start
		return s.fault("expected a JSON value")
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return s.fault("expected a digit")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return s.fault("expected a digit")
		}
	}
	return nil
}

// peek returns the next byte, and 0 at the end (0 begins no token).
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Depth returns how deeply arrays and objects are nested in a value that Check has accepted: 0 for a
// string, 1 for [] and for {"a":1}.
func Depth(raw []byte) int {
	deepest, depth, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
