package data

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"goop/shared/jsontext"
)

// Type is the type of a column.
type Type string

// The types, and what a value of each is in JSON.
const (
	Text    Type = "text"    // a string
	Integer Type = "integer" // a number without a fraction, within ±(2⁵³−1)
	Real    Type = "real"    // a number
	Boolean Type = "boolean" // true or false
	JSON    Type = "json"    // any value; null is no value, as everywhere
	Blob    Type = "blob"    // a string: standard base64, padded
	Time    Type = "time"    // integer milliseconds since 1970
)

// Types lists every Type.
var Types = []Type{Text, Integer, Real, Boolean, JSON, Blob, Time}

// Value is one value of a row. The zero Value is null.
type Value struct {
	Type Type    // "" for null
	N    int64   // of an integer and a time; 0 or 1 of a boolean
	F    float64 // of a real
	S    string  // of a text; the bytes of a blob; the JSON text of a json
}

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.Type == "" }

// TextValue, IntegerValue, BooleanValue, TimeValue and JSONValue make values.
func TextValue(s string) Value   { return Value{Type: Text, S: s} }
func IntegerValue(n int64) Value { return Value{Type: Integer, N: n} }
func TimeValue(ms int64) Value   { return Value{Type: Time, N: ms} }

// JSONValue takes JSON text that jsontext.Check accepts.
func JSONValue(raw []byte) Value { return Value{Type: JSON, S: string(raw)} }

// BooleanValue makes a boolean.
func BooleanValue(b bool) Value {
	v := Value{Type: Boolean}
	if b {
		v.N = 1
	}
	return v
}

// expected is what a parser says about a value of the wrong kind.
type expected string

func (e expected) Error() string { return "expected " + string(e) }

// parse reads JSON text that has been checked as a value of the type. The error says what was expected.
func (t Type) parse(raw []byte) (Value, error) {
	kind := jsontext.KindOf(raw)
	if kind == jsontext.Null {
		return Value{}, nil
	}
	v := Value{Type: t}
	switch t {
	case Text:
		s, err := jsontext.Str(raw)
		switch {
		case err != nil:
			return Value{}, expected("a string, got " + describe(raw))
		case strings.IndexByte(s, 0) >= 0:
			return Value{}, expected("a text without the character U+0000")
		}
		v.S = s
	case Integer, Time:
		n, err := jsontext.Int(raw)
		if err != nil {
			what := "an integer within ±9007199254740991, got "
			if t == Time {
				what = "a time in integer milliseconds since 1970, got "
			}
			return Value{}, expected(what + describe(raw))
		}
		v.N = n
	case Real:
		if kind != jsontext.Number {
			return Value{}, expected("a number, got " + describe(raw))
		}
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || math.IsInf(f, 0) {
			return Value{}, expected("a number that fits 64 bits, got " + describe(raw))
		}
		if f == 0 {
			f = 0 // SQLite has no negative zero
		}
		v.F = f
	case Boolean:
		b, err := jsontext.Boolean(raw)
		if err != nil {
			return Value{}, expected("true or false, got " + describe(raw))
		}
		return BooleanValue(b), nil
	case Blob:
		s, err := jsontext.Str(raw)
		if err != nil {
			return Value{}, expected("a string of base64, got " + describe(raw))
		}
		b, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") {
			return Value{}, expected("standard base64 with padding, got " + describe(raw))
		}
		v.S = string(b)
	case JSON:
		v.S = string(compact(raw))
	}
	return v, nil
}

// Append appends the value as JSON text.
func (v Value) Append(dst []byte) []byte {
	switch v.Type {
	case Text:
		return jsontext.AppendString(dst, v.S)
	case Integer, Time:
		return strconv.AppendInt(dst, v.N, 10)
	case Real:
		return appendReal(dst, v.F)
	case Boolean:
		return strconv.AppendBool(dst, v.N != 0)
	case Blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.S))
		return append(dst, '"')
	case JSON:
		return append(dst, v.S...)
	}
	return append(dst, "null"...)
}

// appendReal writes a number the way JavaScript does. What JSON cannot say, and only somebody with a
// tool of his own can have stored, is null.
func appendReal(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// compact returns checked JSON text without the white space between its tokens. What is stored
// never holds a newline, whatever the file or line it came from.
func compact(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString && c == '\\':
			out = append(out, c)
			i++
			c = raw[i]
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		}
		out = append(out, c)
	}
	return out
}

// describe shows a value in an error, cut to what fits a line.
func describe(raw []byte) string {
	const most = 40
	s := string(compact(raw))
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// compare orders two values of one column that are not null: -1, 0 or 1, as SQLite orders them.
func compare(a, b Value) int {
	switch a.Type {
	case Real:
		switch {
		case a.F < b.F:
			return -1
		case a.F > b.F:
			return 1
		}
		return 0
	case Integer, Time, Boolean:
		switch {
		case a.N < b.N:
			return -1
		case a.N > b.N:
			return 1
		}
		return 0
	}
	return strings.Compare(a.S, b.S)
}
