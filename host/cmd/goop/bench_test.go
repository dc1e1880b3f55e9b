package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"goop/host/bench"
	"goop/host/bench/load"
)

// benchmark runs goop bench for a short time and returns what it prints as JSON. The host that it starts is this
// test binary under the name goop (see TestMain).
func benchmark(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	args = append(append([]string{"bench"}, args...), "--json")
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != exitOK {
		t.Fatalf("goop %q: exit code %d, %s", args, code, errs.String())
	}
	return out.String()
}

// messagesReport is a report about messages.
type messagesReport struct {
	bench.Report
	Result struct {
		Sent, Expected, Delivered, Missing, Duplicates, OutOfOrder, Refused int64
	} `json:"result"`
}

// asMessages reads a report, and wants that all of its messages have arrived.
func asMessages(t *testing.T, text string) (r messagesReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	res := r.Result
	if res.Sent == 0 || res.Expected != res.Sent*int64(r.Plan.Members-1) || res.Delivered != res.Expected ||
		res.Missing+res.Duplicates+res.OutOfOrder+res.Refused != 0 {
		t.Errorf("%s: %+v", r.Scenario, res)
	}
	return r
}

func TestBenchFanout(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, transport := range bench.Transports {
		r := asMessages(t, benchmark(t, "fanout", "--members", "12", "--rate", "100", "--secs", "0.2", "--pin=false", "--transport", transport))
		if r.Scenario != "fanout" || r.Transport != transport || r.Plan.Senders != 10 || r.Result.Sent != 30 {
			t.Errorf("%s: %+v", transport, r)
		}
		h := r.Host
		if !h.Own || h.Heap == nil || h.HeapPerMember == nil || h.GoroutinesPerMember == nil || h.StreamBytes == nil || h.Resyncs == nil {
			t.Errorf("%s: what the host tells is missing: %+v", transport, h)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

func TestBenchOnABareRelay(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "bare.pprof")
	for _, args := range [][]string{
		{"fanout", "--members", "12", "--rate", "100", "--transport", "webtransport"},
		{"fanout", "--members", "12", "--rate", "100", "--transport", "ws"},
		{"mesh", "--members", "5", "--rate", "20", "--profile", profile},
	} {
		r := asMessages(t, benchmark(t, append(args, "--bare", "--secs", "0.2", "--pin=false")...))
		h := r.Host
		if !r.Plan.Bare || !h.Own || h.HeapPerMember == nil || h.StreamBytes == nil || *h.StreamBytes < 128 {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v, %v", info, err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"bench", "mesh", "--bare", "--url", "http://127.0.0.1:1"}, strings.NewReader(""), &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "no --url") {
		t.Errorf("beside a host that runs: exit code %d, %s", code, errs.String())
	}
}

func TestBenchFeatures(t *testing.T) {
	t.Parallel()
	var r struct {
		bench.Report
		Result map[string]map[string]any `json:"result"`
	}
	text := benchmark(t, "features", "--members", "6", "--rate", "100", "--secs", "0.9", "--pin=false")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, name := range []string{"plain", "durable", "state", "volatile", "news", "watch"} {
		for _, key := range []string{"perHostCpuSecond", "costPercent"} { // null where so little took no measurable time
			if _, ok := r.Result[name][key]; !ok {
				t.Errorf("%s of %s is not told: %s", key, name, text)
			}
		}
	}
}

func TestBenchMesh(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "host.pprof")
	r := asMessages(t, benchmark(t, "mesh", "--members", "5", "--rate", "20", "--secs", "0.2", "--profile", profile, "--pin="+pinned()))
	if r.Plan.Senders != 5 || r.Result.Sent != 30 {
		t.Errorf("%+v", r)
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v, %v", info, err)
	}
}

// pinned is --pin where that can be done: it is the default, and so has to be seen to work.
func pinned() string {
	if load.Pinnable() {
		return "true"
	}
	return "false"
}

func TestBenchSlow(t *testing.T) {
	t.Parallel()
	var r struct {
		Result struct {
			Without, With struct{ Sent, Expected, Delivered, Missing int64 }
			SlowRead      int64
			HeapWith      *int64
		} `json:"result"`
	}
	text := benchmark(t, "slow", "--members", "4", "--rate", "50", "--secs", "0.2", "--pin=false", "--transport", "quic")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for name, res := range map[string]struct{ Sent, Expected, Delivered, Missing int64 }{"without": r.Result.Without, "with": r.Result.With} {
		if res.Sent != 15 || res.Expected != 45 || res.Delivered != 45 || res.Missing != 0 {
			t.Errorf("%s the slow one: %+v", name, res)
		}
	}
	if r.Result.SlowRead == 0 || r.Result.HeapWith == nil {
		t.Errorf("of the slow one: %+v", r.Result)
	}
}

// TestBenchEndsWithCtrlC interrupts a long run in its midst.
func TestBenchEndsWithCtrlC(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := &interrupter{when: "measuring", call: cancel}
	var out strings.Builder
	args := []string{"bench", "fanout", "--members", "3", "--rate", "50", "--secs", "600", "--pin=false"}
	if code := run(ctx, args, strings.NewReader(""), &out, errs); code != exitFailed || out.Len() > 0 {
		t.Errorf("exit code %d, %q", code, out.String())
	}
	if said := errs.text.String(); !strings.HasSuffix(said, "\ngoop: the measurement was ended before it was complete\n") {
		t.Errorf("it said %q", said)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// interrupter calls a function when something is written that contains a word.
type interrupter struct {
	when string
	call func()
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (w *interrupter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if strings.Contains(string(p), w.when) {
		w.call()
	}
	return len(p), nil
}

func TestBenchOfARunningHost(t *testing.T) {
	t.Parallel()
	p := startHost(t)
	args := []string{"fanout", "--members", "3", "--rate", "50", "--secs", "0.2", "--pin=false", "--url", p.page, "--group", "lobby"}
	r := asMessages(t, benchmark(t, args...))
	if h := r.Host; h.Own || h.CPU != nil || h.RSS != nil || h.Heap != nil || h.StreamBytes != nil {
		t.Errorf("figures of a host of which nothing is known: %+v", h)
	}
	r = asMessages(t, benchmark(t, append(args, "--data", p.data)...))
	if h := r.Host; h.Own || h.Heap == nil || h.StreamBytes == nil {
		t.Errorf("what the host tells its operator is missing: %+v", h)
	}
}

func TestBenchData(t *testing.T) {
	t.Parallel()
	var r struct {
		bench.Report
		Result map[string]struct{ Count, PerSecond, P50Ms float64 } `json:"result"`
	}
	text := benchmark(t, "data", "--members", "3", "--secs", "0.5", "--pin=false")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, part := range []string{"append", "insert", "query", "watch"} {
		if p := r.Result[part]; p.Count == 0 || p.PerSecond == 0 || p.P50Ms == 0 {
			t.Errorf("%s: %+v in %s", part, p, text)
		}
	}
	if r.Host.StreamBytes == nil || r.Plan.Members != 3 || r.Plan.Size == 0 {
		t.Errorf("%+v", r.Report)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"bench", "data", "--url", "http://127.0.0.1:1"}, strings.NewReader(""), &out, &errs); code == exitOK || !strings.Contains(errs.String(), "no --url") {
		t.Errorf("on a host that runs: exit code %d, %s", code, errs.String())
	}
}

// crowdReport is a report about a crowd that comes, rests, or comes back.
type crowdReport struct {
	Host   bench.HostFigures `json:"host"`
	Result map[string]any    `json:"result"`
}

func TestBenchOfACrowd(t *testing.T) {
	t.Parallel()
	profile := filepath.Join(t.TempDir(), "join.pprof")
	for _, tt := range []struct {
		scenario string
		args     []string
		want     []string // what the result has to tell
	}{
		{"idle", []string{"--secs", "0.2"}, []string{"oursPerMember", "bareHeapPerMember"}},
		{"idle", []string{"--secs", "0.2", "--bare"}, []string{"oursPerMember", "bareHeapPerMember"}},
		{"join", []string{"--transport", "ws", "--profile", profile}, []string{"elapsedMs", "bareElapsedMs", "noRosterElapsedMs", "streamBytesPerMember"}},
		{"resume", []string{"--transport", "quic"}, []string{"elapsedMs", "backMs"}},
	} {
		var r crowdReport
		text := benchmark(t, append([]string{tt.scenario, "--members", "12", "--pin=false"}, tt.args...)...)
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for _, key := range tt.want {
			if _, ok := r.Result[key].(float64); !ok {
				t.Errorf("%s tells no %s: %s", tt.scenario, key, text)
			}
		}
		if !r.Host.Own {
			t.Errorf("%s: %+v", tt.scenario, r.Host)
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v, %v", info, err)
	}
}
