package node

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// TestQuiet has go-libp2p say what an operator need not read, and what one should.
func TestQuiet(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	libp2p := slog.New(demoted{slog.NewTextHandler(&log, nil)})
	libp2p.Warn("a stranger's mistake")
	libp2p.Error("error when shutting down listener", "err", errors.New("any"))
	libp2p.Error("swarm listener accept error", "addr", "a", "err", errors.New("listener closed"))
	if log.Len() > 0 {
		t.Errorf("the log has %s", &log)
	}
	libp2p.Error("swarm listener accept error", "addr", "a", "err", errors.New("out of files"))
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log has %q, want one warning", &log)
	}
}
