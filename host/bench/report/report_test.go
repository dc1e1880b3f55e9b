package main

import (
	"slices"
	"strings"
	"testing"
)

const top = `File: goop
Type: cpu
Showing nodes accounting for 3900ms, 97.50% of 4000ms total
      flat  flat%   sum%        cum   cum%
    1600ms 40.00% 40.00%     1600ms 40.00%  internal/runtime/syscall/linux.Syscall6
     800ms 20.00% 60.00%     3000ms 75.00%  goop/host/relay.(*session).write
     600ms 15.00% 75.00%      600ms 15.00%  goop/host/relay.encode[go.shape.struct { a/b.c }]
     400ms 10.00% 85.00%      400ms 10.00%  github.com/libp2p/go-yamux/v5.(*Session).send
      20ms  0.50% 85.50%       20ms  0.50%  memeqbody
`

func TestProfilesAreAddedUpByPackage(t *testing.T) {
	t.Parallel()
	want := []share{
		{"internal/runtime/syscall/linux", 40, "Syscall6"},
		{"goop/host/relay", 35, "(*session).write"},
		{"github.com/libp2p/go-yamux/v5", 10, "(*Session).send"},
	}
	if got := byPackage(top); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBenchmarksAreRead(t *testing.T) {
	t.Parallel()
	got := benchmarks("pkg: goop/host/store\ncpu: some\nBenchmarkAppend/64-groups-2   \t  100\t  2000 ns/op\t  31.5 rows/commit\t  48 B/op\t  1 allocs/op\nPASS\n")
	if len(got) != 1 {
		t.Fatalf("got %d benchmarks, want 1", len(got))
	}
	if got[0].System != "goop/host/store" || got[0].Work != "Append/64-groups" {
		t.Errorf("got %s of %s", got[0].Work, got[0].System)
	}
	for unit, want := range map[string]float64{"ns/op": 2000, "rows/commit": 31.5, "B/op": 48, "allocs/op": 1} {
		if v, _ := number(got[0].Output, unit); v != want {
			t.Errorf("%s: got %v, want %v", unit, v, want)
		}
	}
}

// recorded is a record with one system's figures in one work, a run each.
func recorded(system, work, key string, values ...float64) *record {
	r := &record{Parts: map[string]*part{"goop": {}}}
	for _, v := range values {
		r.Parts["goop"].Runs = append(r.Parts["goop"].Runs, run{System: system, Work: work, Output: map[string]any{"result": map[string]any{key: v}}})
	}
	return r
}

func TestATargetIsHeldAgainstTheMedian(t *testing.T) {
	t.Parallel()
	target := target{checks: []check{{name: "p99", system: webtransport, work: light, path: p99, unit: "ms", atMost: 10}}}
	for _, test := range []struct {
		name   string
		record *record
		want   string
	}{
		{"the median is good", recorded(webtransport, light, "p99Ms", 50, 9, 8), "met"},
		{"the median is bad", recorded(webtransport, light, "p99Ms", 5, 11, 12), "**missed**"},
		{"another system", recorded(websocket, light, "p99Ms", 5), "not measured"},
		{"another work", recorded(webtransport, heavy, "p99Ms", 5), "not measured"},
	} {
		if _, got := target.verdict(test.record); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestFeaturesAreComparedWithTheBareRelay(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(targets, func(t target) bool { return t.id == "bare" })
	r := recorded(webtransport, light, "perHostCpuSecond", 90, 100, 110)
	if figures, met := targets[i].verdict(r); met != "not measured" || !strings.Contains(figures, "WebTransport, 100 × 500: not measured") {
		t.Errorf("without a bare relay: %s, %s", figures, met)
	}
	r.Parts["goop"].Runs = append(r.Parts["goop"].Runs, recorded(bareWT, light, "perHostCpuSecond", 125).Parts["goop"].Runs...)
	if figures, met := targets[i].verdict(r); met != "**missed**" || !strings.Contains(figures, "**WebTransport, 100 × 500: 0.8×**") {
		t.Errorf("with one that costs less: %s, %s", figures, met)
	}
	text := r.document(nil)
	if table, _, _ := strings.Cut(text, "## Targets"); strings.Contains(table, "bare relay,") {
		t.Error("the bare relay stands beside what is to be had")
	}
	if !strings.Contains(text, "| "+light+" | bare-webtransport | perHostCpuSecond 125 |") {
		t.Error("what the bare relay did is not told")
	}
}

func TestBareRelaysDoWhatNamesThem(t *testing.T) {
	t.Parallel()
	did := map[string]int{}
	for _, w := range works {
		for _, s := range systems {
			if w.by(s) {
				did[s.id]++
			}
			if s.bare && w.by(s) && !w.by(system{id: strings.Replace(s.id, "bare-", "goop-", 1)}) {
				t.Errorf("%s: nothing to compare %s with", w.id, s.id)
			}
		}
	}
	for _, s := range systems {
		if n := did[s.id]; n == 0 || s.bare && n == len(works) {
			t.Errorf("%s does %d of %d works", s.id, n, len(works))
		}
	}
}

func TestAFailedRunDoesNotCount(t *testing.T) {
	t.Parallel()
	r := recorded(webtransport, light, "p99Ms", 1, 2, 3)
	r.Parts["goop"].Runs[0].Error = "nothing was delivered"
	r.Parts["goop"].Runs[1].Error = "nothing was delivered"
	if v, ok := r.figure(webtransport, light, p99); !ok || v != 3 {
		t.Errorf("got %v, %v, want 3", v, ok)
	}
}

func TestAMissedTargetShowsItsProfile(t *testing.T) {
	t.Parallel()
	r := recorded(webtransport, light, "p99Ms", 40)
	r.Parts["goop"].Runs[0].Profile = byPackage(top)
	text := r.document(map[string]string{"light": "It is the kernel.", "mesh": "Not of interest."})
	for _, want := range []string{"**p99: 40.0 ms**", "**missed**", "It is the kernel.", "| goop/host/relay | 35.0 % | `(*session).write` |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q", want)
		}
	}
}

func TestRemarks(t *testing.T) {
	t.Parallel()
	got := parseRemarks("# a comment\n[light]\nOne line,\nand another.\n\n[mesh]\n\nThird.\n")
	if got["light"] != "One line,\nand another." || got["mesh"] != "Third." {
		t.Errorf("got %q", got)
	}
	for id := range got {
		if !slices.ContainsFunc(targets, func(t target) bool { return t.id == id }) {
			t.Errorf("there is no target %s", id)
		}
	}
}
