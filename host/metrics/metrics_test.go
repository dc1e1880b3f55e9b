package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"goop/host/metrics"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, s *metrics.Server) string {
	t.Helper()
	res, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v", res.Status, err)
	}
	return string(text)
}

func listen(t *testing.T, m *metrics.Metrics) *metrics.Server {
	t.Helper()
	s, err := m.Listen(t.Context(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// TestScrape has each number of a Reading be another one, and looks for all of them.
func TestScrape(t *testing.T) {
	t.Parallel()
	r := reading
	m := metrics.New("v1.2", func() metrics.Reading { return r })
	m.Appended(3 * time.Millisecond)
	m.Appended(2 * time.Second)
	s := listen(t, m)
	text := scrape(t, s)
	for _, want := range told {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics have no line %s:\n%s", want, text)
		}
	}
	for _, want := range []string{
		`goop_build_info\{goversion="go1\.[^"]+",version="v1\.2"\} 1`,
		`goop_append_duration_seconds_bucket\{le="0\.0025"\} 0`,
		`goop_append_duration_seconds_bucket\{le="0\.005"\} 1`,
		`goop_append_duration_seconds_count 2`,
		`go_goroutines \d+`,
		`process_cpu_seconds_total `,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("the metrics have nothing like %s", want)
		}
	}
	r.Peers = 77
	if text := scrape(t, s); !strings.Contains(text, "\ngoop_peers 77\n") {
		t.Error("the second scrape has the numbers of the first")
	}
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", func() metrics.Reading { return reading })
	problems, err := promlint.New(strings.NewReader(scrape(t, listen(t, m)))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", func() metrics.Reading { return metrics.Reading{} })
	s := listen(t, m)
	taken := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), metrics.Path)
	if _, err := m.Listen(t.Context(), taken, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two listen on one port")
	}
	for path, want := range map[string]int{"/": http.StatusOK, "/other": http.StatusNotFound} {
		res, err := http.Get("http://" + taken + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: got %s, want %d", path, res.Status, want)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("it answers after Close")
	}
}
