package main

import (
	"fmt"
	"slices"
	"strings"
)

// database writes what the database does beside PocketBase's.
func (r *record) database(b *strings.Builder) {
	p := r.Parts["data"]
	if p == nil || len(p.Runs) == 0 {
		return
	}
	b.WriteString(`
## The database beside PocketBase

64 clients insert rows, read single rows, and ask for 20 rows by an index, each with one request under way; then 100 watch while 16 write bursts of 500
rows, of which each watcher gets each. What is answered is on the disk in both (synchronous FULL, which is not PocketBase's own setting). Clients and
hosts share all cores.

| what | system | a second | Goop is | p50 | p99 | CPU of the host for 1,000 |
|---|---|--:|--:|--:|--:|--:|
`)
	works, names := inOrder(p.Runs)
	for _, w := range works {
		for _, s := range names {
			rate, ok := r.figure(s, w, "perSecond")
			if !ok {
				continue
			}
			ratio := "–"
			if ours, ok := r.figure(webtransport, w, "perSecond"); ok && rate > 0 && s != webtransport {
				ratio = fmt.Sprintf("%.1f×", ours/rate)
			}
			p50, _ := r.figure(s, w, "p50Ms")
			p99, _ := r.figure(s, w, "p99Ms")
			cpu, _ := r.figure(s, w, "cpuMsPerThousand")
			name := title(s)
			if v := r.text(s, w, "version"); v != "" {
				name += " " + v
			}
			fmt.Fprintf(b, "| %s | %s | %.0f | %s | %s | %s | %s |\n", strings.TrimPrefix(w, "data: "), name, rate, ratio,
				quantity(p50, "ms"), quantity(p99, "ms"), quantity(cpu, "ms"))
		}
	}
}

// pages writes what a page in a browser downloads, and what it is like there.
func (r *record) pages(b *strings.Builder) {
	if p := r.Parts["sizes"]; p != nil && len(p.Runs) > 0 {
		b.WriteString("\n## What a page downloads\n\nBytes.\n\n| file | raw | gzip | brotli |\n|---|--:|--:|--:|\n")
		for _, run := range p.Runs {
			raw, _ := number(run.Output, "raw")
			gz, _ := number(run.Output, "gz")
			br, _ := number(run.Output, "br")
			fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f |\n", run.Work, raw, gz, br)
		}
	}
	if text := r.text(pageSystem, pageWork, "markdown"); text != "" {
		b.WriteString("\n## A page in Chromium\n\n" + strings.TrimSpace(text) + "\n")
	}
}

// inOrder returns the works and the systems of runs, each once, as they come.
func inOrder(runs []run) (works, systems []string) {
	for _, run := range runs {
		if !slices.Contains(works, run.Work) {
			works = append(works, run.Work)
		}
		if !slices.Contains(systems, run.System) {
			systems = append(systems, run.System)
		}
	}
	return works, systems
}

// known are figures that say nothing which the document does not say elsewhere.
var known = []string{"host.cores", "host.pinned", "host.startedHere", "host.cpuMs", "result.hostCores", "result.loaderCores", "result.members", "result.senders", "result.expected"}

// moreOfGoop writes all that Goop's own instruments say, beside what the tables above have of it.
func (r *record) moreOfGoop(b *strings.Builder) {
	p := r.Parts["goop"]
	if p == nil {
		return
	}
	b.WriteString("\n## What the instruments say of Goop\n\nMedians; sizes in bytes.\n\n| work | transport | figures |\n|---|---|---|\n")
	works, systems := inOrder(p.Runs)
	for _, w := range works {
		for _, s := range systems {
			runs := r.of(s, w)
			if len(runs) == 0 {
				continue
			}
			var figures []string
			for _, path := range paths(runs[0].Output) {
				if v, ok := r.figure(s, w, path); ok && !strings.HasPrefix(path, "plan.") && !slices.Contains(known, path) {
					figures = append(figures, strings.TrimPrefix(path, "result.")+" "+quantity(v, ""))
				}
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", w, strings.TrimPrefix(s, "goop-"), strings.Join(figures, ", "))
		}
	}
}

// paths are those of all that is in an object, in order.
func paths(object map[string]any) []string {
	var all []string
	for _, key := range sortedKeys(object) {
		if inner, ok := object[key].(map[string]any); ok {
			for _, path := range paths(inner) {
				all = append(all, key+"."+path)
			}
			continue
		}
		all = append(all, key)
	}
	return all
}

// micros writes the Go benchmarks.
func (r *record) micros(b *strings.Builder) {
	p := r.Parts["micro"]
	if p == nil || len(p.Runs) == 0 {
		return
	}
	b.WriteString("\n## Go benchmarks\n\n| package | benchmark | ns | B | allocations | more |\n|---|---|--:|--:|--:|---|\n")
	seen := map[string]bool{}
	for _, run := range p.Runs {
		if key := run.System + " " + run.Work; seen[key] {
			continue
		} else {
			seen[key] = true
		}
		cell := func(unit string) string {
			v, ok := r.figure(run.System, run.Work, unit)
			if !ok {
				return "–"
			}
			return quantity(v, "")
		}
		var more []string
		for _, unit := range sortedKeys(run.Output) {
			if unit != "ns/op" && unit != "B/op" && unit != "allocs/op" {
				more = append(more, cell(unit)+" "+unit)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", strings.TrimPrefix(run.System, "goop/"), run.Work, cell("ns/op"), cell("B/op"), cell("allocs/op"), strings.Join(more, ", "))
	}
}
