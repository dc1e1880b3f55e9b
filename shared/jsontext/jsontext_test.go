package jsontext_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"goop/shared/jsontext"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		what string // of the fault, "" when there is none
		at   int
	}{
		{`null`, "", 0},
		{" \t\r\n{ \"a\" : [ 1 , -0.5e+3 , true , false , null , \"x\" ] } \n", "", 0},
		{`""`, "", 0},
		{`"\"\\\/\b\f\n\r\t\u00e9\uD834\uDD1E"`, "", 0},
		{`"\ud800"`, "", 0}, // text that no UTF-8 holds, but JSON all the same
		{`0`, "", 0},
		{`-0`, "", 0},
		{`1E5`, "", 0},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), "", 0},

		{``, "unexpected end, expected a JSON value", 0},
		{`  `, "unexpected end, expected a JSON value", 2},
		{`{} {}`, "unexpected bytes after the value", 3},
		{`[1,]`, "expected a JSON value", 3},
		{`[1 2]`, "expected a comma or ]", 3},
		{`[1`, "unexpected end, expected a comma or ]", 2},
		{`{"a":1`, "unexpected end, expected a comma or }", 6},
		{`{"a":`, "unexpected end, expected a JSON value", 5},
		{`{`, "expected a key in double quotes", 1},
		{`{a:1}`, "expected a key in double quotes", 1},
		{`{"a" 1}`, "expected a colon", 5},
		{`{"a":1,}`, "expected a key in double quotes", 7},
		{`{"a":}`, "expected a JSON value", 5},
		{`{"a":1]`, "expected a comma or }", 6},
		{`tru`, "expected a JSON value", 0},
		{`True`, "expected a JSON value", 0},
		{`01`, "unexpected bytes after the value", 1},
		{`+1`, "expected a JSON value", 0},
		{`-`, "expected a JSON value", 0},
		{`.5`, "expected a JSON value", 0},
		{`1.`, "expected a digit", 2},
		{`1e`, "expected a digit", 2},
		{`NaN`, "expected a JSON value", 0},
		{`"abc`, "unexpected end in a string", 4},
		{`"\`, "unexpected end in a string", 2},
		{`"\x"`, "unknown escape in a string", 2},
		{`"\u12g4"`, "expected four hexadecimal digits", 2},
		{`"\u12`, "expected four hexadecimal digits", 2},
		{"\"a\nb\"", "control character in a string", 2},
		{"\"\xff\"", "invalid UTF-8", 1},
		{"\"\xed\xa0\x80\"", "invalid UTF-8", 1}, // a surrogate in UTF-8
		{"{}\x00", "unexpected bytes after the value", 2},
		{"\ufeff{}", "expected a JSON value", 0}, // a byte order mark
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "nested too deeply", 64},
		{strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat("}", 65), "nested too deeply", 64 * 5},
	} {
		err := jsontext.Check([]byte(tt.in))
		if tt.what == "" {
			if err != nil {
				t.Errorf("%.40q: got %v, want no error", tt.in, err)
			}
			continue
		}
		if fault, ok := errors.AsType[*jsontext.SyntaxError](err); !ok || fault.What != tt.what || fault.Offset != tt.at {
			t.Errorf("%.40q: got %v, want %s at byte %d", tt.in, err, tt.what, tt.at)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]jsontext.Kind{
		`{}`: jsontext.Object, ` []`: jsontext.Array, "\n\"\"": jsontext.String, `-1`: jsontext.Number,
		`0`: jsontext.Number, `true`: jsontext.Bool, `false`: jsontext.Bool, `null`: jsontext.Null,
		``: jsontext.Invalid, ` `: jsontext.Invalid, `x`: jsontext.Invalid, `}`: jsontext.Invalid,
	} {
		if got := jsontext.KindOf([]byte(in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{`{}`, nil},
		{` { "a" : 1 , "b\u0063\n" : [ {"x":2} ] , "a" : "}" , "" : null } `, []string{`a=1`, "bc\n=[ {\"x\":2} ]", `a="}"`, `=null`}},
		{`[1]`, nil},
		{`"{"`, nil},
		{`1`, nil},
	} {
		var got []string
		m := jsontext.MembersOf([]byte(tt.in))
		for m.Next() {
			got = append(got, string(m.Key)+"="+string(m.Value))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
		}
		if m.Next() {
			t.Errorf("%s: a member after the last", tt.in)
		}
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		`{}`: true, ` {"a":1 , "b":{"c":[]}} `: true,
		`{"a":1,}`: false, `{,}`: false, `{"a":1`: false, `{"a":1]`: false, `{"a" }`: false, `{"a":}`: false,
		`{"a":1}x`: false, `{a:1}`: false, `{`: false, ``: false, `[]`: false, `1`: false, `{"a":tru}`: false, `}`: false,
	} {
		m := jsontext.MembersOf([]byte(in))
		for m.Next() {
		}
		if got := m.Whole(); got != want {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{`[]`, nil},
		{` [ 1 , "a,b" , [ 2 , 3 ] , {} ] `, []string{`1`, `"a,b"`, `[ 2 , 3 ]`, `{}`}},
		{`{"a":1}`, nil},
	} {
		var got []string
		e := jsontext.ElementsOf([]byte(tt.in))
		for e.Next() {
			got = append(got, string(e.Value))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestStr(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{`""`, ""},
		{` "a" `, "a"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"é\u00e9"`, "éé"},
		{`"\u0000"`, "\x00"},
		{`"\ud834\udd1e"`, "𝄞"},
		{`"\uD834\uDD1E"`, "𝄞"},
		{`"\ud834"`, "\ufffd"},
		{`"\ud834x"`, "\ufffdx"},
		{`"\ud834\n"`, "\ufffd\n"},
		{`"\udd1e\ud834"`, "\ufffd\ufffd"},
		{`"\ud834\ud834\udd1e"`, "\ufffd𝄞"},
		{`"\ud834\u0041"`, "\ufffdA"},
	} {
		if got, err := jsontext.Str([]byte(tt.in)); got != tt.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{`1`, `null`, `[]`, ``, `{"a":"b"}`} {
		if got, err := jsontext.Str([]byte(in)); err != jsontext.ErrKind {
			t.Errorf("%q: got %q, %v, want ErrKind", in, got, err)
		}
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"0": 0, "-0": 0, " 42 ": 42, "-17": -17,
		"9007199254740991": jsontext.MaxInt, "-9007199254740991": -jsontext.MaxInt,
	} {
		if got, err := jsontext.Int([]byte(in)); got != want || err != nil {
			t.Errorf("%q: got %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{
		"9007199254740992", "-9007199254740992", "99999999999999999999", "1.0", "1e2", "1.5", `"1"`, "null", "true", "", "+1",
	} {
		if got, err := jsontext.Int([]byte(in)); err != jsontext.ErrKind {
			t.Errorf("%q: got %d, %v, want ErrKind", in, got, err)
		}
	}
}

func TestBoolean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"true": true, " false ": false} {
		if got, err := jsontext.Boolean([]byte(in)); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{`"true"`, "1", "null", ""} {
		if got, err := jsontext.Boolean([]byte(in)); err != jsontext.ErrKind {
			t.Errorf("%q: got %v, %v, want ErrKind", in, got, err)
		}
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		`1`: 0, `"[[["`: 0, `[]`: 1, `{"a":1}`: 1, `[[],{"a":[{}]}]`: 4, `["\"[[", [1]]`: 2, `[{"[":"{"}]`: 2,
	} {
		if got := jsontext.Depth([]byte(in)); got != want {
			t.Errorf("%s: got %d, want %d", in, got, want)
		}
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	w := jsontext.Writer{B: []byte("data: ")}
	w.Begin('{')
	w.Key("n")
	w.Int(-7)
	w.Key("list")
	w.Begin('[')
	w.Str("a")
	w.Bool(true)
	w.Begin('{')
	w.End('}')
	w.Begin('[')
	w.End(']')
	w.Raw([]byte(`{"raw":1}`))
	w.Raw(nil)
	w.End(']')
	w.Key("k\"ey")
	w.Bool(false)
	w.End('}')
	if got, want := string(w.B), `data: {"n":-7,"list":["a",true,{},[],{"raw":1},null],"k\"ey":false}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", `""`},
		{"a/b<&>'", `"a/b<&>'"`},
		{"\"\\", `"\"\\"`},
		{"\n\t\r\x00\x1f\x7f", `"\n\t\u000d\u0000\u001f\u007f"`},
		{"é𝄞", `"é𝄞"`},
		{"\u2028\u2029", `"\u2028\u2029"`},
		{"a\xffb\xed\xa0\x80", "\"a\ufffdb\ufffd\ufffd\ufffd\""},
		{"\ufffd", "\"\ufffd\""},
	} {
		if got := string(jsontext.AppendString(nil, tt.in)); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestAppendStringAnywhere puts each character at each place of a word of eight bytes: it becomes what it does alone.
func TestAppendStringAnywhere(t *testing.T) {
	t.Parallel()
	of := func(s string) string { return string(jsontext.AppendString(nil, s)) }
	chars := []string{"é", "\u2028", "𝄞", "\xff"}
	for c := range utf8.RuneSelf {
		chars = append(chars, string(rune(c)))
	}
	for _, c := range chars {
		alone := strings.Trim(of(c), `"`)
		if c == `"` {
			alone = `\"`
		}
		for before := range 17 {
			for after := range 9 {
				b, a := strings.Repeat("~", before), strings.Repeat(" ", after)
				if got, want := of(b+c+a), `"`+b+alone+a+`"`; got != want {
					t.Fatalf("%q: got %s, want %s", b+c+a, got, want)
				}
			}
		}
	}
}

func TestNothingIsCopied(t *testing.T) {
	line := []byte(`{"type":"msg","payload":{"move":"e2e4"},"seq":7}`)
	allocs := testing.AllocsPerRun(100, func() {
		if jsontext.Check(line) != nil {
			t.Fatal("not JSON")
		}
		m := jsontext.MembersOf(line)
		for m.Next() {
			if string(m.Key) == "seq" {
				_, _ = jsontext.Int(m.Value)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations for a line without escapes, want none", allocs)
	}
}

// BenchmarkAppendString writes a name as long as a peer's.
func BenchmarkAppendString(b *testing.B) {
	name := "12D3KooW" + strings.Repeat("k", 44)
	var dst []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(name)))
	for b.Loop() {
		dst = jsontext.AppendString(dst[:0], name)
	}
}

func BenchmarkCheck(b *testing.B) {
	row := `{"_id":1234567890,"_owner":"12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf","game":"chess-42","san":"Nf3","ply":3},`
	text := []byte("[" + strings.Repeat(row, 1000) + "null]")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := jsontext.Check(text); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleMembersOf() {
	line := []byte(`{"type": "msg", "payload": {"move": "e2e4"}}`)
	if err := jsontext.Check(line); err != nil {
		fmt.Println(err)
		return
	}
	m := jsontext.MembersOf(line)
	for m.Next() {
		fmt.Printf("%s is %s\n", m.Key, m.Value)
	}
	// Output:
	// type is "msg"
	// payload is {"move": "e2e4"}
}

func ExampleWriter() {
	var w jsontext.Writer
	w.Begin('{')
	w.Key("seq")
	w.Int(7)
	w.Key("from")
	w.Str("12D3KooW…")
	w.End('}')
	fmt.Println(string(w.B))
	// Output: {"seq":7,"from":"12D3KooW…"}
}

func ExampleCheck() {
	fmt.Println(jsontext.Check([]byte(`{"a":1,}`)))
	// Output: expected a key in double quotes at byte 7
}
