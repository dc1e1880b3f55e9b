package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goop/host/templates"
	"goop/shared/data"
)

// TestNewWritesWhatIsServed compares, for each built-in site, all that goop serves under its name with all
// that it serves from the folder that goop new has written.
func TestNewWritesWhatIsServed(t *testing.T) {
	t.Parallel()
	for _, name := range templates.Names() {
		dir := filepath.Join(t.TempDir(), "deep", "site")
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"new", name, dir}, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Fatalf("goop new %s: exit code %d, %s", name, code, errs.String())
		}
		if !strings.Contains(out.String(), "goop serve "+dir+"\n") {
			t.Errorf("goop new %s does not say how to serve it: %s", name, out.String())
		}
		builtIn, err := openFolder(name)
		if err != nil {
			t.Fatal(err)
		}
		written, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer written.close()
		if builtIn.name != written.name {
			t.Errorf("%s: the name is %q built in and %q from the folder", name, builtIn.name, written.name)
		}
		files := contents(t, builtIn.files)
		again := contents(t, written.files)
		if schema := again[schemaFile]; !bytes.Equal(schema, data.SchemaJSON) || !bytes.Contains(files[data.SiteFile], []byte(`"$schema": "`+schemaFile+`"`)) {
			t.Errorf("%s: the schema that %s names is not there for editors", name, data.SiteFile)
		}
		delete(again, schemaFile)
		if len(files) != len(again) {
			t.Errorf("%s: %d files built in, %d written", name, len(files), len(again))
		}
		for path, text := range files {
			if !bytes.Equal(text, again[path]) {
				t.Errorf("%s/%s is not written as it is", name, path)
			}
			if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm()&0o200 == 0 {
				t.Errorf("%s/%s: got %v, %v, want a file that can be changed", name, path, info, err)
			}
		}
	}
}

// contents reads all files of a tree.
func contents(t *testing.T, tree fs.FS) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path], err = fs.ReadFile(tree, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAsPath(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{
		"site": "site", "a/chess": "a/chess", "chess": "./chess", "my site": "'my site'", "it's": `'it'\''s'`,
	} {
		if got := asPath(dir); got != want {
			t.Errorf("%q: got %s, want %s", dir, got, want)
		}
	}
}
