package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"

	"goop/host/metrics"
)

// TestTakenMetrics finds the address of the metrics taken by another program: only an address that was
// asked for stops the start.
func TestTakenMetrics(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, asked := range []bool{false, true} {
		var log bytes.Buffer
		h := &running{
			opts:    options{metrics: taken.Addr().String(), metricsAsked: asked, log: slog.New(slog.NewTextHandler(&log, nil))},
			metrics: metrics.New("v1", func() metrics.Reading { return metrics.Reading{} }),
		}
		err := h.serveMetrics(t.Context())
		if (err != nil) != asked || h.scrapes != nil {
			t.Errorf("asked for: %v, got %v, %v", asked, err, h.scrapes)
		}
		if warned := strings.Contains(log.String(), "level=WARN") && strings.Count(log.String(), "\n") == 1; warned == asked {
			t.Errorf("asked for: %v, the log has %q", asked, &log)
		}
	}
}
