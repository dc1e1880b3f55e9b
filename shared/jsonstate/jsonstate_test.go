package jsonstate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"goop/shared/jsonstate"
	"goop/shared/jsontext"
	"goop/shared/wire"
)

func state(t testing.TB, text string) jsonstate.State {
	t.Helper()
	s, err := jsonstate.Parse([]byte(text))
	if err != nil {
		t.Fatalf("state %s: %v", text, err)
	}
	return s
}

// TestMergeKeepsText runs the merge vectors once more and compares texts: the order of the keys and the
// text of the numbers stay. The state holds on to nothing of the patch.
func TestMergeKeepsText(t *testing.T) {
	t.Parallel()
	for _, v := range mergeVectors(t) {
		before := state(t, string(v.Target))
		was := before.Text()
		patch := bytes.Clone(v.Patch)
		after, err := before.Merge(patch)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		clear(patch)
		if got, want := after.Text(), state(t, string(v.Result)).Text(); !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", v.Name, got, want)
		}
		if !bytes.Equal(before.Text(), was) {
			t.Errorf("%s: Merge has changed the state from %s to %s", v.Name, was, before.Text())
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for _, patch := range []string{
		``, `7`, `[]`, `null`, `{`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"x":{"a":{},"a":{}}}`,
		`{"\ud800":1}`, `{"a":{"\udc00x":1}}`, "{\"a\":\"\xff\"}", "{\"\xff\":1}", `{"a":1}{}`,
		strings.Repeat(`{"a":`, 49) + `1` + strings.Repeat(`}`, 49),
	} {
		if _, err := (jsonstate.State{}).Merge([]byte(patch)); !errors.Is(err, wire.InvalidValue) {
			t.Errorf("%s: got %v, want invalid_value", patch, err)
		}
		if _, err := jsonstate.Parse([]byte(patch)); patch != "" && !errors.Is(err, wire.InvalidValue) {
			t.Errorf("state %s: got %v, want invalid_value", patch, err)
		}
	}
}

func TestEmptyState(t *testing.T) {
	t.Parallel()
	for _, s := range []jsonstate.State{{}, state(t, ""), state(t, " { } ")} {
		if string(s.Text()) != "{}" || s.Size() != 2 {
			t.Errorf("got %s, size %d", s.Text(), s.Size())
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	s := state(t, `{"a":{"b":[1, 2],"c":{}},"ü\"":"x"}`)
	for _, tt := range []struct {
		path []string
		want string
		ok   bool
	}{
		{nil, `{"a":{"b":[1, 2],"c":{}},"ü\"":"x"}`, true}, {[]string{"a"}, `{"b":[1, 2],"c":{}}`, true},
		{[]string{"a", "b"}, `[1, 2]`, true}, {[]string{"a", "c"}, `{}`, true}, {[]string{`ü"`}, `"x"`, true},
		{[]string{"b"}, ``, false}, {[]string{"a", "b", "c"}, ``, false}, {[]string{"a", "x"}, ``, false},
	} {
		if got, ok := s.Lookup(tt.path...); string(got) != tt.want || ok != tt.ok {
			t.Errorf("%q: got %s, %v; want %s, %v", tt.path, got, ok, tt.want, tt.ok)
		}
	}
}

func TestTopKeys(t *testing.T) {
	t.Parallel()
	if got := jsonstate.TopKeys([]byte(`{"a":1,"\u00fc":{"x":1},"":null}`)); !reflect.DeepEqual(got, []string{"a", "ü", ""}) {
		t.Errorf("got %q", got)
	}
}

// TestMergeOfManyKeys: neither many keys in the state nor many in the patch make it slow for each other.
func TestMergeOfManyKeys(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&b, `,"%d":1`, i)
	}
	patch := []byte("{" + b.String()[1:] + "}")
	s := jsonstate.State{}
	for range 3 {
		var err error
		if s, err = s.Merge(patch); err != nil {
			t.Fatal(err)
		}
	}
	if s.Size() != len(patch) {
		t.Errorf("got size %d, want %d", s.Size(), len(patch))
	}
}

// reference is RFC 7396 as it stands there.
func reference(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	tm, ok := target.(map[string]any)
	if !ok {
		tm = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(tm, k)
		} else {
			tm[k] = reference(tm[k], v)
		}
	}
	return tm
}

// FuzzMerge compares Merge with the reference on whatever both accept.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1},"c":[1]}`), []byte(`{"a":{"b":null,"x":{"y":null}},"c":"\u00e9"}`))
	f.Add([]byte(`{}`), []byte(`{"__proto__":{"a":1}}`))
	for _, v := range mergeVectors(f) {
		f.Add([]byte(v.Target), []byte(v.Patch))
	}
	f.Fuzz(func(t *testing.T, old, patch []byte) {
		s, err := jsonstate.Parse(old)
		if err != nil {
			return
		}
		before := s.Text()
		after, err := s.Merge(patch)
		if err != nil {
			return
		}
		text := after.Text()
		if err := jsontext.Check(text); err != nil || after.Size() != len(text) {
			t.Fatalf("got %s, %v, size %d", text, err, after.Size())
		}
		if !bytes.Equal(before, s.Text()) {
			t.Fatalf("the state has changed from %s to %s", before, s.Text())
		}
		decode := func(b []byte) (v any) {
			d := json.NewDecoder(bytes.NewReader(b))
			d.UseNumber()
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
			return v
		}
		if len(old) == 0 {
			old = []byte("{}")
		}
		if got, want := decode(text), reference(decode(old), decode(patch)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s\ngot  %v\nwant %v", old, patch, got, want)
		}
		if again, err := jsonstate.Parse(text); err != nil || !bytes.Equal(again.Text(), text) {
			t.Errorf("%s is read back as %s, %v", text, again.Text(), err)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	for _, keys := range []int{10, 1000} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			s := jsonstate.State{}
			for i := range keys {
				var err error
				if s, err = s.Merge(fmt.Appendf(nil, `{"key%d":{"x":%d,"y":[1,2,3]}}`, i, i)); err != nil {
					b.Fatal(err)
				}
			}
			patch := []byte(`{"key3":{"x":4711}}`)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Merge(patch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
