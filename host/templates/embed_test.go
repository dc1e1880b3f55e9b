package templates

import (
	"encoding/json"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// site returns the files of a built-in site.
func site(t *testing.T, name string) fs.FS {
	t.Helper()
	files, ok := Site(name)
	if !ok {
		t.Fatalf("there is no site %q", name)
	}
	return files
}

// The sites must be whole inside the binary: what their pages and scripts name must be there.
func TestSitesAreWhole(t *testing.T) {
	t.Parallel()
	if names := Names(); !slices.Contains(names, Default) || !slices.IsSorted(names) {
		t.Errorf("got the sites %q, want %q among them, in order", names, Default)
	}
	// src="app.js", from "./ui.js", href="icon.svg"
	named := regexp.MustCompile(`(?:src="|href="|from "\./)([\w./-]+\.\w+)"`)
	for _, name := range Names() {
		seen := 0
		err := fs.WalkDir(site(t, name), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(site(t, name), path)
			if err != nil || len(raw) == 0 {
				t.Errorf("%s/%s: got %d bytes, %v; want a file with content", name, path, len(raw), err)
			}
			for _, m := range named.FindAllStringSubmatch(string(raw), -1) {
				if file := m[1]; !strings.HasPrefix(file, "/") {
					seen++
					if _, err := fs.Stat(site(t, name), file); err != nil {
						t.Errorf("%s/%s names %s: %v", name, path, file, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if seen < 10 {
			t.Errorf("%s: only %d names of files were found", name, seen)
		}
		for _, file := range []string{"index.html", "goop.json", "base.css"} {
			if _, err := fs.Stat(site(t, name), file); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"", ".", "..", "chess/vendor", "none", "embed.go", common} {
		if _, ok := Site(name); ok {
			t.Errorf("there is a site %q", name)
		}
	}
}

// A site and what the sites have in common are one file system, as the standard library tests one.
func TestLayers(t *testing.T) {
	t.Parallel()
	over := fstest.MapFS{"a.txt": {Data: []byte("over")}, "sub/b.txt": {Data: []byte("b")}}
	under := fstest.MapFS{"a.txt": {Data: []byte("under")}, "c.txt": {Data: []byte("c")}, "sub/d.txt": {Data: []byte("d")}}
	both := layers{over, under}
	for name, want := range map[string]string{"a.txt": "over", "c.txt": "c", "sub/b.txt": "b", "sub/d.txt": "d"} {
		if got, err := fs.ReadFile(both, name); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	for folder, want := range map[string]string{".": "a.txt c.txt sub", "sub": "b.txt d.txt"} {
		entries, err := fs.ReadDir(both, folder)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", folder, got, err, want)
		}
	}
	for _, name := range []string{"none", "sub/none"} {
		if _, err := both.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%q): got %v", name, err)
		}
		if _, err := both.ReadDir(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadDir(%q): got %v", name, err)
		}
	}
}

func TestChessTables(t *testing.T) {
	t.Parallel()
	site := site(t, "chess")

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
func TestNoInlineScript(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		raw, err := fs.ReadFile(site(t, name), "index.html")
		if err != nil {
			t.Fatal(err)
		}
		for tag := range strings.SplitSeq(string(raw), "<script") {
			if head, _, _ := strings.Cut(tag, ">"); !strings.HasPrefix(tag, "<!doctype") && !strings.Contains(head, "src=") {
				t.Errorf("%s: a script without src: <script%s>", name, head)
			}
		}
		for _, attr := range []string{" onclick=", " onload=", " style=", "javascript:"} {
			if strings.Contains(string(raw), attr) {
				t.Errorf("%s: index.html has%s", name, attr)
			}
		}
	}
}
