// Package archtest holds the sources of the whole module against the rules of ARCHITECTURE.md: who may
// import whom, where JavaScript is touched, and that each package says what it is. It reads sources and
// runs no other program, so that the test cache notices every change.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "goop"

// source is one file of Go.
type source struct {
	folder  string // "" is the module's root
	name    string
	pkg     string
	doc     bool // has a package comment
	imports []string
	funcOf  bool // calls js.FuncOf
}

func (s *source) path() string { return path.Join(s.folder, s.name) }
func (s *source) test() bool   { return strings.HasSuffix(s.name, "_test.go") }

// read parses all Go files of a tree, but those of which the go command knows nothing either.
func read(tree fs.FS) ([]source, error) {
	var all []source
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil && name != "." {
				return fs.SkipDir // another module
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s := source{folder: path.Dir(name), name: base, pkg: file.Name.Name, doc: file.Doc != nil}
		if s.folder == "." {
			s.folder = ""
		}
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, p)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "FuncOf" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "js" {
					s.funcOf = true
				}
			}
			return true
		})
		all = append(all, s)
		return nil
	})
	return all, err
}

// within reports whether a folder or import path is meant by a pattern.
func within(p, pattern string) bool {
	if pattern == "..." {
		return true
	}
	if pattern == "*.*/..." {
		first, _, _ := strings.Cut(p, "/")
		return strings.Contains(first, ".")
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return p == base || strings.HasPrefix(p, base+"/")
	}
	return p == pattern
}

func anyWithin(p string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return within(p, pattern) })
}

// isHelper reports whether an import path is that of a package which only tests import.
func isHelper(p string) bool {
	return within(p, module+"/...") && strings.HasSuffix(path.Base(p), "test")
}

// check returns what breaks the rules, one line each, in order.
func check(sources []source) []string {
	var faults []string
	fault := func(s *source, what string) { faults = append(faults, s.path()+": "+what) }
	comments := map[string][]*source{} // by folder
	for i := range sources {
		s := &sources[i]
		if c := comments[s.folder]; s.doc {
			comments[s.folder] = append(c, s)
		} else if c == nil {
			comments[s.folder] = []*source{}
		}
		if s.test() {
			continue
		}
		for _, imported := range s.imports {
			for _, r := range rules {
				if anyWithin(s.folder, r.folders) && !anyWithin(s.folder, r.except) && anyWithin(imported, r.never) {
					fault(s, "imports "+imported+": "+r.because)
				}
			}
			helps := strings.HasSuffix(s.folder, "test")
			if (within(imported, "testing/...") || isHelper(imported)) && !helps {
				fault(s, "imports "+imported+": only tests, and packages whose name ends in test, do that")
			}
			if imported == "syscall/js" && !strings.HasSuffix(s.name, "_js.go") {
				fault(s, "imports syscall/js: only files whose name ends in _js.go do that")
			}
		}
		if s.funcOf && s.folder != "wasm/internal/jsx" {
			fault(s, "calls js.FuncOf: only wasm/internal/jsx does that, and shows the Release")
		}
	}
	for folder, with := range comments {
		switch {
		case len(with) == 0:
			faults = append(faults, folder+": no file has a package comment")
		case len(with) > 1:
			faults = append(faults, folder+": more than one file has a package comment")
		case !namedFor(with[0]):
			fault(with[0], "has the package comment, which belongs into doc.go or the file named after the package")
		}
	}
	slices.Sort(faults)
	return faults
}

// namedFor reports whether a file is where one looks for the package comment.
func namedFor(s *source) bool {
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s.name, ".go"), "_test"), "_js")
	return stem == "doc" || stem == "embed" || stem == strings.TrimSuffix(s.pkg, "_test")
}

func TestTheModuleKeepsTheRules(t *testing.T) {
	t.Parallel()
	root := "../../.."
	if _, err := os.Stat(path.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	sources, err := read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) < 100 {
		t.Errorf("only %d files were found", len(sources))
	}
	for _, f := range check(sources) {
		t.Error(f)
	}
	// A folder that has been renamed would leave a rule without anything to watch over.
	for _, r := range rules {
		for _, pattern := range append(slices.Clone(r.folders), r.except...) {
			if !slices.ContainsFunc(sources, func(s source) bool { return within(s.folder, pattern) }) {
				t.Errorf("a rule is about %s, where there is nothing", pattern)
			}
		}
	}
}

// TestBrokenRulesAreFound runs the same checks over a tree in which each rule is broken: testdata/want
// has what they have to say.
func TestBrokenRulesAreFound(t *testing.T) {
	t.Parallel()
	sources, err := read(os.DirFS("testdata/tree"))
	if err != nil {
		t.Fatal(err)
	}
	got := check(sources)
	text, err := os.ReadFile("testdata/want")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, f := range got {
		if !slices.Contains(want, f) {
			t.Errorf("not expected: %s", f)
		}
	}
	for _, f := range want {
		if !slices.Contains(got, f) {
			t.Errorf("not found: %s", f)
		}
	}
	for _, r := range rules {
		if !slices.ContainsFunc(got, func(f string) bool { return strings.HasSuffix(f, r.because) }) {
			t.Errorf("no broken example of: %s", r.because)
		}
	}
}
