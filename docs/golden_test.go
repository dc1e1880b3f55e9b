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

// sample has a value of each field that a request may have.
var sample = map[string]string{
	"table": `"moves"`, "row": `7`, "where": `{}`, "values": `{}`, "order": `["ply"]`, "limit": `5`, "offset": `1`, "columns": `["ply"]`,
	"key": `"k5UcY2l1b3Jhbmdl"`, "watch": `1`, "secret": `"ABC"`, "group": `"club"`, "config": `{"id":"club"}`, "set": `{"name":"Club"}`,
	"peer": `"12D3KooWB"`, "role": `"viewer"`, "uses": `2`, "expires": `1767830400000`, "invite": `"0f5a44e1c2b39d87"`, "token": `"ABC"`,
	"message": `"be nice"`, "before": `9`, "states": `true`, "after": `"AAAAAAAAAQ"`, "rows": `[{}]`, "on": `["ply"]`, "by": `["ply"]`,
	"compute": `{"n":"count"}`, "operations": `[{"op":"remove","table":"moves","row":7}]`, "text": `"SELECT 1"`, "params": `[1]`,
}

// The table of protocol.md names each op with the fields that it needs and those that it may have.
func TestOps(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| op | fields | answer |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	takes := map[string]map[string]bool{} // by op, the fields of all its rows
	needs := map[string]map[string]bool{} // by op, the fields that each of its rows needs
	decode := func(op string, fields []string) error {
		members := []string{`"id":1`, `"op":"` + op + `"`}
		for _, f := range fields {
			members = append(members, `"`+f+`":`+sample[f])
		}
		_, err := data.DecodeRequest([]byte("{" + strings.Join(members, ",") + "}"))
		return err
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\| ([^|]*)\\|").FindAllStringSubmatch(table, -1) {
		op := row[1]
		var all, least []string
		needed := map[string]bool{}
		for name := range strings.FieldsFuncSeq(row[2], func(r rune) bool { return r == ',' || r == ' ' }) {
			name, optional := strings.CutSuffix(name, "?")
			if sample[name] == "" {
				t.Errorf("%s: no field is called %q", op, name)
			}
			if needed[name] = !optional; name != "after" || op != "query" {
				all = append(all, name)
			}
			if !optional {
				least = append(least, name)
			}
		}
		for _, fields := range [][]string{all, least} {
			if err := decode(op, fields); err != nil {
				t.Errorf("%s with %q: %v", op, fields, err)
			}
		}
		if takes[op] == nil {
			takes[op], needs[op] = map[string]bool{}, needed
		}
		for name, is := range needed {
			takes[op][name] = true
			needs[op][name] = needs[op][name] && is
		}
		for name := range needs[op] {
			needs[op][name] = needs[op][name] && needed[name]
		}
	}
	for op, fields := range takes {
		for name := range sample {
			var rest []string
			for other := range fields {
				if needs[op][other] && other != name {
					rest = append(rest, other)
				}
			}
			switch {
			case needs[op][name]:
				if decode(op, rest) == nil {
					t.Errorf("%s goes without %q", op, name)
				}
			case !fields[name]:
				if err := decode(op, append(rest, name)); err == nil || !strings.Contains(err.Error(), "has no field") {
					t.Errorf("%s with %q: got %v", op, name, err)
				}
			case op != "group.revoke":
				if err := decode(op, append(rest, name)); err != nil {
					t.Errorf("%s with %q: %v", op, name, err)
				}
			}
		}
	}
	for _, g := range readGolden[struct {
		Line  struct{ Op any }
		Error string
	}](t, "data/requests.jsonl") {
		if op, ok := g.Line.Op.(string); ok && g.Error == "" && takes[op] == nil {
			t.Errorf("the table has no op %q", op)
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
