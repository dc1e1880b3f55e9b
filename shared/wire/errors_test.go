package wire_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"goop/shared/wire"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := io.ErrUnexpectedEOF
	e := &wire.Error{Code: wire.Full, Message: "the group is full", Err: cause}
	wrapped := fmt.Errorf("join: %w", e)
	for _, target := range []error{wire.Full, cause} {
		if !errors.Is(wrapped, target) {
			t.Errorf("%v is not %v", wrapped, target)
		}
	}
	if errors.Is(wrapped, wire.Closed) {
		t.Errorf("%v is %v", wrapped, wire.Closed)
	}
	if got, want := e.Error(), "goop: full: the group is full: unexpected EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (&wire.Error{Code: wire.Full}).Error(), "goop: full"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := string(e.Append(nil)); text != `{"code":"full","message":"the group is full","fatal":false}` {
		t.Errorf("on the wire: %s", text)
	}
	far, err := wire.ParseError(e.Append(nil))
	if err != nil || !errors.Is(far, wire.Full) || errors.Is(far, cause) {
		t.Errorf("got %v, %v, want the code without the cause", far, err)
	}
	if got := wire.E(wire.Closed, "a", "", "b"); got.Message != "ab" || got.Code != wire.Closed {
		t.Errorf("got %+v", got)
	}
}

// Every Code constant is in Codes, and every one of these in the page's types and the docs.
func TestCodesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []wire.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Code" {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, wire.Code(text))
		}
		return true
	})
	if !slices.Equal(declared, wire.Codes) {
		t.Errorf("Codes has\n%q, declared are\n%q", wire.Codes, declared)
	}
	for _, tt := range []struct{ path, within, each string }{
		{"../../js/goop.d.ts", `export type ErrorCode =([^;]+);`, `"([a-z_]+)"`},
		{"../../docs/errors.md", `(?s)\| code \|.*?(\n\n|$)`, "(?m)^\\| `([a-z_]+)`"},
	} {
		text, err := os.ReadFile(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		var there []wire.Code
		for _, m := range regexp.MustCompile(tt.each).FindAllSubmatch(regexp.MustCompile(tt.within).Find(text), -1) {
			there = append(there, wire.Code(m[1]))
		}
		want := slices.Sorted(slices.Values(wire.Codes))
		slices.Sort(there)
		if !slices.Equal(there, want) {
			t.Errorf("%s has\n%s, want\n%s", tt.path, there, want)
		}
	}
}

func ExampleE() {
	err := error(wire.E(wire.NoSuchGroup, `there is no group "`, "lobby", `"`))
	fmt.Println(err, errors.Is(err, wire.NoSuchGroup))
	// Output: goop: no_such_group: there is no group "lobby" true
}
