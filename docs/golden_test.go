package docs_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"goop/host/site"
	"goop/shared/data"
	"goop/shared/link"
	"goop/shared/wire"
)

const golden = "../shared/wire/testdata/"

// readGolden reads a file of JSON lines.
func readGolden[T any](t *testing.T, name string) []T {
	t.Helper()
	file, err := os.Open(golden + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []T
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, v)
	}
	return all
}

// examples returns the example lines of protocol.md's blocks of one kind, each with its way: "M>H" or "H>M".
func examples(t *testing.T, info string) [][2]string {
	t.Helper()
	var all [][2]string
	for _, block := range blocks(t, "protocol.md", info) {
		for line := range strings.Lines(block) {
			way, text, ok := strings.Cut(strings.TrimSpace(line), " ")
			if way = strings.ReplaceAll(way, "→", ">"); !ok || way != "M>H" && way != "H>M" {
				t.Fatalf("%q begins with no way", line)
			}
			all = append(all, [2]string{way, text})
		}
	}
	return all
}

// Each frame of protocol.md is a golden one, and each kind of golden frame is in protocol.md.
func TestFrames(t *testing.T) {
	t.Parallel()
	there := map[[2]string]bool{}
	kinds := map[string]bool{}
	kind := func(way, line string) string {
		f, err := wire.Decode([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		return way + " " + string(f.Type)
	}
	for _, g := range readGolden[struct{ Way, Line string }](t, "frames.jsonl") {
		there[[2]string{g.Way, g.Line}] = true
		kinds[kind(g.Way, g.Line)] = true
	}
	for _, e := range examples(t, "frames") {
		if !there[e] {
			t.Errorf("no golden frame: %s %s", e[0], e[1])
		}
		delete(kinds, kind(e[0], e[1]))
	}
	for k := range kinds {
		t.Errorf("protocol.md has no example of %s", k)
	}
}

// Each request of protocol.md is understood, or refused on purpose; each answer is one of the golden
// session, which the tests of host/dataserve have with a real store.
func TestDataLines(t *testing.T) {
	t.Parallel()
	var answers []any
	for _, g := range readGolden[struct{ Recv any }](t, "data/session.jsonl") {
		answers = append(answers, g.Recv)
	}
	ops := map[string]bool{}
	for _, e := range examples(t, "data") {
		if e[0] == "M>H" {
			r, err := data.DecodeRequest([]byte(e[1]))
			if ops[string(r.Op)] = true; err != nil && !strings.Contains(e[1], "frobnicate") {
				t.Errorf("%s: %v", e[1], err)
			}
			continue
		}
		var got any
		if err := json.Unmarshal([]byte(e[1]), &got); err != nil {
			t.Fatalf("%s: %v", e[1], err)
		}
		found := false
		for _, want := range answers {
			found = found || fits(want, got)
		}
		if !found {
			t.Errorf("no golden answer: %s", e[1])
		}
	}
	for _, g := range readGolden[struct {
		Line  struct{ Op any }
		Error string
	}](t, "data/requests.jsonl") {
		if op, ok := g.Line.Op.(string); ok && g.Error == "" && !ops[op] {
			t.Errorf("protocol.md has no example of the op %q", op)
		}
	}
}

// fits reports whether a value is a golden one, in which texts such as "$n1" stand for whatever the
// host makes up.
func fits(golden, got any) bool {
	switch want := golden.(type) {
	case string:
		return strings.HasPrefix(want, "$") && got != nil || want == got
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok || len(m) != len(want) {
			return false
		}
		for k, v := range want {
			if g, ok := m[k]; !ok || !fits(v, g) {
				return false
			}
		}
		return true
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !fits(want[i], list[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(golden, got)
}

// The request of protocol.md is answered as it says there, but for further headers.
func TestSiteStream(t *testing.T) {
	t.Parallel()
	request, answer, _ := strings.Cut(blocks(t, "protocol.md", "site")[0], "\n\n")
	head, body, _ := strings.Cut(answer, "\n\n")
	s, err := site.New(site.Options{
		Files:      fstest.MapFS{"index.html": {Data: []byte(strings.TrimSuffix(body, "\n"))}},
		SDK:        fstest.MapFS{},
		Descriptor: func(*http.Request) wire.Descriptor { return wire.Descriptor{} },
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	near, far := link.Pipe(0)
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeStream(t.Context(), "12D3KooWAnn", far)
	}()
	_ = near.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(near, strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(near)
	if err != nil {
		t.Fatal(err)
	}
	_ = near.Close()
	<-served
	gotHead, gotBody, _ := strings.Cut(strings.ReplaceAll(string(got), "\r\n", "\n"), "\n\n")
	if gotBody != strings.TrimSuffix(body, "\n") {
		t.Errorf("got %q, want %q", gotBody, body)
	}
	for line := range strings.Lines(head + "\n") {
		if !strings.Contains(gotHead+"\n", line) {
			t.Errorf("no line %q in\n%s", line, gotHead)
		}
	}
}

// The descriptor of protocol.md is one.
func TestDescriptor(t *testing.T) {
	t.Parallel()
	for _, text := range blocks(t, "protocol.md", "json") {
		d, err := wire.ParseDescriptor([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		compact := regexp.MustCompile(`\n *|(": |, )`).ReplaceAllStringFunc(text, func(s string) string { return strings.Trim(s, " \n") })
		if got := string(d.Append(nil)); got != compact {
			t.Errorf("got  %s\nwant %s", got, compact)
		}
	}
}
