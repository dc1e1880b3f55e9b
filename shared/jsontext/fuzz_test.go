package jsontext_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"goop/shared/jsontext"
)

var seeds = []string{
	`null`, `{"a":[1,-2.5e10,true,false,null,"x"]}`, `"\ud834\udd1e\ud834"`, `{"a":1,"a":2,"\u0061":3}`,
	` [ ] `, `{"":{}}`, `[1,]`, `"\u00`, "\"\xff\"", "\ufeff1", `-`, `01`, `1e`, `{"a":1}x`,
	strings.Repeat("[", 65) + strings.Repeat("]", 65), `9007199254740993`, "\"\u2028\"",
}

// depth is the nesting of a text that encoding/json has accepted.
func depth(text []byte) int {
	d := json.NewDecoder(bytes.NewReader(text))
	deepest, now := 0, 0
	for {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

// FuzzCheck holds Check against encoding/json, which is laxer in two things: it takes invalid UTF-8,
// and deeper nesting.
func FuzzCheck(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := json.Valid(text) && utf8.Valid(text) && depth(text) <= jsontext.MaxDepth
		err := jsontext.Check(text)
		if (err == nil) != want {
			t.Fatalf("%q: got %v, encoding/json says %v", text, err, want)
		}
		if fault, ok := err.(*jsontext.SyntaxError); err != nil && (!ok || fault.Offset < 0 || fault.Offset > len(text)) {
			t.Fatalf("%q: got the error %v", text, err)
		}
		if err == nil && jsontext.Depth(text) != depth(text) {
			t.Fatalf("%q: got depth %d, want %d", text, jsontext.Depth(text), depth(text))
		}
	})
}

// FuzzWalk reads every value of a text in both ways and compares what comes out. It also walks over
// texts that were not checked: that must not panic.
func FuzzWalk(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, e := jsontext.MembersOf(text), jsontext.ElementsOf(text)
		for m.Next() {
		}
		for e.Next() {
		}
		isObject := json.Valid(text) && jsontext.KindOf(text) == jsontext.Object
		if got := m.Whole(); got != isObject && depth(text) <= jsontext.MaxDepth {
			t.Fatalf("%q: got whole: %v, want %v", text, got, isObject)
		}
		if jsontext.Check(text) != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		compare(t, text, d)
	})
}

// compare walks over raw and over the same value in d.
func compare(t *testing.T, raw []byte, d *json.Decoder) {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	kind := jsontext.KindOf(raw)
	switch v := token.(type) {
	case json.Delim:
		if kind != jsontext.Kind(v) {
			t.Fatalf("%q: got kind %q, want %q", raw, kind, v)
		}
		if v == '{' {
			m := jsontext.MembersOf(raw)
			for d.More() {
				key, err := d.Token()
				if err != nil {
					t.Fatal(err)
				}
				if !m.Next() || string(m.Key) != key {
					t.Fatalf("%q: got the key %q, want %q", raw, m.Key, key)
				}
				compare(t, m.Value, d)
			}
			if m.Next() {
				t.Fatalf("%q: one member too many", raw)
			}
		} else {
			e := jsontext.ElementsOf(raw)
			for d.More() {
				if !e.Next() {
					t.Fatalf("%q: an element is missing", raw)
				}
				compare(t, e.Value, d)
			}
			if e.Next() {
				t.Fatalf("%q: one element too many", raw)
			}
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	case string:
		if got, err := jsontext.Str(raw); got != v || err != nil || kind != jsontext.String {
			t.Fatalf("%q: got %q, %v, want %q", raw, got, err, v)
		}
	case bool:
		if got, err := jsontext.Boolean(raw); got != v || err != nil || kind != jsontext.Bool {
			t.Fatalf("%q: got %v, %v, want %v", raw, got, err, v)
		}
	case json.Number:
		want, err := v.Int64()
		ok := err == nil && -jsontext.MaxInt <= want && want <= jsontext.MaxInt
		if got, err := jsontext.Int(raw); (err == nil) != ok || ok && got != want || kind != jsontext.Number {
			t.Fatalf("%q: got %d, %v, want %d, %v", raw, got, err, want, ok)
		}
	case nil:
		if kind != jsontext.Null {
			t.Fatalf("%q: got kind %q, want null", raw, kind)
		}
	}
}

// FuzzAppendString writes any string and reads it back in both ways.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a\"\\\n\x00\x7f", "\u2028é𝄞", "\xff\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := jsontext.AppendString(nil, s)
		want := strings.ToValidUTF8(s, "\ufffd")
		if utf8.ValidString(s) {
			want = s
		}
		var std string
		if err := json.Unmarshal(raw, &std); err != nil {
			t.Fatalf("%q became %s: %v", s, raw, err)
		}
		got, err := jsontext.Str(raw)
		if err != nil || got != std {
			t.Fatalf("%q became %s: got %q, %v, encoding/json reads %q", s, raw, got, err, std)
		}
		if utf8.ValidString(s) && got != want {
			t.Fatalf("%q became %q", s, got)
		}
		if bytes.ContainsAny(raw, "\n\r\u2028\u2029") {
			t.Fatalf("%q became %q, which is no line and no JavaScript", s, raw)
		}
	})
}
