package wire_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"goop/shared/wire"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	seq := int64(5)
	for _, tt := range []struct {
		line string
		want wire.Frame
	}{
		{`{"type":"msg"}`, wire.Frame{Type: "msg"}},
		{`{"later":[1],"type":"leave","Type":"x"}`, wire.Frame{Type: "leave"}},
		{` { "payload" : { "a" : 1 } , "\u0074ype" : "msg" } ` + "\r", wire.Frame{Type: "msg", Payload: []byte(`{ "a" : 1 }`)}},
		{`{"since":{"epoch":"e","seq":3,"x":1},"caps":[],"meta":{}}`, wire.Frame{Since: &wire.Position{Epoch: "e", Seq: 3}, Meta: []byte("{}")}},
		{`{"ifSeq":5,"patch":{},"volatile":false}`, wire.Frame{IfSeq: &seq, Patch: []byte("{}")}},
	} {
		if got, err := wire.Decode([]byte(tt.line)); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", tt.line, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ line, message string }{
		{``, "the line is not JSON: unexpected end, expected a JSON value at byte 0"},
		{`{"type":"msg"`, "the line is not JSON: unexpected end, expected a comma or } at byte 13"},
		{"{\"type\":\"\xff\"}", "the line is not JSON: invalid UTF-8 at byte 9"},
		{`[]`, "the line is not a JSON object such as"},
		{`"join"`, "the line is not a JSON object such as"},
		{`{"type":1}`, `field "type"`},
		{`{"type":null}`, `field "type"`},
		{`{"group":["a"]}`, `field "group"`},
		{`{"seq":1.5}`, `field "seq"`},
		{`{"seq":9007199254740993}`, `field "seq"`},
		{`{"seq":"1"}`, `field "seq"`},
		{`{"ifSeq":null}`, `field "ifSeq"`},
		{`{"volatile":1}`, `field "volatile"`},
		{`{"meta":[]}`, `field "meta"`},
		{`{"patch":"x"}`, `field "patch"`},
		{`{"caps":"delta"}`, `field "caps"`},
		{`{"caps":[1]}`, `field "caps"`},
		{`{"since":5}`, `field "since"`},
		{`{"since":{"seq":"1"}}`, `field "since"`},
		{`{"type":"msg","type":"leave"}`, `field "type" stands twice`},
		{`{"payload":1,"p\u0061yload":2}`, `field "payload" stands twice`},
	} {
		f, err := wire.Decode([]byte(tt.line))
		if e, ok := err.(*wire.Error); !ok || e.Code != wire.BadMessage || !strings.HasPrefix(e.Message, tt.message) {
			t.Errorf("%s: got %+v, %v, want bad_message: %s", tt.line, f, err, tt.message)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 65)
	deep := []byte(strings.Repeat("[", 49) + strings.Repeat("]", 49))
	big := func(n int) []byte { return fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", n)) }
	l := wire.DefaultLimits()
	before := int64(-1)
	for _, tt := range []struct {
		name  string
		frame wire.Frame
		code  wire.Code
	}{
		{"join", wire.Frame{Type: "join", Group: "a-Z_0.9", Session: "s", Meta: []byte("{}")}, ""},
		{"msg", wire.Frame{Type: "msg", Payload: []byte("1"), ID: long[:64], Key: long[:64]}, ""},
		{"msg with a payload as large as may be", wire.Frame{Type: "msg", Payload: big(l.Payload - len(`{"x":""}`))}, ""},
		{"state", wire.Frame{Type: "state", Patch: []byte("{}")}, ""},
		{"leave", wire.Frame{Type: "leave"}, ""},

		{"nothing", wire.Frame{}, wire.BadMessage},
		{"unknown type", wire.Frame{Type: "hello"}, wire.UnsupportedType},
		{"welcome", wire.Frame{Type: "welcome"}, wire.UnsupportedType},
		{"members", wire.Frame{Type: "members"}, wire.UnsupportedType},
		{"close", wire.Frame{Type: "close"}, wire.UnsupportedType},
		{"error", wire.Frame{Type: "error"}, wire.UnsupportedType},
		{"join of nothing", wire.Frame{Type: "join"}, wire.BadMessage},
		{"join of a bad id", wire.Frame{Type: "join", Group: "a b"}, wire.BadMessage},
		{"join of a long id", wire.Frame{Type: "join", Group: wire.GroupID(long)}, wire.BadMessage},
		{"join with a bad session", wire.Frame{Type: "join", Group: "g", Session: "ä"}, wire.BadMessage},
		{"join with a large meta", wire.Frame{Type: "join", Group: "g", Meta: big(l.Meta)}, wire.TooLarge},
		{"join with a deep meta", wire.Frame{Type: "join", Group: "g", Meta: deep}, wire.TooLarge},
		{"join with many caps", wire.Frame{Type: "join", Group: "g", Caps: make([]string, 17)}, wire.TooLarge},
		{"msg of nothing", wire.Frame{Type: "msg"}, wire.BadMessage},
		{"msg with a long id", wire.Frame{Type: "msg", ID: long, Payload: []byte("1")}, wire.BadMessage},
		{"msg with a long key", wire.Frame{Type: "msg", Key: long, Payload: []byte("1")}, wire.BadMessage},
		{"msg for a bad group", wire.Frame{Type: "msg", Group: "/", Payload: []byte("1")}, wire.BadMessage},
		{"msg that is too large", wire.Frame{Type: "msg", Payload: big(l.Payload)}, wire.TooLarge},
		{"msg that is too deep", wire.Frame{Type: "msg", Payload: deep}, wire.TooLarge},
		{"state without a patch", wire.Frame{Type: "state", Payload: []byte("{}")}, wire.BadMessage},
		{"state that may follow no entry", wire.Frame{Type: "state", Patch: []byte("{}"), IfSeq: &before}, wire.BadMessage},
		{"state that is too large", wire.Frame{Type: "state", Patch: big(l.State)}, wire.TooLarge},
		{"state that is too deep", wire.Frame{Type: "state", Patch: deep}, wire.TooLarge},
	} {
		err := tt.frame.Validate(l)
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		e, ok := err.(*wire.Error)
		if !ok || e.Code != tt.code || e.Message == "" {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
		if ok && len(tt.frame.ID) <= wire.MaxID && e.ID != tt.frame.ID {
			t.Errorf("%s: the error is about %q, want %q", tt.name, e.ID, tt.frame.ID)
		}
	}
}

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"a": true, "chess-42": true, "A_b.C": true, strings.Repeat("x", 64): true,
		"": false, "a b": false, "ä": false, "a/b": false, strings.Repeat("x", 65): false, "a\n": false,
	} {
		if got := wire.ValidID(id); got != want {
			t.Errorf("%q: got %v, want %v", id, got, want)
		}
	}
}

func ExampleDecode() {
	f, err := wire.Decode([]byte(`{"type":"msg","payload":{"move":"e2e4"},"id":"a1"}`))
	fmt.Println(f.Type, f.ID, string(f.Payload), err)
	_, err = wire.Decode([]byte(`{"type":"msg","seq":"7"}`))
	fmt.Println(err)
	// Output:
	// msg a1 {"move":"e2e4"} <nil>
	// goop: bad_message: field "seq": value of another kind
}

func ExampleFrame_Append() {
	f := wire.Frame{Type: wire.TypeJoin, Group: "chess-42", Since: &wire.Position{Epoch: "e1", Seq: 17}}
	fmt.Printf("%s", f.Append(nil))
	// Output: {"type":"join","group":"chess-42","since":{"epoch":"e1","seq":17}}
}
