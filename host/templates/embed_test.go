package templates

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// Every folder must be a site, whole inside the binary: the page, and what the program and people are told of it.
func TestEachIsASite(t *testing.T) {
	t.Parallel()
	names := Names()
	if !slices.Contains(names, Default) || !slices.IsSorted(names) {
		t.Errorf("got the sites %q, want %q among them, in order", names, Default)
	}
	for _, name := range names {
		site, ok := Site(name)
		if !ok {
			t.Errorf("%s is listed and cannot be had", name)
			continue
		}
		for _, file := range []string{"index.html", "goop.json"} {
			if b, err := fs.ReadFile(site, file); err != nil || len(b) == 0 {
				t.Errorf("%s/%s: got %d bytes, %v; want a file with content", name, file, len(b), err)
			}
		}
	}
	for _, name := range []string{"", ".", "..", "chess/vendor", "none", "embed.go"} {
		if _, ok := Site(name); ok {
			t.Errorf("there is a site %q", name)
		}
	}
}

func chess(t *testing.T) fs.FS {
	t.Helper()
	site, ok := Site("chess")
	if !ok {
		t.Fatal("there is no chess")
	}
	return site
}

// The site must be whole inside the binary: what its pages name must be there.
func TestChessIsWhole(t *testing.T) {
	t.Parallel()
	site := chess(t)
	for _, name := range []string{"index.html", "goop.json", "app.js", "style.css", "vendor/chess.js"} {
		if b, err := fs.ReadFile(site, name); err != nil || len(b) == 0 {
			t.Errorf("%s: got %d bytes, %v; want a file with content", name, len(b), err)
		}
	}

	raw, err := fs.ReadFile(site, "goop.json")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Tables map[string]struct {
			Columns  map[string]any
			MemberOf string
			Access   map[string]string
		}
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatalf("goop.json: %v", err)
	}
	moves, ok := config.Tables["moves"]
	if !ok {
		t.Fatal("goop.json has no table moves")
	}
	if got, want := moves.MemberOf, "game"; got != want {
		t.Errorf("moves.memberOf: got %q, want %q", got, want)
	}
	// The history is written by the relay alone (record), so that no page can add to it or change it.
	if got, want := moves.Access["insert"]+" "+moves.Access["update"], "none none"; got != want {
		t.Errorf("moves insert and update: got %q, want %q", got, want)
	}
}

// The pages run under a policy without inline script, so none may have crept in.
func TestChessHasNoInlineScript(t *testing.T) {
	t.Parallel()
	raw, err := fs.ReadFile(chess(t), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for tag := range strings.SplitSeq(string(raw), "<script") {
		if head, _, _ := strings.Cut(tag, ">"); !strings.HasPrefix(tag, "<!doctype") && !strings.Contains(head, "src=") {
			t.Errorf("a script without src: <script%s>", head)
		}
	}
	for _, attr := range []string{" onclick=", " onload=", " style=", "javascript:"} {
		if strings.Contains(string(raw), attr) {
			t.Errorf("index.html has%s", attr)
		}
	}
}
