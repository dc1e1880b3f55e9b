package jsontext

import "unicode/utf8"

// Expect reads a text of which the caller knows how it was written, part by part and without copies. A
// method that finds something else reports false and stays where it was: the text may still be JSON, and
// Check and MembersOf are for it then. A text that was read to its End was one.
type Expect struct{ s scanner }

// ExpectOf returns an Expect at the beginning of b.
func ExpectOf(b []byte) Expect { return Expect{scanner{b: b}} }

// Token steps over text that stands there exactly.
func (e *Expect) Token(text string) bool {
	rest := e.s.b[e.s.i:]
	if len(rest) < len(text) || string(rest[:len(text)]) != text {
		return false
	}
	e.s.i += len(text)
	return true
}

// Str steps over a string that has no escapes in it, and returns what it holds.
func (e *Expect) Str() ([]byte, bool) {
	start := e.s.i + 1
	if e.s.peek() != '"' {
		return nil, false
	}
	end := plain(e.s.b, start)
	if end == len(e.s.b) || e.s.b[end] != '"' {
		return nil, false
	}
	e.s.i = end + 1
	return e.s.b[start:end], true
}

// Int steps over an integer from 1 to MaxInt.
func (e *Expect) Int() (int64, bool) {
	n, i := int64(0), e.s.i
	for ; i < len(e.s.b) && i < e.s.i+16; i++ {
		c := e.s.b[i]
		if c < '0' || c > '9' || c == '0' && n == 0 {
			break
		}
		n = 10*n + int64(c-'0')
	}
	if n == 0 || n > MaxInt || i < len(e.s.b) && '0' <= e.s.b[i] && e.s.b[i] <= '9' {
		return 0, false
	}
	e.s.i = i
	return n, true
}

// Member steps over the value of a member of the outermost object, and returns it.
func (e *Expect) Member() ([]byte, bool) {
	start := e.s.i
	if e.s.value(1) != nil {
		e.s.i = start
		return nil, false
	}
	return e.s.b[start:e.s.i], true
}

// End reports whether nothing is left, and all of the text was valid UTF-8.
func (e *Expect) End() bool { return e.s.i == len(e.s.b) && utf8.Valid(e.s.b) }
