package cert_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goop/host/cert"
)

// TestToldOnce has an authority away for a day: what is wrong is in the log at once, and then ever more rarely, however
// often it is asked; for who debugs, each attempt is there.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		m, err := cert.NewManaged(cert.Options{
			Domains: []string{"quiz.example.org"}, Dir: t.TempDir(), CA: "https://127.0.0.1:1/directory", // where nothing listens
			Log: slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		m.Start(cert.Ports{HTTPS: 1})
		time.Sleep(24 * time.Hour)
		m.Close()
		var warned []string
		attempts := 0
		for line := range strings.Lines(text.String()) {
			if !strings.Contains(line, "there is no new certificate") {
				continue
			}
			attempts++
			if strings.Contains(line, "level=WARN") {
				at, _, _ := strings.Cut(line, " level")
				warned = append(warned, strings.TrimPrefix(at, "time="))
			}
		}
		// At once, and 10, 30, 70 … minutes later; the ninth would be in the second day.
		if attempts < 1000 || len(warned) != 8 {
			t.Errorf("%d attempts, of which the log has %q", attempts, warned)
		}
		if s := m.Status()[0]; !strings.Contains(s.Problem, "cannot be asked") {
			t.Errorf("got the status %+v", s)
		}
	})
}
