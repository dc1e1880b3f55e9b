package jsontext

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxInt is the largest integer that JavaScript holds exactly, 2⁵³−1; -MaxInt is the smallest.
const MaxInt = 1<<53 - 1

// ErrKind is returned when a value is not of the kind that was asked for.
var ErrKind = errors.New("value of another kind")

// Members walks over the members of one object that Check has accepted (alone, or as a part of what
// it accepted).
//
//	m := jsontext.MembersOf(raw)
//	for m.Next() {
//		switch string(m.Key) { … m.Value … }
//	}
type Members struct {
	Key    []byte // unescaped
	Value  []byte // raw, without white space around
	s      scanner
	begun  bool
	broken bool
}

// MembersOf returns a walk over raw. A value that is no object has no members; ask KindOf first.
func MembersOf(raw []byte) Members { return Members{s: scanner{b: raw}} }

// Next steps to the next member and reports whether there was one.
func (m *Members) Next() bool {
	if !m.s.step('{', &m.begun) {
		return false
	}
	m.broken = true // until this member is over
	if m.s.peek() != '"' {
		return false
	}
	start := m.s.i
	if m.s.str() != nil {
		return false
	}
	m.Key = unquoteBytes(m.s.b[start:m.s.i])
	m.s.space()
	if m.s.peek() != ':' {
		return false
	}
	m.s.i++
	m.s.space()
	start = m.s.i
	if m.s.value(0) != nil {
		return false
	}
	m.Value = m.s.b[start:m.s.i]
	m.broken = false
	return true
}

// Whole reports, once Next has returned false, whether the walk came to the end of an object with
// nothing but white space behind it. Who walks over a text that Check has not seen learns from it, and
// from utf8.Valid, in one pass instead of two whether the text was JSON.
func (m *Members) Whole() bool {
	end := m.s
	if !m.begun || m.broken || end.peek() != '}' {
		return false
	}
	end.i++
	end.space()
	return end.i == len(end.b)
}

// Elements walks over the elements of one array that Check has accepted.
type Elements struct {
	Value []byte
	s     scanner
	begun bool
}

// ElementsOf returns a walk over raw. A value that is no array has no elements; ask KindOf first.
func ElementsOf(raw []byte) Elements { return Elements{s: scanner{b: raw}} }

// Next steps to the next element and reports whether there was one.
func (e *Elements) Next() bool {
	if !e.s.step('[', &e.begun) {
		return false
	}
	start := e.s.i
	if e.s.value(0) != nil {
		return false
	}
	e.Value = e.s.b[start:e.s.i]
	return true
}

// step moves to the first byte of the next item of a container and reports whether there is one.
func (s *scanner) step(open byte, begun *bool) bool {
	s.space()
	want := byte(',')
	if !*begun {
		want = open
	}
	if s.peek() != want {
		return false
	}
	at := s.i
	s.i++
	s.space()
	if c := s.peek(); c == '}' || c == ']' || c == 0 {
		if *begun {
			s.i = at // nothing follows a comma: the walk ends before it
		}
		*begun = true
		return false
	}
	*begun = true
	return true
}

// Str returns the text of a JSON string. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
func Str(raw []byte) (string, error) {
	if KindOf(raw) != String {
		return "", ErrKind
	}
	return string(unquoteBytes(bytes.TrimSpace(raw))), nil
}

// Int returns an integer within ±MaxInt. A number with a fraction, an exponent or more than that is
// ErrKind: the far side's JavaScript could not hold it exactly.
func Int(raw []byte) (int64, error) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
	if err != nil || n > MaxInt || n < -MaxInt || KindOf(raw) != Number {
		return 0, ErrKind
	}
	return n, nil
}

// Boolean returns a boolean.
func Boolean(raw []byte) (bool, error) {
	switch string(bytes.TrimSpace(raw)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, ErrKind
}

// unquoteBytes returns the text of a checked string. Without an escape in it, that is a part of raw.
func unquoteBytes(raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	out := append(make([]byte, 0, len(raw)), raw[:i]...)
	for i < len(raw) {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					if low, ok := hex4(raw[i+2:]); ok {
						pair = utf16.DecodeRune(r, low)
					}
				}
				if pair != utf8.RuneError {
					i += 6
				}
				r = pair
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
	return out
}
