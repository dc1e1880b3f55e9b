package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bounded are the files of which limits.md has every number.
var bounded = []string{
	"shared/wire/limits.go", "shared/group/parse.go", "shared/group/people.go", "shared/group/draft.go",
	"shared/data/aggregate.go", "shared/data/query.go", "shared/data/request.go", "shared/data/site.go", "shared/data/template.go", "shared/data/where.go", "shared/data/search.go",
	"shared/member/backoff.go", "shared/member/heartbeat.go", "shared/member/queue.go",
	"shared/member/keeper.go", "shared/member/look.go", "shared/member/move.go",
	"host/node/limits.go", "host/node/web.go", "host/relay/limits.go", "host/relay/memlog.go",
	"host/dataserve/server.go", "host/store/db.go",
	"wasm/internal/sitefetch/client.go", "wasm/internal/sitefetch/request.go",
	"shared/record/record.go", "shared/door/door.go", "shared/door/rates.go", "host/door/server.go", "host/announce/announce.go",
}

// defaults are the functions that set the numbers of a struct of limits.
var defaults = map[string]bool{"withDefaults": true, "DefaultLimits": true, "NewMemLog": true}

// numbers are what a package calls its numbers: constants by name, defaults by the name of their field.
type numbers struct {
	consts map[string]ast.Expr
	found  map[string][]float64
}

// value works out an expression, durations in nanoseconds.
func (n *numbers) value(e ast.Expr) (float64, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		v, err := strconv.ParseFloat(strings.ReplaceAll(e.Value, "_", ""), 64)
		return v, err == nil
	case *ast.ParenExpr:
		return n.value(e.X)
	case *ast.Ident:
		if c, ok := n.consts[e.Name]; ok {
			return n.value(c)
		}
	case *ast.SelectorExpr:
		unit := map[string]time.Duration{"Nanosecond": 1, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
			"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour}[e.Sel.Name]
		return float64(unit), unit != 0
	case *ast.BinaryExpr:
		x, okX := n.value(e.X)
		y, okY := n.value(e.Y)
		if !okX || !okY {
			return 0, false
		}
		switch e.Op {
		case token.ADD:
			return x + y, true
		case token.MUL:
			return x * y, true
		case token.QUO:
			return x / y, true
		case token.SHL:
			return x * float64(int64(1)<<int64(y)), true
		}
	}
	return 0, false
}

func (n *numbers) note(name string, e ast.Expr) {
	if v, ok := n.value(e); ok {
		n.found[name] = append(n.found[name], v)
	}
}

// field returns the last name of x.Name or &x.Name.
func field(e ast.Expr) string {
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	if s, ok := e.(*ast.SelectorExpr); ok {
		return s.Sel.Name
	}
	return ""
}

// numbersOf reads the numbers of some files of one package.
func numbersOf(t *testing.T, files ...string) map[string][]float64 {
	t.Helper()
	n := numbers{map[string]ast.Expr{}, map[string][]float64{}}
	var parsed []*ast.File
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				for i, v := range s.(*ast.ValueSpec).Values {
					n.consts[s.(*ast.ValueSpec).Names[i].Name] = v
				}
			}
		}
	}
	for name, e := range n.consts {
		n.note(name, e)
	}
	for _, f := range parsed {
		ast.Inspect(f, func(node ast.Node) bool {
			switch x := node.(type) {
			case *ast.FuncDecl:
				return defaults[x.Name.Name]
			case *ast.CallExpr: // set(&l.Name, 5)
				if len(x.Args) == 2 && field(x.Args[0]) != "" {
					n.note(field(x.Args[0]), x.Args[1])
				}
			case *ast.AssignStmt: // l.Name = 5
				if len(x.Lhs) == 1 && x.Tok == token.ASSIGN && field(x.Lhs[0]) != "" {
					n.note(field(x.Lhs[0]), x.Rhs[0])
				}
			case *ast.KeyValueExpr: // Limits{Name: 5}
				if key, ok := x.Key.(*ast.Ident); ok {
					n.note(key.Name, x.Value)
				}
			}
			return true
		})
	}
	return n.found
}

// amount reads a number as people write it: "1,000", "64 KiB", "10 s", "24 h", "300 a second".
func amount(text string) (float64, bool) {
	m := regexp.MustCompile(`^([\d,.]+)(?: (\w+))?`).FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	unit := map[string]float64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "ms": float64(time.Millisecond),
		"s": float64(time.Second), "min": float64(time.Minute), "h": float64(time.Hour), "days": 24 * float64(time.Hour)}[m[2]]
	if unit == 0 {
		unit = 1
	}
	return v * unit, err == nil
}

// TestLimits compares each number of limits.md with the one in the code that its row names, and looks
// for numbers of the code that limits.md does not have.
func TestLimits(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("limits.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\|.*\\| ([^|]+) \\|.*\\| `([\\w/]+) (\\w+)` \\|$").FindAllStringSubmatch(string(text), -1) {
		told, folder, name := row[1], row[2], row[3]
		named[folder+" "+name] = true
		want, ok := amount(told)
		if !ok {
			t.Errorf("%s %s: %q is no number", folder, name, told)
			continue
		}
		files, err := filepath.Glob("../" + folder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no such folder (%v)", folder, err)
			continue
		}
		fits := false
		got := numbersOf(t, withoutTests(files)...)[name]
		for _, v := range got {
			fits = fits || v == want || v*float64(time.Millisecond) == want // some count milliseconds
		}
		if !fits {
			t.Errorf("%s %s: limits.md says %s, the code %v", folder, name, told, got)
		}
	}
	for _, file := range bounded {
		for name, v := range numbersOf(t, "../"+file) {
			if key := filepath.Dir(file) + " " + name; !named[key] {
				t.Errorf("limits.md does not have %s (%v)", key, v)
			}
		}
	}
	if len(named) < 100 {
		t.Errorf("only %d limits found", len(named))
	}
}

// TestLimitsThatCanBeSet compares the names of --limit with those of limits.md. That the defaults and ranges
// are right, the command's own tests see to.
func TestLimitsThatCanBeSet(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("limits.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Setting them\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z][a-z-]*)` \\|").FindAllStringSubmatch(section, -1) {
		named[row[1]] = true
	}
	f, err := parser.ParseFile(token.NewFileSet(), "../host/cmd/goop/limits.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	settable := 0
	ast.Inspect(f, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr) // bound("payload", …)
		if !ok || len(call.Args) == 0 {
			return true
		}
		fn, ok := call.Fun.(*ast.Ident)
		name, isText := call.Args[0].(*ast.BasicLit)
		if !ok || !isText || fn.Name != "bound" {
			return true
		}
		settable++
		if key := strings.Trim(name.Value, `"`); !named[key] {
			t.Errorf("limits.md does not have --limit %s", key)
		}
		return true
	})
	if settable != len(named) || settable < 15 {
		t.Errorf("the flag has %d names, limits.md %d", settable, len(named))
	}
}

func withoutTests(files []string) (rest []string) {
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			rest = append(rest, f)
		}
	}
	return rest
}
