package terminal_test

import (
	"testing"

	"goop/host/terminal"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form     terminal.Form
		in, want string // "" for an error
	}{
		{terminal.Either, `hello`, `"hello"`},
		{terminal.Either, `"hello"`, `"hello"`},
		{terminal.Either, `{"a":[1,null]}`, `{"a":[1,null]}`},
		{terminal.Either, `{"a":1`, `"{\"a\":1"`},
		{terminal.Either, `12`, `12`},
		{terminal.Either, `true story`, `"true story"`},
		{terminal.Text, `12`, `"12"`},
		{terminal.Text, `{"a":1}`, `"{\"a\":1}"`},
		{terminal.JSON, `12`, `12`},
		{terminal.JSON, `hello`, ``},
		{terminal.Text, "\xff", ``},
		{terminal.Either, "\xff", ``},
	} {
		got, err := tt.form.Payload(tt.in)
		if (err != nil) != (tt.want == "") || string(got) != tt.want {
			t.Errorf("form %d of %q: got %s, %v, want %s", tt.form, tt.in, got, err, tt.want)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want terminal.Address
	}{
		{"http://192.168.1.5:7780/", terminal.Address{Origin: "http://192.168.1.5:7780"}},
		{"https://chess.example.org/play/42.html?x=1#top", terminal.Address{Origin: "https://chess.example.org"}},
		{"localhost:7780", terminal.Address{Origin: "http://localhost:7780"}},
		{"chess.example.org", terminal.Address{Origin: "http://chess.example.org"}},
		{"[::1]:7780", terminal.Address{Origin: "http://[::1]:7780"}},
		{"https://h/#goop-invite=club.v1.ABC", terminal.Address{Origin: "https://h", Group: "club.v1", Invite: "ABC"}},
		{"https://h/p#x&goop-invite=club%2EABC", terminal.Address{Origin: "https://h", Group: "club", Invite: "ABC"}},
	} {
		if got, err := terminal.ParseAddress(tt.in); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "/", "ftp://h/", "http://", "http://h:x/", "https://h/#goop-invite=club", "https://h/#goop-invite=.T", "https://h/#goop-invite=a%20b.T", "https://h/#goop-invite=a."} {
		if got, err := terminal.ParseAddress(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, got)
		}
	}
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw   string
		terms []string
		want  string // "!" for an error
	}{
		{"", nil, ""},
		{`{"a":1}`, nil, `{"a":1}`},
		{"", []string{"name=Ann"}, `{"name":{"=":"Ann"}}`},
		{"", []string{`name="5"`}, `{"name":{"=":"5"}}`},
		{"", []string{"a!=1", "b<=2", "c>=3", "d<4", "e>5"}, `{"and":[{"a":{"!=":1}},{"b":{"<=":2}},{"c":{">=":3}},{"d":{"<":4}},{"e":{">":5}}]}`},
		{`{"a":1}`, []string{"b=x=y"}, `{"and":[{"a":1},{"b":{"=":"x=y"}}]}`},
		{`[]`, nil, "!"},
		{`{`, nil, "!"},
		{"", []string{"name"}, "!"},
		{"", []string{"=5"}, "!"},
		{"", []string{"a!5"}, "!"},
	} {
		got, err := terminal.Where(tt.raw, tt.terms)
		if (err != nil) != (tt.want == "!") || err == nil && string(got) != tt.want {
			t.Errorf("%s %q: got %s, %v, want %s", tt.raw, tt.terms, got, err, tt.want)
		}
	}
}
