package docs_test

import (
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"goop/host/metrics"
)

// TestMetrics compares the table of operating.md with what a host tells.
func TestMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("operating.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(goop_\\w+)` \\| (\\w+) \\|").FindAllSubmatch(text, -1) {
		documented[string(row[1])] = string(row[2])
	}
	w := httptest.NewRecorder()
	m := metrics.New("v1", func() metrics.Reading { return metrics.Reading{Refused: map[string]int64{"full": 1}} })
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", metrics.Path, nil))
	for _, told := range regexp.MustCompile(`(?m)^# TYPE (goop_\w+) (\w+)$`).FindAllStringSubmatch(w.Body.String(), -1) {
		if got := documented[told[1]]; got != told[2] {
			t.Errorf("%s is a %s, and operating.md has it as %q", told[1], told[2], got)
		}
		delete(documented, told[1])
	}
	for name := range documented {
		t.Errorf("operating.md has %s, of which the host says nothing", name)
	}
}
