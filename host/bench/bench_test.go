package bench

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"goop/host/bench/load"
)

func TestScenariosAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range All {
		if s.Name == "" || seen[s.Name] || s.Short == "" || s.Long == "" || s.Run == nil {
			t.Errorf("scenario %q is incomplete, or there twice", s.Name)
		}
		seen[s.Name] = true
		o := s.Usual
		o.Transport = Transports[0]
		if err := o.Check(s); err != nil {
			t.Errorf("%s: its own options: %v", s.Name, err)
		}
	}
}

func TestLimitsAreForThePlan(t *testing.T) {
	t.Parallel()
	small := limitsFor(load.Plan{Members: 10, Senders: 2, Rate: 10, Size: 100})
	if want := []string{"rate=200", "bandwidth=1048576"}; !slices.Equal(small, want) {
		t.Errorf("a small plan: %v, want %v", small, want)
	}
	heavy := limitsFor(load.Plan{Members: 300, Senders: 10, Rate: 1000, Size: 1000})
	if want := []string{"rate=404", "bandwidth=1048576", "memory-entries=10000", "memory-bytes=13000000"}; !slices.Equal(heavy, want) {
		t.Errorf("a plan of large messages: %v, want %v", heavy, want)
	}
	large := limitsFor(load.Plan{Members: 5000, Senders: 10, Rate: 40_000, Size: 1000})
	if want := []string{"rate=16004", "bandwidth=20805200", "memory-entries=400000", "memory-bytes=520000000", "members=5010", "connections=5100", "pages=10000"}; !slices.Equal(large, want) {
		t.Errorf("a large plan: %v, want %v", large, want)
	}
}

func TestPayloadsAreFoundInTheEvents(t *testing.T) {
	t.Parallel()
	var got []string
	read := reader(func(p []byte) { got = append(got, string(p[:min(len(p), 20)])) })
	read([]byte(`[{"type":"members","joined":[]},{"type":"msg","seq":1,"payload":{"s":1,"n":0,"t":5,"x":"."}},` +
		`{"type":"msg","seq":2,"payload":{"text":"hello"}},{"type":"msg","seq":3,"payload":{"s":2,"n":7,"t":6}},` +
		`{"type":"state","seq":4,"patch":{"m3":{"s":3,"n":8,"t":9}}}]`))
	want := []string{`{"s":1,"n":0,"t":5,"`, `{"s":2,"n":7,"t":6}}`, `{"s":3,"n":8,"t":9}}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheGreetingIsReadInPieces(t *testing.T) {
	t.Parallel()
	g := &greeting{up: make(chan string, 1)}
	up := g.up
	for piece := range slices.Chunk([]byte("Bench is up.\n\n  Page        http://127.0.0.1:4/\n  Site        x\n"), 7) {
		if n, err := g.Write(piece); n != len(piece) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	}
	if page := <-up; page != "http://127.0.0.1:4/" {
		t.Errorf("page %q", page)
	}
}

func TestTheTableTellsWhatIsUnknown(t *testing.T) {
	t.Parallel()
	b := &Bench{Scenario: fanout, Options: Options{Transport: "ws"}, Version: "v1"}
	res := load.Result{Members: 3, Senders: 1, Sent: 1234567, Elapsed: time.Second, Window: 1000, HostCPU: load.Unknown, HostRSS: load.Unknown,
		LoaderCPU: time.Second, LoaderCores: 1, LoaderBound: true, Missing: 1}
	r := b.report(load.Plan{Members: 3, Senders: 1, Rate: 5000, Size: 64, For: time.Second})
	r.Result = res
	r.loadRows(res)
	r.hostRows()
	r.loadNotes(res)
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"fanout over ws, version v1", "send 5,000 messages/s", "1,234,567 sent", "per host CPU second       unknown", "host memory (RSS)         unknown",
		"per idle member           unknown", "THE LOAD WAS THE BOTTLENECK", "DELIVERIES WERE WRONG: 1 missing", "--data names its folder",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%v) = %s, want %s", v, got, want)
		}
	}
}
