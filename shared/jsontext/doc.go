// Package jsontext reads and writes JSON (RFC 8259) as text, without reflection and without copying:
// a value stays the slice of bytes in which it arrived until somebody needs it.
//
// It is stricter than encoding/json, because what it reads comes from strangers and goes on to a
// browser's JSON.parse, and the two must not differ in what they see: keys are compared exactly,
// invalid UTF-8 is refused, nesting is bounded, nothing may follow the value. It must not know what
// any key means. The package holds no state; everything in it may be used from many goroutines.
package jsontext
