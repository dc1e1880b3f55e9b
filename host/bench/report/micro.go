package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// micro runs the Go benchmarks of the hot paths, and returns a run for each.
func micro(ctx context.Context, root string, count int, smoke bool) ([]run, error) {
	args := []string{"test", "-run=^$", "-bench=.", "-benchmem", "-count=" + strconv.Itoa(count), "-p=1", "-benchtime=200ms"}
	if smoke {
		args = append(args[:len(args)-1], "-benchtime=1x")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./host/...", "./shared/...")...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	all := benchmarks(string(out))
	if err == nil && len(all) == 0 {
		err = errors.New("there are no Go benchmarks")
	}
	return all, err
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
