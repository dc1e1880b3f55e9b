package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// micro runs the Go benchmarks, and returns a run for each time that one ran.
func micro(ctx context.Context, root string, count int, smoke bool) ([]run, error) {
	packages, err := withBenchmarks(root)
	if err != nil {
		return nil, err
	}
	args := []string{"test", "-vet=off", "-run=^$", "-bench=.", "-benchmem"}
	if smoke {
		args = append(args, "-benchtime=1x", "-short")
	} else {
		args = append(args, "-benchtime=200ms", "-count="+strconv.Itoa(count), "-p=1") // one package at a time has the machine
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	all := benchmarks(string(out))
	if err == nil && len(all) == 0 {
		err = errors.New("there are no Go benchmarks")
	}
	return all, err
}

// withBenchmarks returns the packages that have benchmarks, so that no others need be built.
func withBenchmarks(root string) ([]string, error) {
	var all []string
	for _, top := range []string{"host", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "peers" {
				return fs.SkipDir // other modules
			}
			if !strings.HasSuffix(name, "_test.go") {
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(text, []byte("\nfunc Benchmark")) {
				return err
			}
			folder, err := filepath.Rel(root, filepath.Dir(name))
			if pkg := "./" + filepath.ToSlash(folder); err == nil && !slices.Contains(all, pkg) {
				all = append(all, pkg)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// benchmarks reads what `go test -bench` prints: for each benchmark its numbers by unit.
func benchmarks(out string) []run {
	var all []run
	pkg := ""
	for line := range strings.Lines(out) {
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimSpace(p)
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i] // how many processors there were
			}
		}
		r := run{System: pkg, Work: name, Output: map[string]any{}}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				r.Output[f[i+1]] = v
			}
		}
		all = append(all, r)
	}
	return all
}
