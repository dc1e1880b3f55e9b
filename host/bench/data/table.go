package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// heading says what was measured.
func heading(l load, rounds int) string {
	return fmt.Sprintf("%d clients, %d watchers with %d writers, %d processors for hosts and clients together, medians of %d rounds.\n"+
		"Both keep what they have answered on the disk (WAL, synchronous FULL, which is not PocketBase's own setting).\n\n",
		l.clients, l.watchers, l.writers, runtime.NumCPU(), rounds)
}

// parts are the kinds of load.
var parts = []struct {
	name string
	of   func(*result) *part
}{
	{"inserts", func(r *result) *part { return &r.insert }},
	{"point reads", func(r *result) *part { return &r.get }},
	{"queries, 20 rows", func(r *result) *part { return &r.query }},
	{"live events", func(r *result) *part { return &r.live }},
}

// record is one kind of load in one round, as host/bench/report reads it.
type record struct {
	System string `json:"system"`
	Work   string `json:"work"`
	Output struct {
		PerSecond      float64 `json:"perSecond"`
		P50            float64 `json:"p50Ms"`
		P99            float64 `json:"p99Ms"`
		CPUPerThousand float64 `json:"cpuMsPerThousand"`
		Version        string  `json:"version,omitempty"`
	} `json:"output"`
}

// records is what all came to, round by round.
func records(all []system, results [][]result) []record {
	var out []record
	for i, s := range all {
		for j := range results[i] {
			for _, p := range parts {
				part := p.of(&results[i][j])
				r := record{System: s.id(), Work: "data: " + p.name}
				r.Output.PerSecond, r.Output.P50, r.Output.P99, r.Output.CPUPerThousand = part.perSecond, millis(part.p50), millis(part.p99), millis(part.cpu)
				r.Output.Version = s.version()
				out = append(out, r)
			}
		}
	}
	return out
}

// table is what all came to, in Markdown. The last host is the one that the others are held against.
func table(all []system, results [][]result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| what | host | a second | of the last | p50 | p99 | CPU of the host for 1,000 |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, p := range parts {
		last := median(results[len(results)-1], func(r *result) float64 { return p.of(r).perSecond })
		for i, s := range all {
			rs := results[i]
			rate := median(rs, func(r *result) float64 { return p.of(r).perSecond })
			span := func(of func(*part) time.Duration) time.Duration {
				return time.Duration(median(rs, func(r *result) float64 { return float64(of(p.of(r))) }))
			}
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.1f× | %s | %s | %s |\n", p.name, s.name(), rate, rate/last,
				ms(span(func(p *part) time.Duration { return p.p50 })), ms(span(func(p *part) time.Duration { return p.p99 })),
				ms(span(func(p *part) time.Duration { return p.cpu })))
		}
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", millis(d)) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(rs []result, of func(*result) float64) float64 {
	var all []float64
	for i := range rs {
		all = append(all, of(&rs[i]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
