package main

import (
	"cmp"
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// share is what part of the host's time was spent in the functions of a package.
type share struct {
	Package string  `json:"package"`
	Percent float64 `json:"percent"`
	Most    string  `json:"most"` // its function with the most
}

// shares reads a CPU profile: the time in each package itself, not in what it calls.
func shares(ctx context.Context, file string) ([]share, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", file).Output()
	if err != nil {
		return nil, err
	}
	return byPackage(string(out)), nil
}

// byPackage adds up the lines of `go tool pprof -top`, which come with the largest first.
func byPackage(top string) []share {
	of := map[string]*share{}
	for line := range strings.Lines(top) {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasSuffix(f[1], "%") {
			continue // the heading
		}
		percent, err := strconv.ParseFloat(strings.TrimSuffix(f[1], "%"), 64)
		if err != nil {
			continue
		}
		pkg, name := split(f[5])
		if of[pkg] == nil {
			of[pkg] = &share{Package: pkg, Most: name}
		}
		of[pkg].Percent += percent
	}
	var all []share
	for _, s := range of {
		if s.Percent >= 1 {
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(a, b share) int {
		return cmp.Or(-cmp.Compare(a.Percent, b.Percent), cmp.Compare(a.Package, b.Package))
	})
	return all
}

// split cuts the name of a function, such as goop/host/relay.(*hub).run, at the end of its package.
func split(function string) (pkg, name string) {
	// What a generic function was made for may have slashes too.
	head, _, _ := strings.Cut(function, "[")
	slash := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(head[slash:], '.')
	if dot < 0 {
		return "the runtime's assembly", function
	}
	return strings.ReplaceAll(function[:slash+dot], "%2e", "."), function[slash+dot+1:]
}
